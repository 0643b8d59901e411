package local

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
)

// A footing is what a connection of a Reader stands on: log.db alone while no process writes, else SQLite's index of the
// WAL. Once it has moved, the connection may have read torn pages and must not be used again. Nil never moves.
type footing struct {
	path  string
	found fs.FileInfo
	alone bool
}

// connectReader opens a connection that leaves the folder as it is. Where log.db holds everything, SQLite is told that
// nothing changes: it then makes neither a WAL nor an index, and needs no right to write, but does not notice a writer that
// comes either. The footing does: a writer makes a WAL before it changes log.db.
func (s settings) connectReader(dir string) (*sqlite3.Conn, *footing, error) {
	path := filepath.Join(dir, fileName)
	found, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open the log: %w", err)
	}
	if !pending(path) {
		c, err := s.connect(dir, sqlite3.OPEN_READONLY, "immutable=1")
		return c, &footing{path: path, found: found, alone: true}, err
	}
	index, err := findIndex(dir, found)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.connect(dir, sqlite3.OPEN_READONLY)
	return c, index, err
}

// pending tells whether a WAL, or the journal of a database that is about to get one, holds what log.db does not.
func pending(path string) bool {
	for _, suffix := range []string{"-wal", "-journal"} {
		if info, err := os.Stat(path + suffix); err == nil && info.Size() > 0 {
			return true
		}
	}
	return false
}

// moved tells whether what was read since the connection was opened may be torn. The index moves when a writer replaces
// one that belongs to another user.
func (f *footing) moved() bool {
	if f == nil {
		return false
	}
	now, err := os.Stat(f.path)
	if err != nil || !os.SameFile(now, f.found) {
		return true
	}
	return f.alone && (pending(f.path) || now.Size() != f.found.Size() || !now.ModTime().Equal(f.found.ModTime()))
}
