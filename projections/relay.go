package projections

import (
	"context"
	"fmt"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Relayed is a message on its way to somebody who takes all of them.
type Relayed struct {
	ID           string // of the event
	Key          string // the subject's stream: messages of one key stay in order
	Type         string
	Organization string
	Position     string
	Body         []byte // what webhooks carry
}

// Relay is a projection that hands every message on, one after the other in the log's order, and keeps how far it has come. What
// could not be handed on is tried again until it is; after a crash the last ones may be handed on again.
type Relay struct {
	name     string
	held     context.Context
	progress *Progress
	changes  *Changes
	hand     func(ctx context.Context, m Relayed) error
	keep     func(ctx context.Context, at eventstore.Position) error
	handed   eventstore.Position // in this process: a batch that comes again goes on behind it
}

// NewRelay makes a relay that begins behind a position. hand hands one message on and returns when it is safe there; keep keeps how far the
// relay has come, after some were handed on. When held has ended nothing is handed on any more, in the middle of a batch too.
func NewRelay(held context.Context, name string, log Streams, begin eventstore.Position, hand func(ctx context.Context, m Relayed) error, keep func(ctx context.Context, at eventstore.Position) error) (*Relay, error) {
	changes, err := NewChanges(log)
	return &Relay{name: name, held: held, progress: newProgress(begin), changes: changes, hand: hand, keep: keep}, err
}

// Name implements Projection.
func (r *Relay) Name() string { return r.name }

// Progress implements Projection.
func (r *Relay) Progress() *Progress { return r.progress }

// Apply implements Projection.
func (r *Relay) Apply(ctx context.Context, records eventstore.Batch) error {
	any := false
	for _, record := range records.Records {
		if !r.handed.Before(record.Position) {
			any = true // it came before, and was not kept then
			continue
		}
		told, err := r.tell(ctx, record)
		if err != nil {
			return fmt.Errorf("relay %s at position %s: %w", record.Type, record.Position, err)
		}
		any = any || told
		r.handed = record.Position
	}
	if !any {
		return nil
	}
	if err := r.keep(ctx, records.Position); err != nil {
		return &handError{fmt.Errorf("keep that position %s is reached: %w", records.Position, err)}
	}
	return nil
}

// tell hands on what a record tells the world, and tells whether that was anything.
func (r *Relay) tell(ctx context.Context, record eventstore.Record) (bool, error) {
	m, err := r.changes.Told(ctx, record, func(string, string) bool { return true })
	if err != nil || m == nil {
		return false, err
	}
	body, err := m.Body()
	if err != nil {
		return false, err
	}
	err = r.held.Err() // asked last: the process may have been stopped for long
	if err == nil {
		err = r.hand(ctx, Relayed{record.ID.String(), record.Stream, m.Type, m.Data.Organization, m.Data.Position, body})
	}
	if err != nil {
		r.changes.Forget() // the record comes again
		return false, &handError{err}
	}
	return true, nil
}

// handError tells that a message could not be handed on, or that this could not be kept. It may be at the next try.
type handError struct{ err error }

func (e *handError) Error() string { return e.err.Error() }

func (e *handError) Unwrap() error { return e.err }
