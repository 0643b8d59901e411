package local

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/storetest"
)

func openBench(b *testing.B) *Store {
	s, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// sized makes an entry of about a kilobyte.
func sized() []eventstore.Entry {
	e := entries(1)
	e[0].Data = bytes.Repeat([]byte("x"), 900)
	e[0].Meta = bytes.Repeat([]byte("m"), 100)
	return e
}

func BenchmarkAppend1(b *testing.B) { benchmarkAppend(b, 1) }

func BenchmarkAppend64(b *testing.B) { benchmarkAppend(b, 64) }

// benchmarkAppend has each appender fill streams of 20 records of its own.
func benchmarkAppend(b *testing.B, appenders int) {
	s := openBench(b)
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for i := range appenders {
		wg.Go(func() {
			for n := 0; left.Add(-1) >= 0; n++ {
				w := eventstore.Write{Stream: fmt.Sprintf("s-%d-%d", i, n/20), Expected: eventstore.Version(n % 20), Entries: sized()}
				if _, err := s.Append(b.Context(), w); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// fill writes records of a kilobyte in streams of 20.
func fill(b *testing.B, s *Store, streams int) {
	var batch []eventstore.Write
	for i := range streams {
		w := eventstore.Write{Stream: fmt.Sprint("s-", i)}
		for range 20 {
			w.Entries = append(w.Entries, sized()...)
		}
		if batch = append(batch, w); len(batch) == 50 || i == streams-1 {
			if _, err := s.Append(b.Context(), batch...); err != nil {
				b.Fatal(err)
			}
			batch = nil
		}
	}
}

func BenchmarkAll(b *testing.B) {
	s := openBench(b)
	fill(b, s, 2500)
	storetest.BenchmarkAll(b, s)
}

func BenchmarkRead20(b *testing.B) {
	s := openBench(b)
	fill(b, s, 2500)
	b.ResetTimer()
	for i := range b.N {
		for _, err := range s.Read(b.Context(), fmt.Sprint("s-", i%2500), 0) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	fill(b, s, 500)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		s, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
