package projections

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

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

// Relay is a projection that hands every message on, one after the other in the log's order, and keeps how far it has come in a file of its own. What
// could not be handed on is tried again until it is; after a crash the last ones may be handed on again.
type Relay struct {
	name     string
	db       *database
	progress *Progress
	changes  *Changes
	hand     func(ctx context.Context, m Relayed) error
	handed   eventstore.Position // in this process: a batch that comes again goes on behind it
}

const relaySchema = `CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), position TEXT NOT NULL, log TEXT NOT NULL)`

// OpenRelay opens a relay by its name, which also names its file in the folder; hand hands one message on and returns when it is safe there. One that
// is new begins behind a position. A relay of another log is ErrOtherLog, and one that is ahead of its log, which was then restored from a backup, is
// refused: it would pass over what comes to stand there.
func OpenRelay(ctx context.Context, folder, name string, log Past, id string, begin eventstore.Position, hand func(ctx context.Context, m Relayed) error) (*Relay, error) {
	db, err := openDatabase(filepath.Join(folder, name+".db"), relaySchema, id)
	if err != nil {
		return nil, err
	}
	r := &Relay{name: name, db: db, hand: hand}
	if err := r.begin(ctx, log, begin); err != nil {
		return nil, errors.Join(err, db.close())
	}
	return r, nil
}

func (r *Relay) begin(ctx context.Context, log Past, at eventstore.Position) error {
	begun, err := r.db.checkpoint()
	if err != nil {
		return err
	}
	known, err := counted(ctx, r.db.read, `SELECT count(*) FROM checkpoint`)
	if err != nil {
		return err
	}
	if known == 0 {
		begun = at
	}
	head, err := log.Head(ctx)
	if err != nil {
		return err
	}
	if head.Before(begun) {
		return fmt.Errorf("%s is ahead of the log, which was restored from a backup; move it away and start with --publish-from", r.db.path)
	}
	if known == 0 {
		if err := r.db.update(ctx, func(b *batch) error { return b.reached(at) }); err != nil {
			return err
		}
	}
	r.progress = newProgress(begun)
	r.changes, err = NewChanges(log)
	return err
}

// Close closes the file.
func (r *Relay) Close() error { return r.db.close() }

// Name implements Projection.
func (r *Relay) Name() string { return r.name }

// Progress implements Projection.
func (r *Relay) Progress() *Progress { return r.progress }

// Apply implements Projection.
func (r *Relay) Apply(ctx context.Context, records eventstore.Batch) error {
	for _, record := range records.Records {
		if !r.handed.Before(record.Position) {
			continue
		}
		if err := r.tell(ctx, record); err != nil {
			return fmt.Errorf("relay %s at position %s: %w", record.Type, record.Position, err)
		}
		r.handed = record.Position
	}
	return r.db.update(ctx, func(b *batch) error { return b.reached(records.Position) })
}

func (r *Relay) tell(ctx context.Context, record eventstore.Record) error {
	m, err := r.changes.Told(ctx, record, func(string, string) bool { return true })
	if err != nil || m == nil {
		return err
	}
	body, err := m.Body()
	if err != nil {
		return err
	}
	if err := r.hand(ctx, Relayed{record.ID.String(), record.Stream, m.Type, m.Data.Organization, m.Data.Position, body}); err != nil {
		r.changes.Forget() // the record comes again
		return &handError{err}
	}
	return nil
}

// handError tells that a message could not be handed on. It may be at the next try.
type handError struct{ err error }

func (e *handError) Error() string { return e.err.Error() }

func (e *handError) Unwrap() error { return e.err }
