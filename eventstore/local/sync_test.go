package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// openOn opens a store on a disk of the tests.
func openOn(t testing.TB, d *disk, dir string) *Store {
	t.Helper()
	s, err := open(dir, d.settings())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func one(stream string, expected eventstore.Version) eventstore.Write {
	return eventstore.Write{Stream: stream, Expected: expected, Entries: entries(1)}
}

// TestFailedSync has one fsync fail: the append answers ErrUnavailable, the next ones work, and after a power cut
// nothing is missing that was acknowledged, neither before nor after the failure.
func TestFailedSync(t *testing.T) {
	ctx := context.Background()
	for round := range 40 / patience {
		dir := t.TempDir()
		d := newDisk(t, uint64(round))
		s := openOn(t, d, dir)
		w := newWitness()
		if err := w.work(s, "before", round%3, 0); err != nil {
			t.Fatal(err)
		}
		d.set(func() { d.failSyncs = 1 })
		write := eventstore.Write{Stream: "failing", Entries: entries(1 + 5*(round%2))}
		p, err := s.Append(ctx, write)
		if !errors.Is(err, eventstore.ErrUnavailable) || p != (eventstore.Position{}) {
			t.Fatalf("an append whose fsync fails answers %s, %v", p, err)
		}
		if r := &s.writer.recent; len(r.tips)+len(r.old)+len(r.records) > 0 {
			t.Fatal("something is remembered of a log of which nobody knows how it ends")
		}
		if round%4 == 0 {
			d.set(func() { d.failOpens = 1 })
			if _, err := s.Append(ctx, write); !errors.Is(err, eventstore.ErrUnavailable) {
				t.Fatalf("an append that cannot open the file again answers %v", err)
			}
		}
		if round%2 == 0 {
			if p, err = s.Append(ctx, write); err != nil {
				t.Fatalf("the retry answers %v", err)
			}
			w.saw(write, p)
		}
		if err := w.work(s, "after", 1+round%5, 0); err != nil {
			t.Fatalf("after the failure: %v", err)
		}
		if round%3 == 0 { // some close the log first, which writes a checkpoint
			if err := w.check(s); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		d.set(func() { d.off = true })
		s.Close()
		d.restore(t, dir)
		s = openOn(t, d, dir)
		if err := w.check(s); err != nil {
			t.Fatalf("round %d: after the power cut: %v", round, err)
		}
		s.Close()
	}
}

// TestFailedSyncIsForgotten retries a batch whose fsync failed while the disk is still in trouble. The file shows the
// batch, but it never reached the disk: a store that reads the file anew would take it for written.
func TestFailedSyncIsForgotten(t *testing.T) {
	for round := range 10 {
		dir := t.TempDir()
		d := newDisk(t, uint64(round))
		s := openOn(t, d, dir)
		w := newWitness()
		write := eventstore.Write{Stream: "a", Entries: entries(4)}
		d.set(func() { d.failSyncs, d.failRow = 1, 1+round%3 })
		p, err := s.Append(t.Context(), write)
		for tries := 0; errors.Is(err, eventstore.ErrUnavailable) && tries < 10; tries++ {
			p, err = s.Append(t.Context(), write)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.saw(write, p)
		d.set(func() { d.off = true })
		s.Close()
		d.restore(t, dir)
		s = openOn(t, d, dir)
		if err := w.check(s); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		s.Close()
	}
}

// TestFailingSyncs has fsyncs of commits and checkpoints fail again and again under several writers that retry, and
// then cuts the power.
func TestFailingSyncs(t *testing.T) {
	for round := range 12 / patience {
		dir := t.TempDir()
		d := newDisk(t, uint64(round))
		s := openOn(t, d, dir)
		w := newWitness()
		var writers sync.WaitGroup
		for i := range 4 {
			writers.Go(func() {
				for range 12 {
					d.set(func() { d.failSyncs = 1 + d.random.IntN(12) })
					if err := w.work(s, fmt.Sprint("s-", i), 4, 1000); err != nil {
						t.Errorf("round %d: %v", round, err)
						return
					}
				}
			})
		}
		writers.Wait()
		d.set(func() { d.off = true })
		s.Close()
		d.restore(t, dir)
		s = openOn(t, d, dir)
		if err := w.check(s); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		s.Close()
	}
}

// TestOneSyncACommit counts the fsyncs of a single writer, checkpoints included.
func TestOneSyncACommit(t *testing.T) {
	d := newDisk(t, 1)
	s := openOn(t, d, t.TempDir())
	walBefore, fileBefore := d.totalSyncs()
	const appends = 1000
	for i := range appends {
		e := entries(1)
		e[0].Data = make([]byte, 500)
		if _, err := s.Append(t.Context(), eventstore.Write{Stream: fmt.Sprint("s-", i%100), Expected: eventstore.Version(i / 100), Entries: e}); err != nil {
			t.Fatal(err)
		}
	}
	wal, file := d.totalSyncs()
	wal, file = wal-walBefore, file-fileBefore
	t.Logf("%d appends: %d syncs of the WAL, %d of the file", appends, wal, file)
	if wal < appends {
		t.Errorf("%d appends were acknowledged by %d syncs", appends, wal)
	}
	if total := wal + file; total > appends*105/100 {
		t.Errorf("%d syncs for %d commits", total, appends)
	}
}

// hold stops the writer in its next commit, before the fsync, and answers how to let it go.
func (d *disk) hold() (release func()) {
	held := make(chan struct{})
	gate := func() { <-held }
	d.gate.Store(&gate)
	return func() {
		d.gate.Store(nil)
		close(held)
	}
}

// TestSharedSync has 63 appends wait while one is being committed: one more commit and one more fsync serve them all.
func TestSharedSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 1)
		s := openOn(t, d, t.TempDir())
		defer s.Close()
		const appenders, rounds = 64, 20
		before, _ := d.totalSyncs()
		for round := range rounds {
			release := d.hold()
			var wg sync.WaitGroup
			for i := range appenders {
				wg.Go(func() {
					if _, err := s.Append(context.Background(), one(fmt.Sprint("s-", i), eventstore.Version(round))); err != nil {
						t.Error(err)
					}
				})
				if i == 0 {
					synctest.Wait() // the first is in its commit, alone
				}
			}
			synctest.Wait() // all wait
			release()
			wg.Wait()
		}
		after, _ := d.totalSyncs()
		t.Logf("%d appends: %d syncs of the WAL", appenders*rounds, after-before)
		// Two commits a round; now and then the WAL begins anew or is copied, with a sync more.
		if n := after - before; n < 2*rounds || n > 3*rounds {
			t.Errorf("%d appends took %d syncs, want about %d", appenders*rounds, n, 2*rounds)
		}
	})
}

// TestOneSyncABatch counts the fsyncs of batches of several records and streams: what belongs together shares one.
func TestOneSyncABatch(t *testing.T) {
	d := newDisk(t, 1)
	s := openOn(t, d, t.TempDir())
	const batches = 100
	before, _ := d.totalSyncs()
	for i := range batches {
		batch := []eventstore.Write{one(fmt.Sprint("name-", i), 0), one(fmt.Sprint("user-", i), 0), {Stream: fmt.Sprint("group-", i), Entries: entries(10)}}
		if _, err := s.Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
	after, _ := d.totalSyncs()
	if n := after - before; n < batches || n > batches*105/100 {
		t.Errorf("%d batches took %d syncs of the WAL", batches, n)
	}
}
