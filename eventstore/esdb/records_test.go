package esdb

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// entry makes an entry that no other test has.
func entry() eventstore.Entry {
	var id eventstore.ID
	rand.Read(id[:])
	return eventstore.Entry{ID: id, Type: "test.written", Data: []byte(`{"text":"x"}`), Meta: []byte(`{"actor":"test"}`)}
}

func entries(n int) []eventstore.Entry {
	made := make([]eventstore.Entry, n)
	for i := range made {
		made[i] = entry()
	}
	return made
}

func write(stream string, expected eventstore.Version, e ...eventstore.Entry) eventstore.Write {
	return eventstore.Write{Stream: stream, Expected: expected, Entries: e}
}

func appended(t testing.TB, s *Store, batch ...eventstore.Write) eventstore.Position {
	t.Helper()
	p, err := s.Append(t.Context(), batch...)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return p
}

// fill appends records one by one to a stream, from its beginning, and answers their ids.
func fill(t testing.TB, s *Store, stream string, n int) []eventstore.ID {
	t.Helper()
	var ids []eventstore.ID
	for i := range n {
		e := entry()
		appended(t, s, write(stream, eventstore.Version(i), e))
		ids = append(ids, e.ID)
	}
	return ids
}

// counted is what became of records on their way.
type counted struct{ lost, repeated, reordered int }

// count compares the records of one stream as they arrived with what was written.
func count(got []eventstore.Record, stream string, written []eventstore.ID) (c counted) {
	seen := map[eventstore.ID]bool{}
	last := eventstore.NoStream
	for _, r := range got {
		if r.Stream != stream {
			continue
		}
		if seen[r.ID] {
			c.repeated++
			continue
		}
		seen[r.ID] = true
		if r.Version <= last {
			c.reordered++
		}
		last = r.Version
	}
	for _, id := range written {
		if !seen[id] {
			c.lost++
		}
	}
	c.repeated += len(seen) + c.lost - len(written)
	return c
}

// intact asks that nothing happened to records on their way.
func intact(t *testing.T, what string, got []eventstore.Record, stream string, written []eventstore.ID) {
	t.Helper()
	if c := count(got, stream, written); c != (counted{}) {
		t.Errorf("%s: of %d records of %s %d are lost, %d repeated, %d out of order", what, len(written), stream, c.lost, c.repeated, c.reordered)
	}
	if !slices.IsSortedFunc(got, func(a, b eventstore.Record) int { return a.Position.Compare(b.Position) }) {
		t.Errorf("%s: positions do not rise", what)
	}
}

func all(t *testing.T, s *Store) []eventstore.Record {
	t.Helper()
	var got []eventstore.Record
	for r, err := range s.All(t.Context(), eventstore.Position{}) {
		if err != nil {
			t.Fatalf("all: %v", err)
		}
		got = append(got, r)
	}
	return got
}

// following runs a follower from the start of the log until its position reaches what until says.
type following struct {
	at   chan eventstore.Position
	done chan []eventstore.Record
}

func follow(t *testing.T, s *Store) *following {
	f := &following{make(chan eventstore.Position, 1), make(chan []eventstore.Record, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	batches := make(chan eventstore.Batch)
	var followers sync.WaitGroup
	followers.Go(func() {
		for b, err := range s.Follow(ctx, eventstore.Position{}) {
			if err != nil {
				if ctx.Err() == nil {
					t.Errorf("follow: %v", err)
				}
				return
			}
			select {
			case batches <- b:
			case <-ctx.Done():
			}
		}
	})
	followers.Go(func() {
		var got []eventstore.Record
		var at eventstore.Position
		until, asked := eventstore.Position{}, false
		for {
			select {
			case b := <-batches:
				if !at.Before(b.Position) {
					t.Errorf("a batch at %s came after one at %s", b.Position, at)
				}
				at, got = b.Position, append(got, b.Records...)
			case until = <-f.at:
				asked = true
			case <-ctx.Done():
				return
			}
			if asked && !at.Before(until) {
				f.done <- got
				return
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		followers.Wait()
	})
	return f
}

// until waits for the follower to reach a position and answers all that it got.
func (f *following) until(p eventstore.Position) []eventstore.Record {
	f.at <- p
	return <-f.done
}
