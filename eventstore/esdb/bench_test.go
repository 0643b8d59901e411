package esdb

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
	"github.com/rollcall-sync/rollcall/eventstore/storetest"
)

// The server keeps its log in memory in this process: what is measured is the cost of the client and the protocol, on
// both sides.

func openBench(b *testing.B) *Store {
	return open(b, Config{ConnectionString: esdbtest.Start(b, esdbtest.Config{}).ConnectionString()})
}

// sized makes an entry of about a kilobyte.
func sized() eventstore.Entry {
	e := entry()
	e.Data = bytes.Repeat([]byte("x"), 900)
	e.Meta = bytes.Repeat([]byte("m"), 100)
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
				if _, err := s.Append(b.Context(), write(fmt.Sprintf("s-%d-%d", i, n/20), eventstore.Version(n%20), sized())); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// records fills streams of 20 records of a kilobyte.
func records(b *testing.B, s *Store, streams int) {
	for i := range streams {
		w := write(fmt.Sprint("s-", i), 0)
		for range 20 {
			w.Entries = append(w.Entries, sized())
		}
		appended(b, s, w)
	}
}

func BenchmarkAll(b *testing.B) {
	s := openBench(b)
	records(b, s, 500)
	storetest.BenchmarkAll(b, s)
}

func BenchmarkFollow(b *testing.B) {
	s := openBench(b)
	records(b, s, 500)
	b.ResetTimer()
	n := 0
	for range b.N {
		left := 500 * 20
		for batch, err := range s.Follow(b.Context(), eventstore.Position{}) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(batch.Records)
			if left -= len(batch.Records); left == 0 {
				break
			}
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkRead20(b *testing.B) {
	s := openBench(b)
	records(b, s, 500)
	b.ResetTimer()
	for i := range b.N {
		for _, err := range s.Read(b.Context(), fmt.Sprint("s-", i%500), 0) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
