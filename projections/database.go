package projections

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// database is one SQLite file: a single connection that writes, and some that read while it does.
type database struct {
	path, name string // the name says how SQLite is to open the path
	log        string // the id of the log that the file is made from; its checkpoint tells it too
	read       *pool

	writing sync.Mutex // held through a transaction
	write   *connection
}

func openDatabase(path, schema, log string) (*database, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of %s: %w", path, err)
	}
	// SQLite removes the index of the WAL at the last close, and the driver would make it with the process's default mode.
	for _, name := range []string{path, path + "-shm"} {
		if err := private(name); err != nil {
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
	}
	// modeof gives the WAL the mode of the file. SQLite reads %20 in a query, but not a plus.
	const pragmas = "&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=foreign_keys(off)"
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String() +
		"?modeof=" + strings.ReplaceAll(url.QueryEscape(path), "+", "%20") + pragmas
	write, err := connect(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := write.Exec(schema); err != nil {
		return nil, fmt.Errorf("make the tables of %s: %w", path, closeAfter(err, write))
	}
	d := &database{path: path, name: name, log: log, write: write}
	d.read = d.pool(max(4, runtime.NumCPU()))
	return d, nil
}

// pool is connections that only read, at most so many.
func (d *database) pool(connections int) *pool {
	return newPool(connections, func() (*connection, error) {
		c, err := connect(d.name + "&_pragma=query_only(on)")
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", d.path, err)
		}
		return c, nil
	})
}

// private makes a file that its owner alone may read, or makes it so: what is in it is about people.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

func closeAfter(err error, opened ...io.Closer) error {
	for _, c := range opened {
		err = errors.Join(err, c.Close())
	}
	return err
}

func (d *database) close() error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return closeAfter(nil, d.read, d.write)
}

// batch is one write transaction. A statement that fails undoes all of it, and need not be undone by itself: those that run most often say OR FAIL, and
// SQLite then keeps no journal of each.
type batch struct {
	ctx context.Context
	db  *database
}

// update runs f in one transaction: all of f's writes are made, or none, also if f panics. A context that ends does not
// stop it halfway.
func (d *database) update(ctx context.Context, f func(*batch) error) (err error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	b := &batch{context.WithoutCancel(ctx), d}
	if err := b.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer func() {
		if !d.write.GetAutocommit() { // SQLite may have undone it already, as where the disk is full
			err = errors.Join(err, b.exec(`ROLLBACK`))
		}
	}()
	if err := f(b); err != nil {
		return err
	}
	return b.exec(`COMMIT`)
}

// sync makes all that was written durable.
func (d *database) sync(ctx context.Context) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	b := &batch{context.WithoutCancel(ctx), d}
	var busy, pages, moved int
	if _, err := b.row(`PRAGMA wal_checkpoint(TRUNCATE)`, nil, &busy, &pages, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return fmt.Errorf("sync %s: somebody reads it", d.path)
	}
	return nil
}

func (b *batch) exec(query string, args ...any) error {
	if err := b.db.write.exec(b.ctx, query, args...); err != nil {
		return fmt.Errorf("run %q on %s: %w", query, b.db.path, err)
	}
	return nil
}

// row runs a query that answers at most one row; it tells whether there was one.
func (b *batch) row(query string, args []any, into ...any) (bool, error) {
	for r, err := range b.db.write.rows(b.ctx, query, args...) {
		if err == nil {
			err = r.Scan(into...)
		}
		if err != nil {
			return false, fmt.Errorf("run %q on %s: %w", query, b.db.path, err)
		}
		return true, nil
	}
	return false, nil
}
