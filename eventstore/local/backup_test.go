package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// TestBackup takes the backup that FORMAT.md describes from under a running store, and opens it in a new folder.
func TestBackup(t *testing.T) {
	dir, restored := t.TempDir(), t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := newWitness()
	if err := w.work(s, "a", 50, 0); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(restored, "backup.db")
	alter(t, dir, "VACUUM INTO '"+backup+"'")
	if err := os.Rename(backup, filepath.Join(restored, fileName)); err != nil {
		t.Fatal(err)
	}
	copied, err := Open(restored)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if copied.ID() != s.ID() {
		t.Errorf("the copy's id is %s, the log's %s", copied.ID(), s.ID())
	}
	if err := w.check(copied); err != nil {
		t.Error(err)
	}
	if err := w.work(copied, "a", 5, 0); err != nil {
		t.Error(err)
	}
}

// TestBackupBesideAWriter backs up a log again and again that another process writes to as fast as it can, and kills that process at the end: each copy
// has all that was acknowledged before it was begun, and is sound.
func TestBackupBesideAWriter(t *testing.T) {
	dir := t.TempDir()
	cmd, _, lines := command(t, "append", dir)
	var mu sync.Mutex
	reported := map[string][]string{}
	so := func() map[string][]string {
		mu.Lock()
		defer mu.Unlock()
		out := map[string][]string{}
		for stream, ids := range reported {
			out[stream] = slices.Clone(ids)
		}
		return out
	}
	begun, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; lines.Scan(); n++ {
			mu.Lock()
			report(t, reported, lines.Text())
			mu.Unlock()
			if n == 2000 { // several steps of a backup
				close(begun)
			}
		}
	}()
	<-begun
	back := func() {
		t.Helper()
		acknowledged, to := so(), t.TempDir()
		r := reader(t, dir)
		var steps, done, all uint64
		if err := r.Backup(t.Context(), to, func(d, a uint64) {
			if steps++; d < done {
				t.Errorf("it begins again after %d", done)
			}
			done, all = d, a
		}); err != nil {
			t.Fatal(err)
		}
		if done != all || steps < 4 {
			t.Errorf("it ends with %d of %d after %d steps", done, all, steps)
		}
		if err := r.Backup(t.Context(), to, untold); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a file is overwritten: %v", err)
		}
		if info, err := os.Stat(filepath.Join(to, fileName)); err != nil || info.Mode() != 0o600 {
			t.Errorf("the copy is %v, %v", info, err)
		}
		copied := reader(t, to)
		if err := copied.Check(t.Context(), untold); err != nil || copied.ID() != r.ID() {
			t.Errorf("the copy is of %s and not of %s, %v", copied.ID(), r.ID(), err)
		}
		if entries, err := os.ReadDir(to); err != nil || len(entries) != 1 {
			t.Errorf("there are %v, %v", entries, err)
		}
		verify(t, to, acknowledged)
	}
	for range 4 {
		back()
	}
	cmd.Process.Kill()
	<-ended
	back() // from the WAL that it left
	verify(t, dir, reported)
	back() // and when all is settled
}

// TestBackupIsStopped ends with the context, which is looked at all along.
func TestBackupIsStopped(t *testing.T) {
	dir := written(t)
	ended, end := context.WithCancel(t.Context())
	end()
	if err := reader(t, dir).Backup(ended, t.TempDir(), untold); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if err := reader(t, dir).Check(ended, untold); !errors.Is(err, context.Canceled) {
		t.Errorf("the check ended with %v", err)
	}
	if err := reader(t, dir).Backup(t.Context(), filepath.Join(dir, "none"), untold); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder it ended with %v", err)
	}
}
