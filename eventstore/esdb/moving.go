package esdb

import (
	"context"
	"errors"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// The last record of moveStream says whether a log is still being moved here.
const (
	moveStream = own + "move"
	moveBegun  = "move.begun"
	moveEnded  = "move.ended"
)

// errMoving keeps servers from what is not whole yet: they would write into it, and deliver what was delivered before.
var errMoving = errors.New("a log is still being moved here: run rollcall move to its end")

// BeginMove notes that a log is being moved here: until EndMove it is opened with Config.Moving only. Twice is harmless.
func (s *Store) BeginMove(ctx context.Context) error { return s.noteMove(ctx, moveBegun) }

// EndMove notes that the log is here as a whole. Twice is harmless, and so it is where no move has begun.
func (s *Store) EndMove(ctx context.Context) error { return s.noteMove(ctx, moveEnded) }

func (s *Store) noteMove(ctx context.Context, note string) error {
	last, at, err := s.lastMove(ctx)
	if err != nil || last == note || last == "" && note == moveEnded {
		return err
	}
	_, err = s.write(ctx, eventstore.Write{Stream: moveStream, Expected: at, Entries: []eventstore.Entry{
		{ID: eventstore.RandomID(), Type: note, Data: []byte("{}"), Meta: []byte("{}")},
	}})
	return err
}

// lastMove is the last note, "" if there is none, and the version at which it stands.
func (s *Store) lastMove(ctx context.Context) (string, eventstore.Version, error) {
	events, _, err := s.page(ctx, lastOf(moveStream))
	if err != nil || len(events) == 0 {
		return "", eventstore.NoStream, err
	}
	r, err := recordOf(events[0])
	return r.Type, r.Version, err
}

// checkWhole refuses a log of which a part may be missing.
func (s *Store) checkWhole(ctx context.Context) error {
	last, _, err := s.lastMove(ctx)
	if err == nil && last == moveBegun {
		err = errMoving
	}
	return err
}
