package projections

import (
	"context"
	"sync"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Progress is how far a projection has come, for those who wait for it. Safe for concurrent use.
type Progress struct {
	mu       sync.Mutex
	position eventstore.Position
	moved    chan struct{} // closed and made anew at each move
	failure  error
	trouble  error         // passes; nil again once a batch was applied
	waiting  int           // how many wait
	wanted   chan struct{} // with room for one, told when one begins to

	pause time.Duration // of rest
}

func newProgress(at eventstore.Position) *Progress {
	return &Progress{position: at, moved: make(chan struct{}), wanted: make(chan struct{}, 1)}
}

// Position is the last one reached.
func (p *Progress) Position() eventstore.Position {
	at, _, _ := p.now()
	return at
}

// Failure is why the projection stopped for good, nil while it goes on.
func (p *Progress) Failure() error {
	_, _, failure := p.now()
	return failure
}

// Troubled waits until the projection has stopped for good, or has tried its next batch again and again for a time, and answers why; nil if the
// context ends before.
func (p *Progress) Troubled(ctx context.Context, patience time.Duration) error {
	tick := time.NewTicker(patience / 4)
	defer tick.Stop()
	for looks := 0; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := p.Failure(); err != nil {
			return err
		}
		err := p.stumbled()
		if looks++; err == nil {
			looks = 0
		}
		if looks > 4 {
			return err
		}
	}
}

func (p *Progress) now() (eventstore.Position, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.position, p.moved, p.failure
}

func (p *Progress) reach(at eventstore.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.position, p.trouble = at, nil
	close(p.moved)
	p.moved = make(chan struct{})
}

// stumble records what keeps the projection from the next batch for now. Waiters go on waiting.
func (p *Progress) stumble(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = err
}

func (p *Progress) stumbled() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trouble
}

// fail records why the projection stopped, once; waiters are let go.
func (p *Progress) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil {
		p.failure = err
		close(p.moved)
		p.moved = make(chan struct{})
	}
}

// Wait returns when the position is reached, the projection has stopped for good, or the context ends.
func (p *Progress) Wait(ctx context.Context, goal eventstore.Position) error {
	for {
		at, moved, failure := p.now()
		if !at.Before(goal) {
			return nil
		}
		if failure != nil {
			return failure
		}
		if err := p.await(ctx, moved); err != nil {
			return err
		}
	}
}

func (p *Progress) await(ctx context.Context, moved <-chan struct{}) error {
	p.wait(1)
	defer p.wait(-1)
	signal(p.wanted)
	select {
	case <-moved:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Progress) wait(more int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting += more
	return p.waiting
}

// rest lets more come before the next batch, for a batch costs much and a record of it little. It ends when somebody waits.
func (p *Progress) rest() {
	select {
	case <-p.wanted: // of before
	default:
	}
	if p.wait(0) > 0 {
		return
	}
	t := time.NewTimer(p.pause)
	defer t.Stop()
	select {
	case <-p.wanted:
	case <-t.C:
	}
}
