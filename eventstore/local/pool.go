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
	conn    *sqlite3.Conn
	footing *footing
	head    *sqlite3.Stmt
	all     *sqlite3.Stmt
	one     *sqlite3.Stmt
}

const columns = "position, stream, version, id, type, data, meta, checksum"

func newSession(c *sqlite3.Conn, f *footing) (*session, error) {
	s := &session{conn: c, footing: f}
	var err [3]error
	s.head, err[0] = prepare(c, "SELECT coalesce(max(position), 0) FROM records")
	s.all, err[1] = prepare(c, "SELECT "+columns+" FROM records WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3")
	s.one, err[2] = prepare(c, "SELECT "+columns+" FROM records WHERE stream = ?1 AND version > ?2 ORDER BY version LIMIT ?3")
	return s, errors.Join(err[:]...)
}

// A pool lends sessions for the length of one page. Sessions are opened when they are first needed.
type pool struct {
	connect func() (*sqlite3.Conn, *footing, error)
	slots   chan *session // nil stands for one that is not open
	closing chan struct{}
}

func newPool(connect func() (*sqlite3.Conn, *footing, error)) *pool {
	p := &pool{connect: connect, slots: make(chan *session, readers), closing: make(chan struct{})}
	for range readers {
		p.slots <- nil
	}
	return p
}

// use lends a session to f. One that f failed with is discarded, and so is one whose footing has moved: f is then called
// again with another, and what it found before is void.
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
	s, err := p.try(ctx, s, f)
	p.slots <- s
	return err
}

// try calls f with the session until it has stood still, and answers the session if it may be used again.
func (p *pool) try(ctx context.Context, s *session, f func(*session) error) (*session, error) {
	for {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		if s != nil && s.footing.moved() {
			disconnect(s.conn)
			s = nil
		}
		if s == nil {
			var err error
			if s, err = p.open(); err != nil {
				return nil, err
			}
		}
		err := f(s)
		switch moved := s.footing.moved(); {
		case moved:
			continue
		case err != nil:
			disconnect(s.conn)
			return nil, err
		}
		return s, nil
	}
}

func (p *pool) open() (*session, error) {
	for {
		c, footing, err := p.connect()
		var s *session
		if err == nil {
			s, err = newSession(c, footing)
		}
		if err == nil {
			return s, nil
		}
		disconnect(c)
		if !footing.moved() {
			return nil, fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
		}
	}
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
