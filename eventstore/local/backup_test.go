package local

import (
	"os"
	"path/filepath"
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
