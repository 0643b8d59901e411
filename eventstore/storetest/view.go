package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"strings"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A view is one test's part of a store that others write to as well: streams with a prefix of its own, from the head
// that it found. To the test it looks like a new store, but for the head and the positions of batches, which others move too.
type view struct {
	eventstore.Store
	prefix string
	start  eventstore.Position
}

func newView(ctx context.Context, s eventstore.Store) (*view, error) {
	start, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	return &view{Store: s, prefix: "storetest-" + rand.Text() + "-", start: start}, nil
}

func (v *view) Append(ctx context.Context, batch ...eventstore.Write) (eventstore.Position, error) {
	var own []eventstore.Write
	for _, w := range batch {
		if w.Stream != "" {
			w.Stream = v.prefix + w.Stream
		}
		own = append(own, w)
	}
	p, err := v.Store.Append(ctx, own...)
	var conflict *eventstore.ConflictError
	if errors.As(err, &conflict) {
		conflict.Stream = strings.TrimPrefix(conflict.Stream, v.prefix)
	}
	return p, err
}

// ours tells whether a record is of this view, and gives it its name there.
func (v *view) ours(r *eventstore.Record) bool {
	name, ok := strings.CutPrefix(r.Stream, v.prefix)
	r.Stream = name
	return ok
}

// after is where to read from: not before the start.
func (v *view) after(p eventstore.Position) eventstore.Position {
	if p.Before(v.start) {
		return v.start
	}
	return p
}

func (v *view) Read(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error] {
	return v.own(v.Store.Read(ctx, v.prefix+stream, after))
}

func (v *view) All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return v.own(v.Store.All(ctx, v.after(after)))
}

func (v *view) own(records iter.Seq2[eventstore.Record, error]) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range records {
			if (err != nil || v.ours(&r)) && !yield(r, err) {
				return
			}
		}
	}
}

func (v *view) Follow(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Batch, error] {
	return func(yield func(eventstore.Batch, error) bool) {
		for b, err := range v.Store.Follow(ctx, v.after(after)) {
			var own []eventstore.Record
			for _, r := range b.Records {
				if v.ours(&r) {
					own = append(own, r)
				}
			}
			if b.Records = own; !yield(b, err) {
				return
			}
		}
	}
}
