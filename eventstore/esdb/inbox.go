package esdb

import (
	"context"
	"sync"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// An inbox gathers what a subscription brings while the reader is busy, up to a page. One goroutine fills it and one
// takes from it.
type inbox struct {
	news chan struct{} // holds one when there is something to take
	room chan struct{} // holds one when something was taken

	mu    sync.Mutex
	batch eventstore.Batch
	bytes int
	err   error // why nothing more will come
}

// newInbox makes one for what stands behind a position.
func newInbox(at eventstore.Position) *inbox {
	return &inbox{news: make(chan struct{}, 1), room: make(chan struct{}, 1), batch: eventstore.Batch{Position: at}}
}

// event adds an event, or only its position if it is not the log's. It waits while a page is full.
func (b *inbox) event(ctx context.Context, e *recorded) error {
	if reserved(streamOf(e)) {
		b.reach(positionOf(e))
		return nil
	}
	r, err := recordOf(e)
	if err != nil {
		return err
	}
	for !b.add(r) {
		select {
		case <-b.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// add tells whether there was room. A record that was there before is not added twice.
func (b *inbox) add(r eventstore.Record) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.batch.Records) == pageRecords || b.bytes >= pageBytes {
		return false
	}
	if b.batch.Position.Before(r.Position) {
		b.batch.Records = append(b.batch.Records, r)
		b.batch.Position = r.Position
		b.bytes += len(r.Data) + len(r.Meta)
		signal(b.news)
	}
	return true
}

// reach moves the position on.
func (b *inbox) reach(p eventstore.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.batch.Position.Before(p) {
		b.batch.Position = p
		signal(b.news)
	}
}

// end says that nothing more will come.
func (b *inbox) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
	signal(b.news)
}

// take empties the inbox. Its batch is news if the position has moved.
func (b *inbox) take() (eventstore.Batch, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := b.batch
	b.batch, b.bytes = eventstore.Batch{Position: batch.Position}, 0
	signal(b.room)
	return batch, b.err
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
