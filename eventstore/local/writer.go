package local

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// maxGroup bounds the batches of one commit.
const maxGroup = 256

// A request is a batch on its way through the writer.
type request struct {
	batch    []eventstore.Write
	position uint64
	refused  error
	done     chan error // takes one answer without a reader; position may be read after nil
}

// A writer is the only one who writes to the log, in one goroutine. It turns all batches that wait for it into one
// transaction, so that one fsync serves them all; it never waits for more.
type writer struct {
	connect  func() (*sqlite3.Conn, error)
	requests chan *request // unbuffered: a batch that was sent is in the next commit
	closing  chan struct{}
	stopped  chan struct{}
	head     *head
	recent   recent

	// What follows belongs to the writer's goroutine.
	conn     *sqlite3.Conn
	failed   bool // conn had an error and must not be used again
	position uint64
	begin    *sqlite3.Stmt
	commit   *sqlite3.Stmt
	tail     *sqlite3.Stmt
	find     *sqlite3.Stmt
	insert   *sqlite3.Stmt
}

// run serves until the store closes.
func (w *writer) run() {
	defer close(w.stopped)
	for {
		select {
		case r := <-w.requests:
			w.serve(w.gather(r))
		case <-w.closing:
			return
		}
	}
}

// gather adds the batches that wait at this moment to the first one.
func (w *writer) gather(first *request) []*request {
	group := []*request{first}
	for len(group) < maxGroup {
		select {
		case r := <-w.requests:
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// serve commits a group and answers each of its batches. After an error none of them is answered otherwise, not even
// with a conflict: it may rest on a batch of the same commit.
func (w *writer) serve(group []*request) {
	records, err := w.transact(group)
	if err != nil {
		w.failed = true
		w.recent.forget()
	} else {
		w.recent.add(records)
		w.head.raise(w.position)
	}
	for _, r := range group {
		if err != nil {
			r.refused = fmt.Errorf("append to %s: %w: %w", r.batch[0].Stream, eventstore.ErrUnavailable, err)
		}
		r.done <- r.refused
	}
}

// transact decides the batches and writes those that fit in one transaction. It answers the records.
func (w *writer) transact(group []*request) ([]eventstore.Record, error) {
	if w.failed {
		if err := w.reopen(); err != nil {
			return nil, err
		}
	}
	if err := w.begin.Exec(); err != nil {
		return nil, fmt.Errorf("begin: %w", located(err, w.position+1))
	}
	p := newPlan(w, w.position)
	for _, r := range group {
		var err error
		if r.position, r.refused, err = p.add(r.batch); err != nil {
			return nil, fmt.Errorf("compare versions: %w", located(err, w.position+1))
		}
	}
	for i := range p.records {
		if err := w.write(&p.records[i]); err != nil {
			return nil, fmt.Errorf("insert: %w", located(err, w.position+1))
		}
	}
	if err := w.commit.Exec(); err != nil {
		return nil, fmt.Errorf("commit: %w", located(err, w.position+1))
	}
	w.position = p.last
	return p.records, nil
}

// reopen replaces the connection after an error; an fsync that failed is never tried again on the old one, since the
// system may have forgotten what it could not write. The new connection is opened before the old one is closed: as
// long as any is open, SQLite keeps its index of the WAL, which ends at the last commit that was synced, and the next
// commit overwrites what the failed one left there. Without it SQLite would read the file anew and could take for
// durable what never reached the disk.
func (w *writer) reopen() error {
	old := w.conn
	if old != nil && !old.GetAutocommit() {
		old.Exec("ROLLBACK") // lets go of the write lock; whether it succeeds, the connection ends
	}
	c, err := w.connect()
	if err != nil {
		return fmt.Errorf("reopen the log: %w", err)
	}
	if err := w.use(c); err != nil {
		return errors.Join(fmt.Errorf("reopen the log: %w", err), disconnect(c))
	}
	w.failed = false
	disconnect(old) // its error is that of the failed commit
	// The commit that failed may have come to be all the same; whoever follows sees it now.
	w.head.raise(w.position)
	return nil
}

// use prepares a connection for writing and reads where the log ends.
func (w *writer) use(c *sqlite3.Conn) error {
	var err [6]error
	var begin, commit, tail, find, insert, head *sqlite3.Stmt
	begin, err[0] = prepare(c, "BEGIN IMMEDIATE")
	commit, err[1] = prepare(c, "COMMIT")
	tail, err[2] = prepare(c, "SELECT coalesce(max(version), 0) FROM records WHERE stream = ?1")
	find, err[3] = prepare(c, "SELECT position, id FROM records WHERE stream = ?1 AND version > ?2 ORDER BY version LIMIT ?3")
	insert, err[4] = prepare(c, "INSERT INTO records ("+columns+") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
	head, err[5] = prepare(c, "SELECT coalesce(max(position), 0) FROM records")
	if err := errors.Join(err[:]...); err != nil {
		return err
	}
	defer head.Close()
	if !head.Step() {
		return fmt.Errorf("read the head of the log: %w", head.Err())
	}
	w.conn, w.position = c, uint64(head.ColumnInt64(0))
	w.begin, w.commit, w.tail, w.find, w.insert = begin, commit, tail, find, insert
	return nil
}

// version is the number of a stream's records in the file.
func (w *writer) version(stream string) (eventstore.Version, error) {
	if version, known := w.recent.tip(stream); known {
		return version, nil
	}
	if err := w.tail.BindText(1, stream); err != nil {
		return 0, err
	}
	var version eventstore.Version
	if w.tail.Step() {
		version = eventstore.Version(w.tail.ColumnInt64(0))
	}
	return version, w.tail.Reset()
}

// ids are those of a stream's records after a version, and the position of the last of them.
func (w *writer) ids(stream string, after eventstore.Version, count int) ([]eventstore.ID, uint64, error) {
	if err := errors.Join(w.find.BindText(1, stream), bind(w.find, 2, clamp(uint64(after)), int64(count))); err != nil {
		return nil, 0, err
	}
	var ids []eventstore.ID
	var position uint64
	for w.find.Step() {
		position = uint64(w.find.ColumnInt64(0))
		var id eventstore.ID
		copy(id[:], w.find.ColumnRawBlob(1))
		ids = append(ids, id)
	}
	return ids, position, w.find.Reset()
}

// write inserts one record.
func (w *writer) write(r *eventstore.Record) error {
	position := number(r.Position)
	s := w.insert
	err := errors.Join(
		s.BindInt64(1, int64(position)),
		s.BindText(2, r.Stream),
		s.BindInt64(3, int64(r.Version)),
		s.BindBlob(4, r.ID[:]),
		s.BindText(5, r.Type),
		s.BindBlob(6, notNull(r.Data)),
		s.BindBlob(7, notNull(r.Meta)),
		s.BindInt64(8, int64(checksum(position, r))),
	)
	if err != nil {
		return err
	}
	return s.Exec()
}

// notNull keeps SQLite from taking no bytes for NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
