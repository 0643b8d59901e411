package projections

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
)

// CopyFile copies the file of an outbox or a relay, as it stands at one moment, into a file that is not there yet. It waits for nobody who writes to it
// and keeps nobody waiting, and leaves nothing behind beside it. What was removed from the file is not in the copy.
func CopyFile(ctx context.Context, path, to string) error {
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // SQLite would give it the process's default mode
	if err == nil {
		err = f.Close()
	}
	for err == nil {
		var still bool
		if still, err = copyFile(ctx, path, to); still {
			return nil
		}
		if err == nil { // somebody began to write to it: the copy may be of two moments
			err = os.Truncate(to, 0)
		}
	}
	return fmt.Errorf("copy %s: %w", path, err)
}

// copyFile copies a file into an empty one, and tells whether it stood still. Of one that is whole SQLite is told that nobody writes to it: it would make
// a WAL and its index otherwise.
func copyFile(ctx context.Context, path, to string) (still bool, err error) {
	alone, before, err := whole(path)
	if err != nil {
		return false, err
	}
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String() + "?mode=ro&_pragma=busy_timeout(10000)"
	if alone {
		name += "&immutable=1"
	} else if _, err := os.Stat(path + "-shm"); errors.Is(err, fs.ErrNotExist) {
		if err := private(path + "-shm"); err != nil {
			return false, err
		}
	}
	db, err := connect(name)
	if err != nil {
		return false, err
	}
	err = db.exec(ctx, `VACUUM INTO ?`, to)
	err = closeAfter(err, db)
	if !alone || ctx.Err() != nil {
		return err == nil, err
	}
	yet, after, changed := whole(path)
	if changed != nil {
		return false, changed
	}
	if !yet || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		return false, nil
	}
	return err == nil, err
}

// whole tells whether all that a file holds is in it, and not in a WAL beside it.
func whole(path string) (yes bool, info fs.FileInfo, err error) {
	if info, err = os.Stat(path); err != nil {
		return false, nil, err
	}
	wal, err := os.Stat(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return true, info, nil
	}
	return err == nil && wal.Size() == 0, info, err
}
