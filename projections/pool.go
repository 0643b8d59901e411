package projections

import (
	"context"
	"errors"
	"iter"
	"sync"
)

// errClosed is answered by what was closed.
var errClosed = errors.New("the file is closed")

// pool lends connections that only read. They are opened when they are first needed.
type pool struct {
	open    func() (*connection, error)
	slots   chan *connection // nil stands for one that is not open
	closing chan struct{}
	closed  sync.Once
}

func newPool(connections int, open func() (*connection, error)) *pool {
	p := &pool{open: open, slots: make(chan *connection, connections), closing: make(chan struct{})}
	for range connections {
		p.slots <- nil
	}
	return p
}

// take lends one, which is to be given back.
func (p *pool) take(ctx context.Context) (*connection, error) {
	select {
	case <-p.closing:
		return nil, errClosed
	default:
	}
	var c *connection
	select {
	case c = <-p.slots:
	case <-p.closing:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c != nil {
		return c, nil
	}
	c, err := p.open()
	if err != nil {
		p.slots <- nil
	}
	return c, err
}

func (p *pool) give(c *connection) { p.slots <- c }

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
		for range cap(p.slots) {
			if c := <-p.slots; c != nil {
				err = errors.Join(err, c.Close())
			}
		}
	})
	return err
}
