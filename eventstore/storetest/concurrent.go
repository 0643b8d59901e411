package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

const appenders = 64

// ownStreams has everyone append to a stream of its own while somebody follows.
func (c *suite) ownStreams(t *testing.T) {
	s := c.open(t)
	const each = 10
	var got []eventstore.Record
	var followers, writers sync.WaitGroup
	followers.Go(func() {
		for b, err := range s.Follow(context.Background(), eventstore.Position{}) {
			if err != nil {
				t.Errorf("follow: %v", err)
				return
			}
			if got = append(got, b.Records...); len(got) >= appenders*each {
				return
			}
		}
	})
	acknowledged := make([][]eventstore.Position, appenders)
	for i := range appenders {
		writers.Go(func() {
			for n := range each {
				p, err := s.Append(context.Background(), write(fmt.Sprint("s-", i), eventstore.Version(n), entry("x")))
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				h, err := s.Head(context.Background())
				if err != nil || h.Before(p) {
					t.Errorf("the head is %s (%v) after %s was acknowledged", h, err, p)
				}
				acknowledged[i] = append(acknowledged[i], p)
			}
		})
	}
	writers.Wait()
	if t.Failed() {
		return // the follower would wait for ever
	}
	followers.Wait()
	log := all(t, s, eventstore.Position{})
	increasing(t, log)
	equal(t, "follow", got, log)
	for i, positions := range acknowledged {
		records := stream(t, s, fmt.Sprint("s-", i), 0)
		if len(records) != each {
			t.Fatalf("stream %d has %d records, want %d", i, len(records), each)
		}
		for n, r := range records {
			if r.Position != positions[n] {
				t.Errorf("record %d of stream %d has position %s, its append answered %s", n, i, r.Position, positions[n])
			}
		}
	}
}

// oneStream has everyone append to the same stream: for each version exactly one wins.
func (c *suite) oneStream(t *testing.T) {
	s := c.open(t)
	winners := make([]eventstore.ID, appenders)
	var wg sync.WaitGroup
	for range appenders {
		wg.Go(func() {
			e := entry("mine")
			for expected := eventstore.NoStream; ; {
				_, err := s.Append(context.Background(), write("one", expected, e))
				var conflict *eventstore.ConflictError
				switch {
				case err == nil:
					if winners[expected] != (eventstore.ID{}) {
						t.Errorf("version %d has two winners", expected+1)
					}
					winners[expected] = e.ID
					return
				case !errors.As(err, &conflict):
					t.Errorf("append: %v", err)
					return
				case conflict.Expected != expected || conflict.Actual <= expected || conflict.Actual >= appenders:
					t.Errorf("conflict %+v at expected version %d", conflict, expected)
					return
				}
				expected = conflict.Actual
			}
		})
	}
	wg.Wait()
	got := ids(stream(t, s, "one", 0))
	if len(got) != appenders {
		t.Fatalf("the stream has %d records, want %d", len(got), appenders)
	}
	for v, id := range got {
		if id != winners[v] {
			t.Errorf("version %d is %s, the winner was %s", v+1, id, winners[v])
		}
	}
}
