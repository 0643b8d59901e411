package projections

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

//go:embed schema/outbox.sql
var outboxSchema string

// OutboxFile is the file of the outbox in the data folder.
const OutboxFile = "deliveries.db"

// Outbox is the projection that turns the log into messages, one delivery for each endpoint that wants one, and keeps
// what became of them. Deliveries, attempts and the checkpoint share one file and its transactions; rebuilding the read
// model never sends anything again. All methods but Apply are safe for concurrent use.
type Outbox struct {
	db        *database
	log       Past
	progress  *Progress
	changes   *Changes
	endpoints *roster

	applied eventstore.Position // by Apply, which may have come to the middle of a batch
	replays map[string]*Changes // of the replays that are followed, for Apply

	replay  chan struct{} // written to when a replay may go on: one was asked for or cancelled, or deliveries have ended
	deleted chan struct{} // written to when an endpoint is deleted: its deliveries are to be removed
}

// OpenOutbox opens the outbox in a folder, an empty one if there is none. The id is the log's, the same for its whole life: an
// outbox of another log is refused with ErrOtherLog, for it would take that log's positions for this one's.
func OpenOutbox(folder string, log Past, id string) (*Outbox, error) {
	db, err := openDatabase(filepath.Join(folder, OutboxFile), outboxSchema, id)
	if err != nil {
		return nil, err
	}
	o := &Outbox{db: db, log: log, endpoints: newRoster(), replays: map[string]*Changes{}, replay: make(chan struct{}, 1), deleted: make(chan struct{}, 1)}
	if err := o.load(); err != nil {
		return nil, errors.Join(err, db.close())
	}
	return o, nil
}

func (o *Outbox) load() error {
	at, err := o.db.checkpoint()
	if err != nil {
		return err
	}
	o.progress, o.applied = newProgress(at), at
	o.progress.pause = 2 * time.Millisecond // by which a message may be later
	if o.changes, err = NewChanges(o.log); err != nil {
		return err
	}
	endpoints, err := rowsOf(context.Background(), o.db.read, func(r row) (t Target, err error) {
		var text string
		if err := r.Scan(&t.ID, &text); err != nil {
			return t, err
		}
		return t, json.Unmarshal([]byte(text), &t.State)
	}, `SELECT id, state FROM endpoints ORDER BY id`)
	if err != nil {
		return fmt.Errorf("read the endpoints: %w", err)
	}
	for _, t := range endpoints {
		o.endpoints.all.put(t)
	}
	return nil
}

// Close closes the file.
func (o *Outbox) Close() error { return o.db.close() }

// Name implements Projection.
func (o *Outbox) Name() string { return "outbox" }

// Progress implements Projection.
func (o *Outbox) Progress() *Progress { return o.progress }

// signal wakes whoever waits on a channel with room for one.
func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// Follow yields the endpoints: first all, and then, until the context ends, those that have changed or that there is more to send to, once there
// are some. One that is deleted comes a last time, as such. What comes is in proportion to the news, not to the endpoints.
func (o *Outbox) Follow(ctx context.Context) iter.Seq[[]Target] { return o.endpoints.follow(ctx) }

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
