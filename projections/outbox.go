package projections

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
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
	db       *database
	log      Past
	progress *Progress
	changes  *Changes
	reads    deliveryReads

	freed   chan struct{} // written to when deliveries end: there is room for more of a replay
	deleted chan struct{} // written to when an endpoint is deleted: its deliveries are to be removed

	mu        sync.Mutex
	endpoints map[string]Target // replaced, never changed
	news      chan struct{}     // closed and made anew when deliveries or endpoints come
}

// Target is an endpoint as deliveries need it.
type Target struct {
	ID    string
	State domain.Endpoint
	Made  uint64 // how often there was more to send to it in this process
}

// OpenOutbox opens the outbox in a folder, an empty one if there is none. The id is the log's, the same for its whole life: an
// outbox of another log is refused with ErrOtherLog, for it would take that log's positions for this one's.
func OpenOutbox(folder string, log Past, id string) (*Outbox, error) {
	db, err := openDatabase(filepath.Join(folder, OutboxFile), outboxSchema, id)
	if err != nil {
		return nil, err
	}
	o := &Outbox{db: db, log: log, freed: make(chan struct{}, 1), deleted: make(chan struct{}, 1), news: make(chan struct{})}
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
	o.progress = newProgress(at)
	if o.changes, err = NewChanges(o.log); err != nil {
		return err
	}
	if o.reads, err = o.db.deliveryReads(); err != nil {
		return err
	}
	rows, err := o.db.read.Query(`SELECT id, state FROM endpoints`)
	if err != nil {
		return fmt.Errorf("read the endpoints: %w", err)
	}
	defer rows.Close()
	o.endpoints = map[string]Target{}
	for rows.Next() {
		var t Target
		var text string
		if err := rows.Scan(&t.ID, &text); err != nil {
			return fmt.Errorf("read the endpoints: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &t.State); err != nil {
			return fmt.Errorf("read endpoint %s: %w", t.ID, err)
		}
		o.endpoints[t.ID] = t
	}
	return rows.Err()
}

// Close closes the file.
func (o *Outbox) Close() error { return o.db.close() }

// Name implements Projection.
func (o *Outbox) Name() string { return "outbox" }

// Progress implements Projection.
func (o *Outbox) Progress() *Progress { return o.progress }

// Begin sets where an outbox without a checkpoint begins: changes up to the position are not delivered, but the endpoints
// that stand there are known. It reads the log. It is durable when it returns: behind a log that has records, an outbox that lost its beginning would
// be taken for one that lost what was delivered.
func (o *Outbox) Begin(ctx context.Context, records func(yield func(eventstore.Record, error) bool), at eventstore.Position) error {
	endpoints := map[string]Target{}
	var relayed []domain.DeliveriesRelayed
	for r, err := range records {
		if err != nil {
			return fmt.Errorf("read the log's endpoints: %w", err)
		}
		if at.Before(r.Position) {
			break
		}
		switch kind, _ := SplitStream(r.Stream); kind {
		case KindEndpoint:
			if _, err := foldEndpoint(endpoints, r); err != nil {
				return err
			}
		case KindDeliveries:
			s, err := DecodeRecord(r)
			if err != nil {
				return err
			}
			if e, is := s.Event.(domain.DeliveriesRelayed); is {
				relayed = append(relayed, e)
			}
		}
	}
	if err := o.db.update(ctx, func(b *batch) error {
		for _, id := range slices.Sorted(maps.Keys(endpoints)) {
			if err := saveEndpoint(b, endpoints[id]); err != nil {
				return err
			}
		}
		for _, e := range relayed {
			if err := applyRelayed(b, e); err != nil {
				return err
			}
		}
		return b.reached(at)
	}); err != nil {
		return err
	}
	if err := o.db.sync(ctx); err != nil {
		return err
	}
	o.progress.reach(at)
	o.publish(endpoints)
	return nil
}

func foldEndpoint(endpoints map[string]Target, r eventstore.Record) (Stored, error) {
	s, err := DecodeRecord(r)
	if err != nil {
		return s, err
	}
	_, id := SplitStream(r.Stream)
	t := endpoints[id]
	t.ID = id
	t.State.Apply(s.Event)
	if endpoints[id] = t; t.State.Deleted {
		delete(endpoints, id)
	}
	return s, nil
}

func (o *Outbox) targets() map[string]Target {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.endpoints
}

// publish shows endpoints, and that there is more to send to some.
func (o *Outbox) publish(endpoints map[string]Target, awaited ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, t := range endpoints {
		t.Made = o.endpoints[id].Made
		endpoints[id] = t
	}
	for _, id := range awaited {
		if t, there := endpoints[id]; there {
			t.Made++
			endpoints[id] = t
		}
	}
	o.endpoints = endpoints
	close(o.news)
	o.news = make(chan struct{})
}

// more shows that there is more to send to an endpoint.
func (o *Outbox) more(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t, there := o.endpoints[id]
	if !there {
		return
	}
	t.Made++
	o.endpoints = maps.Clone(o.endpoints)
	o.endpoints[id] = t
	close(o.news)
	o.news = make(chan struct{})
}

// signal wakes whoever waits on a channel with room for one.
func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// Targets are the endpoints, and a channel that closes when there is news: other endpoints, or more to deliver.
func (o *Outbox) Targets() (map[string]Target, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.endpoints, o.news
}

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
