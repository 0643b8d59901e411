package projections

import (
	"context"
	"errors"
	"iter"
	"sync"
)

// errClosed is answered by what was closed.
var errClosed = errors.New("the file is closed")

// pool lends connections that only read. They are opened when they are first needed; the one that was used last goes first, since it remembers most of the
// file, and the others need no memory while they are not needed.
type pool struct {
	open    func() (*connection, error)
	turns   chan struct{} // one for each that may be lent
	closing chan struct{}
	closed  sync.Once

	mu   sync.Mutex
	idle []*connection
}

func newPool(connections int, open func() (*connection, error)) *pool {
	return &pool{open: open, turns: make(chan struct{}, connections), closing: make(chan struct{})}
}

// take lends one, which is to be given back.
func (p *pool) take(ctx context.Context) (*connection, error) {
	select {
	case <-p.closing:
		return nil, errClosed
	default:
	}
	select {
	case p.turns <- struct{}{}:
	case <-p.closing:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c := p.last(); c != nil {
		return c, nil
	}
	c, err := p.open()
	if err != nil {
		<-p.turns
	}
	return c, err
}

func (p *pool) last() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return c
}

func (p *pool) give(c *connection) {
	p.mu.Lock()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
	<-p.turns
}

// rows implements queries. It holds a connection until the last row.
func (p *pool) rows(ctx context.Context, query string, args ...any) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		c, err := p.take(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer p.give(c)
		c.rows(ctx, query, args...)(yield)
	}
}

// Close waits for what is lent and closes every connection.
func (p *pool) Close() (err error) {
	p.closed.Do(func() {
		close(p.closing)
		for range cap(p.turns) {
			p.turns <- struct{}{}
		}
		for c := p.last(); c != nil; c = p.last() {
			err = errors.Join(err, c.Close())
		}
	})
	return err
}
