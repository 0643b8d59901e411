package projections

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A folder that others may read shows them the names of its files, and nothing that stands in them.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	folder, head := t.TempDir(), eventstore.At(1, 1)
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{"new", "left by a crash"} {
		m, err := OpenReadModel(folder, "a log", head)
		if err != nil {
			t.Fatal(err)
		}
		o, err := OpenOutbox(folder, nil, "a log")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []*database{m.db, o.db} {
			if err := d.update(t.Context(), func(b *batch) error { return b.reached(head) }); err != nil {
				t.Fatal(err)
			}
		}
		files, err := os.ReadDir(folder)
		if err != nil || len(files) != 6 {
			t.Errorf("%s: %d files, %v", left, len(files), err)
		}
		for _, f := range files {
			if info, err := f.Info(); err != nil || info.Mode() != 0o600 {
				t.Errorf("%s: %s has mode %s, %v", left, f.Name(), info.Mode(), err)
			}
		}
		if err := closeAfter(nil, m, o); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{OutboxFile, OutboxFile + "-shm", OutboxFile + "-wal"} {
			open := filepath.Join(folder, name)
			f, err := os.OpenFile(open, os.O_CREATE, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			if err := closeAfter(os.Chmod(open, 0o644), f); err != nil {
				t.Fatal(err)
			}
		}
	}
}
