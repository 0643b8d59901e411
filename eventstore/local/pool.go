package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// readers bounds the connections that read at the same time; further readers wait for one between two pages.
const readers = 4

// A session is one reading connection with its statements.
type session struct {
	conn *sqlite3.Conn
	head *sqlite3.Stmt
	all  *sqlite3.Stmt
	one  *sqlite3.Stmt
}

const columns = "position, stream, version, id, type, data, meta, checksum"

func newSession(c *sqlite3.Conn) (*session, error) {
	s := &session{conn: c}
	var err [3]error
	s.head, err[0] = prepare(c, "SELECT coalesce(max(position), 0) FROM records")
	s.all, err[1] = prepare(c, "SELECT "+columns+" FROM records WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3")
	s.one, err[2] = prepare(c, "SELECT "+columns+" FROM records WHERE stream = ?1 AND version > ?2 ORDER BY version LIMIT ?3")
	return s, errors.Join(err[:]...)
}

// A pool lends sessions for the length of one page. Sessions are opened when they are first needed.
type pool struct {
	connect func() (*sqlite3.Conn, error)
	slots   chan *session // nil stands for one that is not open
	closing chan struct{}
}

func newPool(connect func() (*sqlite3.Conn, error)) *pool {
	p := &pool{connect: connect, slots: make(chan *session, readers), closing: make(chan struct{})}
	for range readers {
		p.slots <- nil
	}
	return p
}

// use lends a session to f. One that f failed with is discarded.
func (p *pool) use(ctx context.Context, f func(*session) error) error {
	select {
	case <-p.closing:
		return eventstore.ErrClosed
	default:
	}
	var s *session
	select {
	case s = <-p.slots:
	case <-p.closing:
		return eventstore.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	err := ctx.Err()
	if err == nil && s == nil {
		s, err = p.open()
	}
	if err == nil {
		if err = f(s); err != nil {
			disconnect(s.conn)
			s = nil
		}
	}
	p.slots <- s
	return err
}

func (p *pool) open() (*session, error) {
	c, err := p.connect()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
	s, err := newSession(c)
	if err != nil {
		disconnect(c)
		return nil, fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
	return s, nil
}

// close waits for the pages under way and closes every session. It is called once.
func (p *pool) close() error {
	close(p.closing)
	var errs []error
	for range readers {
		if s := <-p.slots; s != nil {
			errs = append(errs, disconnect(s.conn))
		}
	}
	return errors.Join(errs...)
}
