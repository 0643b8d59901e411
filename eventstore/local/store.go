// Package local is the default event store: SQLite in one folder, written by one process.
//
// An append is durable when it returns: SQLite runs with a write-ahead log and synchronous=FULL. One goroutine turns
// all appends that wait at a moment into one transaction, so that one fsync serves many. Reads go in pages on
// connections of their own and never hold up the writer. Each record carries a checksum over all its fields; a reader
// that meets a damaged or missing record stops there with a *eventstore.DamagedError. ../FORMAT.md describes the file.
//
// A second writer is refused, in this process or another; OpenReader works beside one.
package local

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A Store is the log in one folder. All methods may be called concurrently.
type Store struct {
	id      string
	pages   *pages
	writer  *writer
	head    *head
	closing chan struct{}
	close   func() error
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the log in a folder for reading and writing, and creates both where they are missing. What was
// acknowledged before a crash or a power cut is there. It refuses a folder that somebody else writes to, and a log of
// a later format.
func Open(dir string) (*Store, error) { return open(dir, durable) }

func open(dir string, with settings) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	s, err := openLocked(dir, with, lock)
	if err != nil {
		return nil, errors.Join(notOpened(dir, err), lock.Close())
	}
	return s, nil
}

// openLocked opens a folder that is ours. Close gives the lock back.
func openLocked(dir string, with settings, lock *flock.Flock) (*Store, error) {
	if err := makeFile(dir); err != nil {
		return nil, err
	}
	// A process that was killed between a write and its fsync leaves a WAL that shows a commit which may not be on the
	// disk. SQLite would take it for written, and so would whoever reads it or retries it.
	if err := settleFile(filepath.Join(dir, fileName+"-wal"), with.open); err != nil {
		return nil, err
	}
	if err := makeIndex(dir); err != nil {
		return nil, err
	}
	connect := func() (*sqlite3.Conn, error) { return with.connect(dir, sqlite3.OPEN_READWRITE) }
	c, err := connect()
	if err != nil {
		return nil, err
	}
	w := &writer{
		connect:  connect,
		requests: make(chan *request),
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	id, err := prepareWriter(w, c)
	if err != nil {
		return nil, errors.Join(err, disconnect(c))
	}
	w.head = newHead(w.position)
	p := newPool(func() (*sqlite3.Conn, *footing, error) {
		c, err := connect()
		return c, nil, err
	})
	s := &Store{id: id, writer: w, head: w.head, closing: w.closing}
	s.pages = &pages{pool: p, last: s.last}
	s.close = sync.OnceValue(func() error {
		close(w.closing)
		<-w.stopped
		err := p.close()
		// The last connection copies the WAL into log.db and removes it.
		err = errors.Join(err, disconnect(w.conn), lock.Close())
		if err != nil {
			return fmt.Errorf("close the log in %s: %w", dir, err)
		}
		return nil
	})
	go w.run()
	return s, nil
}

// prepareWriter checks the library and the file, creates the tables where there are none, and answers the log's id.
func prepareWriter(w *writer, c *sqlite3.Conn) (string, error) {
	if err := checkLibrary(c); err != nil {
		return "", err
	}
	id, err := initialize(c)
	if err != nil {
		return "", err
	}
	return id, w.use(c)
}

// ID is the log's random id, the same for its whole life and in its copies: whoever keeps a position keeps it too.
func (s *Store) ID() string { return s.id }

// Append writes all of the batch or nothing, durably. It shares its commit, not its fate, with others that wait at
// the same time: their conflicts do not touch it. Where the commit itself fails (disk full, an fsync in error), all of
// them get an error that wraps ErrUnavailable, and the next append opens the file anew. Until it returns, and for good
// if its context ends while it waits, the batch belongs to the store and must not be changed.
func (s *Store) Append(ctx context.Context, batch ...eventstore.Write) (eventstore.Position, error) {
	if err := eventstore.Check(batch); err != nil {
		return eventstore.Position{}, err
	}
	if err := ctx.Err(); err != nil {
		return eventstore.Position{}, fmt.Errorf("append to %s: %w", batch[0].Stream, err)
	}
	r := &request{batch: batch, done: make(chan error, 1)}
	select {
	case s.writer.requests <- r:
	case <-s.closing:
		return eventstore.Position{}, eventstore.ErrClosed
	case <-ctx.Done():
		return eventstore.Position{}, fmt.Errorf("append to %s: %w", batch[0].Stream, ctx.Err())
	}
	select {
	case err := <-r.done:
		if err != nil {
			return eventstore.Position{}, err
		}
		return eventstore.At(r.position, r.position), nil
	case <-ctx.Done():
		return eventstore.Position{}, fmt.Errorf("append to %s, which may be written all the same: %w", batch[0].Stream, ctx.Err())
	}
}

// Read yields the records of a stream above a version.
func (s *Store) Read(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		if version, known := s.writer.recent.tip(stream); !known || version > after || !s.open(ctx) {
			s.pages.stream(ctx, stream, after)(yield)
		}
	}
}

// All yields the records above a position.
func (s *Store) All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return s.pages.all(ctx, after)
}

// Head is the position of the last durable record.
func (s *Store) Head(ctx context.Context) (eventstore.Position, error) {
	n, err := s.last(ctx)
	return eventstore.At(n, n), err
}

// open tells whether the store may answer.
func (s *Store) open(ctx context.Context) bool {
	select {
	case <-s.closing:
		return false
	default:
		return ctx.Err() == nil
	}
}

func (s *Store) last(ctx context.Context) (uint64, error) {
	select {
	case <-s.closing:
		return 0, eventstore.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("read the head of the log: %w", err)
	}
	n, _ := s.head.get()
	return n, nil
}

// Close ends followers, finishes the commit and the pages under way, and gives the folder back. Later calls answer
// ErrClosed. Twice is harmless.
func (s *Store) Close() error { return s.close() }
