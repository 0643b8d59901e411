package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// indexPath is log.db-shm, SQLite's index of the WAL. It holds nothing of value, but whoever shares the WAL must be able to
// write to the same one.
func indexPath(dir string) string { return filepath.Join(dir, fileName+"-shm") }

// makeIndex makes the index for the owner alone before SQLite does, which would give it the process's default mode, and
// before there is a WAL, so that a reader finds it beside one. An index of another user, whose reader or server once ran
// here, is replaced. Only the holder of the folder's lock may do so.
func makeIndex(dir string) error {
	path := indexPath(dir)
	err := ownIndex(path)
	if errors.Is(err, fs.ErrPermission) {
		if err = os.Remove(path); err == nil || errors.Is(err, fs.ErrNotExist) {
			err = ownIndex(path)
		}
	}
	if err != nil {
		return fmt.Errorf("restrict the log's index to its owner: %w", err)
	}
	return nil
}

func ownIndex(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// findIndex finds the index for a reader. Where a WAL is left that has none, it makes one that belongs to whom the log
// belongs to. It stays when the reader goes: another process may have begun to use it, and nobody can tell.
func findIndex(dir string, log fs.FileInfo) (*footing, error) {
	path := indexPath(dir)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		giveTo(f, log) // where it cannot, the next writer replaces the index
		err = f.Close()
	} else if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("make an index of %s-wal, which holds what %s does not yet (read a copy of the folder, or start the server once): %w", fileName, fileName, err)
	}
	found, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("find the log's index: %w", err)
	}
	return &footing{path: path, found: found}, nil
}
