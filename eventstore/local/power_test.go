package local

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

const cutWriters = 6

// TestPowerCut cuts the power at any write or sync, at opening, committing and checkpointing, and finds every
// acknowledged record again.
func TestPowerCut(t *testing.T) {
	const folders, cuts = 52 / patience, 4
	records, by := 0, map[string]int{}
	for folder := range folders {
		d := newDisk(t, uint64(folder))
		n, err := cutPower(t, d, d.settings(), cuts)
		if err != nil {
			t.Fatalf("folder %d: %v", folder, err)
		}
		records += n
		for name, n := range d.cuts {
			by[name] += n
		}
	}
	t.Logf("%d acknowledged records; cuts by the file that was written to: %v", records, by)
	if by[fileName] == 0 || by[fileName+"-wal"] == 0 {
		t.Error("the power never went in a checkpoint, or never in a commit")
	}
}

// TestPowerCutControl shows that the test bites: where SQLite does not sync each commit, it must find a loss.
func TestPowerCutControl(t *testing.T) {
	for _, synchronous := range []string{"NORMAL", "OFF"} {
		t.Run(synchronous, func(t *testing.T) {
			for folder := range 50 {
				d := newDisk(t, uint64(folder))
				with := d.settings()
				with.synchronous = synchronous
				if _, err := cutPower(t, d, with, 10); err != nil {
					t.Logf("folder %d: %v", folder, err)
					return
				}
			}
			t.Error("nothing was lost: the test would not notice a store that does not sync")
		})
	}
}

// cutPower lives through some power cuts in one folder and answers what the last check found wrong.
func cutPower(t *testing.T, d *disk, with settings, cuts int) (records int, err error) {
	dir := t.TempDir()
	random := d.random
	w := newWitness()
	for cut := range cuts {
		d.set(func() {
			d.cutAfter = 1 + random.IntN(20<<random.IntN(6))
			if cut == 2 { // in the file, which only checkpoints write to
				d.cutIn, d.cutAfter = fileName, 20+random.IntN(300)
			}
		})
		if s, err := open(dir, with); err == nil {
			var writers sync.WaitGroup
			for i := range cutWriters {
				writers.Go(func() { w.work(s, fmt.Sprint("s-", i), 1<<20, 0) })
			}
			writers.Wait()
			s.Close() // fails like everything else
		}
		if random.IntN(3) == 0 {
			// Only the process died: its successor sees what was never synced, and what it shows must stay.
			d.set(func() { d.off, d.cutAfter = false, 0 })
			s, err := open(dir, with)
			if err != nil {
				return 0, fmt.Errorf("kill %d: %w", cut, err)
			}
			if err := w.check(s); err != nil {
				return 0, errors.Join(fmt.Errorf("kill %d: %w", cut, err), s.Close())
			}
			d.set(func() { d.off = true })
			s.Close()
		}
		d.restore(t, dir)
		s, err := open(dir, with)
		if err != nil {
			return 0, fmt.Errorf("cut %d: %w", cut, err)
		}
		if err := w.check(s); err != nil {
			return 0, errors.Join(fmt.Errorf("cut %d: %w", cut, err), s.Close())
		}
		if err := w.work(s, "afterwards", 1, 0); err != nil {
			return 0, errors.Join(fmt.Errorf("after cut %d: %w", cut, err), s.Close())
		}
		// Half of the time the power goes again before the log was closed.
		if random.IntN(2) == 0 {
			d.set(func() { d.off = true })
			s.Close()
			d.restore(t, dir)
		} else if err := s.Close(); err != nil {
			return 0, fmt.Errorf("after cut %d: %w", cut, err)
		}
	}
	return w.count, nil
}

// TestSettledFileSurvives settles a file that shows what no fsync has brought to the disk, or one has failed to: a power
// cut leaves all of it.
func TestSettledFileSurvives(t *testing.T) {
	for round := range 20 {
		dir := t.TempDir()
		path := filepath.Join(dir, fileName+"-wal")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		d := newDisk(t, uint64(round))
		f, err := d.openFile(path)
		if err != nil {
			t.Fatal(err)
		}
		shown := bytes.Repeat([]byte("frames"), 10_000)
		if _, err := f.WriteAt(shown, 0); err != nil {
			t.Fatal(err)
		}
		if round%2 == 0 {
			d.set(func() { d.failSyncs = 1 })
			if err := f.Sync(); err == nil {
				t.Fatal("the fsync did not fail")
			}
		}
		if err := errors.Join(f.Close(), settleFile(path, d.openFile)); err != nil {
			t.Fatal(err)
		}
		d.restore(t, dir)
		if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, shown) {
			t.Fatalf("round %d: %d bytes were left of %d, or others: %v", round, len(left), len(shown), err)
		}
	}
}
