package command

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// folded is a subject with the version that it stands at. States are never changed in place: Apply replaces what it changes.
type folded[T any] struct {
	State             T
	Version           eventstore.Version
	Created, Modified time.Time
}

// state is a domain state that events are folded into.
type state[T any] interface {
	*T
	Apply(domain.Event)
}

func next[T any, S state[T]](f folded[T], e domain.Event, at time.Time) folded[T] {
	S(&f.State).Apply(e)
	f.Version++
	if !domain.Modifies(e) {
		return f
	}
	f.Modified = at.UTC().Truncate(time.Millisecond)
	if f.Version == 1 {
		f.Created = f.Modified
	}
	return f
}

// load folds a stream: what is remembered, and what came after that.
func load[T any, S state[T]](ctx context.Context, s *Service, stream string) (folded[T], error) {
	var f folded[T]
	if kept, ok := s.folds.Get(stream); ok {
		f = kept.(folded[T])
	}
	known := f.Version
	for r, err := range s.Log.Read(ctx, stream, f.Version) {
		if err != nil {
			return folded[T]{}, fmt.Errorf("load %s: %w", stream, err)
		}
		stored, err := projections.DecodeRecord(r)
		if err != nil {
			return folded[T]{}, fmt.Errorf("load %s: %w", stream, err)
		}
		f = next[T, S](f, stored.Event, stored.Meta.RecordedAt)
		s.Read.ExpectOf(stream, stored.Meta.Directory, r.Position) // what is decided on must not be newer than what the read model is asked about it
	}
	if f.Version != known {
		s.folds.Add(stream, f)
	}
	return f, nil
}

// keep remembers a subject after events that were appended.
func keep[T any, S state[T]](s *Service, stream string, f folded[T], at time.Time, events ...domain.Event) folded[T] {
	for _, e := range events {
		f = next[T, S](f, e, at)
	}
	s.folds.Add(stream, f)
	return f
}
