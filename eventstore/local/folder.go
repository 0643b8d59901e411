package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// fileName is the log within its folder. SQLite keeps log.db-wal and log.db-shm beside it.
const fileName = "log.db"

// makeFolder creates dir and what is missing above it, for the owner alone, and makes the new names durable.
func makeFolder(dir string) error {
	err := os.Mkdir(dir, 0o700)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		if err := makeFolder(filepath.Dir(dir)); err != nil {
			return err
		}
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("create the folder of the log: %w", err)
		}
	case err != nil:
		return fmt.Errorf("create the folder of the log: %w", err)
	}
	return syncFolder(filepath.Dir(dir))
}

// makeFile creates an empty log.db for the owner alone where there is none, and makes its name durable: fsync of the
// file and of the folder. SQLite gives log.db-wal the same mode and syncs the folder itself for that one.
func makeFile(dir string) error {
	path := filepath.Join(dir, fileName)
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		return nil
	}
	// SQLite would throw away a WAL beside an empty database, and with it acknowledged records.
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return fmt.Errorf("%s is missing or empty, but %s-wal is not: put the log.db back that belongs to it", path, fileName)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("create the log: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("create the log: %w", err)
	}
	return syncFolder(dir)
}

// file is what settleFile needs of one.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
}

// openFile opens a file of the operating system.
func openFile(path string) (file, error) { return os.OpenFile(path, os.O_RDWR, 0) }

// settleFile makes durable what a file shows: it writes the same bytes in the same place and syncs them. A mere fsync
// would not do after one that failed, for the system no longer knows which bytes it could not write. It is for a file
// that nobody else writes to. A missing file is fine.
func settleFile(path string, open func(string) (file, error)) error {
	f, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make %s durable: %w", path, err)
	}
	defer f.Close()
	part := make([]byte, 1<<20)
	for offset := int64(0); ; {
		n, err := f.ReadAt(part, offset)
		if err != nil && err != io.EOF {
			return fmt.Errorf("make %s durable: %w", path, err)
		}
		if n == 0 {
			break
		}
		if _, err := f.WriteAt(part[:n], offset); err != nil {
			return fmt.Errorf("make %s durable: %w", path, err)
		}
		offset += int64(n)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("make %s durable: %w", path, err)
	}
	return nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync the folder %s: %w", dir, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync the folder %s: %w", dir, err)
	}
	return nil
}
