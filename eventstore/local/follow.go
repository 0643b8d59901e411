package local

import (
	"context"
	"fmt"
	"iter"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Follow yields what stands after a position in batches of at most a page, and is woken by each commit. It ends with
// the context's error, with ErrClosed, or at a damaged record.
func (s *Store) Follow(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Batch, error] {
	return func(yield func(eventstore.Batch, error) bool) {
		at := number(after)
		for {
			last, err := s.wait(ctx, at)
			if err != nil {
				yield(eventstore.Batch{}, err)
				return
			}
			records := s.writer.recent.after(at)
			if len(records) == 0 {
				records, err = s.pages.afterPosition(ctx, at, last)
			}
			if len(records) > 0 {
				at += uint64(len(records))
				if !yield(eventstore.Batch{Records: records, Position: eventstore.At(at, at)}, nil) {
					return
				}
			}
			if err != nil {
				yield(eventstore.Batch{}, err)
				return
			}
		}
	}
}

// wait answers the head once it is above a position.
func (s *Store) wait(ctx context.Context, at uint64) (uint64, error) {
	for {
		last, moved := s.head.get()
		select {
		case <-s.closing:
			return 0, eventstore.ErrClosed
		default:
		}
		if at < last {
			return last, nil
		}
		select {
		case <-moved:
		case <-s.closing:
		case <-ctx.Done():
			return 0, fmt.Errorf("follow the log after %d: %w", at, ctx.Err())
		}
	}
}
