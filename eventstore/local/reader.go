package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A Reader shows a log beside the process that writes it, or without one. It changes nothing in the log and takes no
// lock that a writer waits for longer than a moment. Without a writer it leaves the folder as it finds it, and needs no
// right to write there; but where a killed process left a WAL without its index, it makes that one. It cannot wait for
// news: All ends at the head of its time. After a process was killed and before the next one opened the log, it may show
// a last commit that nobody acknowledged. All methods may be called concurrently.
type Reader struct {
	id    string
	pages *pages
	close func() error
}

// OpenReader opens the log in a folder for reading. It refuses a folder without a log and a log of a later format.
func OpenReader(dir string) (*Reader, error) { return openReader(dir, durable) }

func openReader(dir string, with settings) (*Reader, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, fileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the log: there is none in %s", dir)
	}
	connect := func() (*sqlite3.Conn, *footing, error) { return with.connectReader(dir) }
	id, err := describe(connect)
	if err != nil {
		return nil, notOpened(dir, err)
	}
	p := newPool(connect)
	r := &Reader{id: id, pages: &pages{pool: p}, close: sync.OnceValue(p.close)}
	r.pages.last = r.pages.head
	return r, nil
}

// describe checks the library and the file, and answers the log's id.
func describe(connect func() (*sqlite3.Conn, *footing, error)) (string, error) {
	for {
		c, footing, err := connect()
		id := ""
		if err == nil {
			err = checkLibrary(c)
		}
		if err == nil {
			id, err = identify(c)
		}
		err = errors.Join(err, disconnect(c))
		if !footing.moved() {
			return id, err
		}
	}
}

// ID is the log's random id, the same for its whole life and in its copies.
func (r *Reader) ID() string { return r.id }

// Read yields the records of a stream above a version, as eventstore.Store says.
func (r *Reader) Read(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error] {
	return r.pages.stream(ctx, stream, after)
}

// All yields the records above a position, as eventstore.Store says.
func (r *Reader) All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return r.pages.all(ctx, after)
}

// Head is the position of the last durable record.
func (r *Reader) Head(ctx context.Context) (eventstore.Position, error) {
	n, err := r.pages.head(ctx)
	return eventstore.At(n, n), err
}

// Close waits for the pages under way. Later calls answer ErrClosed. Twice is harmless.
func (r *Reader) Close() error { return r.close() }
