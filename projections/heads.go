package projections

import (
	"context"
	"sync"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// heads asks a log for its head on behalf of many at once: who comes while it is being asked shares the next question, never one that
// began before. Safe for concurrent use.
type heads struct {
	log Headed

	mu            sync.Mutex
	running, next *question
}

// Headed is a log that knows its head.
type Headed interface {
	Head(ctx context.Context) (eventstore.Position, error)
}

// question is one call, and its answer once it is done.
type question struct {
	done chan struct{}
	at   eventstore.Position
	err  error
}

// head is a head that the log had after the call began.
func (h *heads) head(ctx context.Context) (eventstore.Position, error) {
	h.mu.Lock()
	var q *question
	switch {
	case h.running == nil:
		q = &question{done: make(chan struct{})}
		h.running = q
		go h.ask(q)
	case h.next == nil:
		q = &question{done: make(chan struct{})}
		h.next = q
	default:
		q = h.next
	}
	h.mu.Unlock()
	select {
	case <-q.done:
		return q.at, q.err
	case <-ctx.Done():
		return eventstore.Position{}, ctx.Err()
	}
}

// ask asks under a context of its own: it is nobody's alone.
func (h *heads) ask(q *question) {
	ctx, cancel := context.WithTimeout(context.Background(), freshness)
	defer cancel()
	q.at, q.err = h.log.Head(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running, h.next = h.next, nil; h.running != nil {
		go h.ask(h.running)
	}
	close(q.done)
}
