package storetest

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

func (c *suite) follow(t *testing.T) {
	s := c.open(t)
	appended(t, s, write("a", 0, entries(3)...))
	next, stop := iter.Pull2(s.Follow(t.Context(), eventstore.Position{}))
	defer stop()
	at := eventstore.Position{}
	var got []eventstore.Record
	for i := range 20 {
		p := appended(t, s, write("b", eventstore.Version(2*i), entries(2)...))
		for at.Before(p) {
			b, err, ok := next()
			if err != nil || !ok {
				t.Fatalf("follow ended: %v", err)
			}
			if !at.Before(b.Position) {
				t.Fatalf("a batch at %s came after one at %s", b.Position, at)
			}
			at = b.Position
			got = append(got, b.Records...)
		}
	}
	equal(t, "follow", got, all(t, s, eventstore.Position{}))
}

// followWakes has followers wait before there is anything, and hands each record through them to the next append.
func (c *suite) followWakes(t *testing.T) {
	s := c.open(t)
	const followers, records = 8, 50
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type news struct {
		follower int
		record   eventstore.Record
	}
	heard := make(chan news)
	ended := make(chan error, followers)
	for i := range followers {
		go func() {
			for b, err := range s.Follow(ctx, eventstore.Position{}) {
				if err != nil {
					ended <- err
					return
				}
				for _, r := range b.Records {
					heard <- news{i, r}
				}
			}
		}()
	}
	for i := range records {
		p := appended(t, s, write("a", eventstore.Version(i), entry("news")))
		var seen [followers]bool
		for range followers {
			n := <-heard
			if n.record.Position != p || seen[n.follower] {
				t.Fatalf("follower %d heard of %s, want %s once", n.follower, n.record.Position, p)
			}
			seen[n.follower] = true
		}
	}
	cancel()
	for range followers {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("a follower ended with %v", err)
		}
	}
}

func (c *suite) followBatches(t *testing.T) {
	s := c.open(t)
	for i := range 20 {
		appended(t, s, write("a", eventstore.Version(100*i), entries(100)...))
	}
	to := head(t, s)
	batches, at := 0, eventstore.Position{}
	for b, err := range s.Follow(t.Context(), at) {
		if err != nil {
			t.Fatal(err)
		}
		batches++
		for _, r := range b.Records {
			if !at.Before(r.Position) || b.Position.Before(r.Position) {
				t.Fatalf("record %s stands in a batch from %s to %s", r.Position, at, b.Position)
			}
		}
		at = b.Position
		if !at.Before(to) {
			break
		}
	}
	if batches < 2 || batches > 200 {
		t.Errorf("2000 records came in %d batches", batches)
	}
}

func (c *suite) followContext(t *testing.T) {
	s := c.open(t)
	p := appended(t, s, write("a", 0, entry("1")))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var batches int
	var last error
	for b, err := range s.Follow(ctx, eventstore.Position{}) {
		if last != nil {
			t.Fatalf("follow went on after error %v", last)
		}
		if last = err; len(b.Records) > 0 {
			batches++
			cancel()
		}
	}
	if batches != 1 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d batches, then error %v", batches, last)
	}
	// Another one is not touched.
	for b, err := range s.Follow(t.Context(), eventstore.Position{}) {
		if err == nil && len(b.Records) == 0 {
			continue // others moved the position
		}
		if err != nil || b.Records[0].Position != p {
			t.Errorf("got %v, %v", b, err)
		}
		break
	}
}

func (c *suite) followClose(t *testing.T) {
	s := c.open(t)
	appended(t, s, write("a", 0, entry("1")))
	reached, ended := make(chan bool), make(chan error)
	go func() {
		var last error
		for b, err := range s.Follow(context.Background(), eventstore.Position{}) {
			if last = err; len(b.Records) > 0 {
				reached <- true
			}
		}
		ended <- last
	}()
	<-reached
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := <-ended; !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("the follower ended with %v", err)
	}
}
