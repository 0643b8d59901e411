package local

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
)

// backupPages is how many pages of SQLite are copied between two looks at the context.
const backupPages = 256

// Backup copies the log as it stands at one moment into a folder that is there and has none, beside the process that writes it, which does not wait.
// SQLite's WAL is not used again before it ends, and grows by what is written meanwhile. told is called with how many parts of all are copied. After an
// error a part of the copy may stand in the folder. The caller makes it durable.
func (r *Reader) Backup(ctx context.Context, dir string, told func(done, all uint64)) error {
	path := filepath.Join(dir, fileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	for err == nil {
		var c *sqlite3.Conn
		var stands *footing
		if c, stands, err = r.pages.pool.connect(); err == nil {
			err = backup(ctx, c, path, told)
		}
		err = errors.Join(err, disconnect(c))
		if !stands.moved() && err == nil {
			return nil
		}
		if stands.moved() && ctx.Err() == nil {
			err = os.Truncate(path, 0) // it may be of two moments
		}
	}
	return fmt.Errorf("back up the log: %w", err)
}

// backup copies what a connection shows into an empty file. One read transaction spans it: SQLite would begin again otherwise, whenever a record comes.
func backup(ctx context.Context, c *sqlite3.Conn, path string, told func(done, all uint64)) error {
	if err := c.Exec("BEGIN"); err != nil {
		return err
	}
	if _, err := text(c, "SELECT count(*) FROM meta"); err != nil {
		return err
	}
	b, err := c.BackupInit("main", "file:"+url.PathEscape(filepath.ToSlash(path)))
	if err != nil {
		return err
	}
	for done := false; !done && err == nil; {
		if err = ctx.Err(); err == nil {
			done, err = b.Step(backupPages)
		}
		told(uint64(b.PageCount()-b.Remaining()), uint64(b.PageCount()))
	}
	return errors.Join(err, b.Close())
}
