package local

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/rollcall-sync/rollcall/eventstore"
)

type answer struct {
	position eventstore.Position
	err      error
}

// queue starts an append and waits until it stands behind those that were queued before.
func queue(ctx context.Context, s *Store, batch ...eventstore.Write) <-chan answer {
	answered := make(chan answer, 1)
	go func() {
		p, err := s.Append(ctx, batch...)
		answered <- answer{p, err}
	}()
	synctest.Wait()
	return answered
}

// TestGroup puts batches that agree, conflict and repeat each other into one commit.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		d := newDisk(t, 1)
		s := openOn(t, d, t.TempDir())
		defer s.Close()

		release := d.hold()
		first := queue(ctx, s, one("first", 0))
		a1, b1 := one("a", 0), one("b", 0)
		written := queue(ctx, s, a1)
		conflict := queue(ctx, s, one("x", 0), one("a", 0)) // takes its x back
		behind := queue(ctx, s, one("a", 1), b1)
		repeated := queue(ctx, s, a1)
		partly := queue(ctx, s, b1, one("c", 0))
		x := queue(ctx, s, one("x", 0))
		before, _ := d.totalSyncs()
		release()

		for _, want := range []struct {
			what     string
			answered <-chan answer
			position uint64
		}{
			{"the first", first, 1}, {"a1", written, 2}, {"a2 and b1", behind, 4}, {"a1 again", repeated, 2},
			{"b1 again and c1", partly, 5}, {"x1", x, 6},
		} {
			if got := <-want.answered; got.err != nil || got.position != eventstore.At(want.position, want.position) {
				t.Errorf("%s: got %s, %v; want position %d", want.what, got.position, got.err, want.position)
			}
		}
		var c *eventstore.ConflictError
		if got := <-conflict; !errors.As(got.err, &c) || *c != (eventstore.ConflictError{Stream: "a", Expected: 0, Actual: 1}) {
			t.Errorf("the conflict: got %v", got.err)
		}
		if after, _ := d.totalSyncs(); after-before != 2 {
			t.Errorf("two commits took %d syncs", after-before)
		}
	})
}

// TestGroupFails has the fsync of a shared commit fail: everyone hears of it, and the conflict, which rested on a batch
// of that commit, is not told as one.
func TestGroupFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		d := newDisk(t, 1)
		s := openOn(t, d, t.TempDir())
		defer s.Close()

		release := d.hold()
		first := queue(ctx, s, one("first", 0))
		group := []<-chan answer{queue(ctx, s, one("a", 0)), queue(ctx, s, one("a", 0)), queue(ctx, s, one("b", 0))}
		d.set(func() { d.failSyncs = 2 })
		release()
		if got := <-first; got.err != nil {
			t.Errorf("the commit before: %v", got.err)
		}
		for i, answered := range group {
			got := <-answered
			var conflict *eventstore.ConflictError
			if !errors.Is(got.err, eventstore.ErrUnavailable) || errors.As(got.err, &conflict) {
				t.Errorf("append %d answers %v", i, got.err)
			}
		}
		if _, err := s.Append(ctx, one("a", 0)); err != nil {
			t.Errorf("the next append: %v", err)
		}
	})
}

// TestAbandonedAppend ends a context before and within a commit.
func TestAbandonedAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 1)
		s := openOn(t, d, t.TempDir())
		defer s.Close()

		release := d.hold()
		within, cancelWithin := context.WithCancel(context.Background())
		waiting, cancelWaiting := context.WithCancel(context.Background())
		committing := queue(within, s, one("committing", 0))
		skipped := queue(waiting, s, one("skipped", 0))
		next := queue(context.Background(), s, one("next", 0))
		cancelWithin()
		cancelWaiting()
		// Both answer at once, though the disk does not.
		for _, answered := range []<-chan answer{committing, skipped} {
			if got := <-answered; !errors.Is(got.err, context.Canceled) {
				t.Errorf("got error %v", got.err)
			}
		}
		release()
		if got := <-next; got.err != nil {
			t.Error(got.err)
		}
		var names []string
		for r, err := range s.All(context.Background(), eventstore.Position{}) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, r.Stream)
		}
		if len(names) != 2 || names[0] != "committing" || names[1] != "next" {
			t.Errorf("the log holds %v", names)
		}
	})
}

// TestFollowSleeps shows that a follower waits without polling: in the bubble's fake time, nothing but appends and the
// end of its context can wake it.
func TestFollowSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openOn(t, newDisk(t, 1), t.TempDir())
		defer s.Close()
		ctx, cancel := context.WithCancel(context.Background())
		var positions []eventstore.Position
		var last error
		go func() {
			for b, err := range s.Follow(ctx, eventstore.Position{}) {
				if last = err; err == nil {
					positions = append(positions, b.Position)
				}
			}
		}()
		for i := range 3 {
			synctest.Wait() // the follower waits on nothing but channels
			if len(positions) != i {
				t.Fatalf("the follower saw %v after %d appends", positions, i)
			}
			if _, err := s.Append(ctx, one("a", eventstore.Version(i))); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if len(positions) != 3 || !errors.Is(last, context.Canceled) {
			t.Errorf("the follower saw %v and ended with %v", positions, last)
		}
	})
}

// TestCloseWhileCommitting closes with appends under way: each is either acknowledged and there, or answered ErrClosed.
func TestCloseWhileCommitting(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 1)
		s := openOn(t, d, dir)
		release := d.hold()
		w := newWitness()
		write := one("committing", 0)
		committing := queue(context.Background(), s, write)
		waiting := queue(context.Background(), s, one("waiting", 0))
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		synctest.Wait()
		if got := <-waiting; !errors.Is(got.err, eventstore.ErrClosed) {
			t.Errorf("the append that waited answers %v", got.err)
		}
		release()
		got := <-committing
		if got.err != nil {
			t.Errorf("the append under way answers %v", got.err)
		}
		w.saw(write, got.position)
		if err := <-closed; err != nil {
			t.Errorf("close: %v", err)
		}
		s = openOn(t, d, dir)
		defer s.Close()
		if err := w.check(s); err != nil {
			t.Error(err)
		}
	})
}
