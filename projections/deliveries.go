package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// Delivery is one message to one endpoint that is not ended yet.
type Delivery struct {
	Seq       int64
	Endpoint  string
	Lane      string // "" is live, otherwise a replay's id
	Queue     string // the lane, or the request by which it is sent again after its end
	Event     eventstore.ID
	Subject   string // the subject's stream: order holds within endpoint, queue and subject
	WebhookID string
	Type      string
	Tries     int       // attempts that counted towards giving up
	FirstTry  time.Time // when it was tried first, zero if never
	LastTry   time.Time // when it was tried last, zero if never
	Next      time.Time // when it is due, zero if at once
}

// Attempt is one try of a delivery and what came back.
type Attempt struct {
	At       time.Time
	Duration time.Duration
	Status   int    // of the HTTP answer, 0 if there was none
	Answer   string // its first bytes
	Error    string // why there was no success, "" for a success
}

// Fate is what becomes of a delivery after an attempt.
type Fate int

// The fates.
const (
	Retry     Fate = iota // it stays first of its subject and is due at Outcome.Next
	Delivered             // the next of its subject is ready
	Failed                // given up; the next of its subject is ready
)

// Outcome is an attempt and its consequence.
type Outcome struct {
	Delivery     Delivery
	Attempt      Attempt
	Fate         Fate
	Tries        int       // as in Delivery, from now on
	Next         time.Time // for Retry
	FailingSince time.Time // of the endpoint as a whole, zero while it does not fail
}

// Due is what an endpoint may be sent now: deliveries that are first of their subject and due.
type Due struct {
	Fresh   []Delivery // never tried, in the order in which they were made
	Again   []Delivery // tried before, the longest due first
	Soonest time.Time  // when the first of those that are not due yet will be, zero if there is none
}

const (
	deliveryColumns = `SELECT seq, endpoint, lane, queue, event, subject, webhook_id, tries, first_try, last_try, next, type FROM deliveries `
	deliveryReady   = `WHERE endpoint = ? AND state = 'ready' `
	deliveryFresh   = deliveryColumns + deliveryReady + `AND next = 0 ORDER BY (queue > ''), seq LIMIT ?`
	deliveryAgain   = deliveryColumns + deliveryReady + `AND next > 0 AND next <= ? ORDER BY next, (queue > ''), seq LIMIT ?`
	// Left alone, SQLite takes the index on next and sorts all that is due.
	deliveryStalest = deliveryColumns + `INDEXED BY deliveries_stalest ` + deliveryReady + `AND next <= ? ORDER BY last_try, seq LIMIT ?`
	deliverySoonest = `SELECT coalesce(min(next), 0) FROM deliveries WHERE endpoint = ? AND state = 'ready' AND next > ?`
	deliveryBody    = `SELECT m.body, e.state FROM deliveries d JOIN messages m ON m.event = d.event JOIN endpoints e ON e.id = d.endpoint WHERE d.seq = ? AND d.queue = ? AND d.state = 'ready'`
)

// Due lists what an endpoint may be sent at a time, at most limit deliveries of each kind. Bodies are not among it: see Body.
func (o *Outbox) Due(ctx context.Context, endpoint string, now time.Time, limit int) (Due, error) {
	var due Due
	var err error
	if due.Fresh, err = o.deliveries(ctx, deliveryFresh, endpoint, limit); err != nil {
		return Due{}, err
	}
	if due.Again, err = o.deliveries(ctx, deliveryAgain, endpoint, millis(now), limit); err != nil {
		return Due{}, err
	}
	soonest, err := counted(ctx, o.db.read, deliverySoonest, endpoint, max(0, millis(now)))
	if err != nil {
		return Due{}, err
	}
	due.Soonest = fromMillis(int64(soonest))
	return due, nil
}

// Stalest lists due deliveries that are first of their subject, those whose last try is longest ago first, at most limit:
// the order in which an endpoint that fails is probed.
func (o *Outbox) Stalest(ctx context.Context, endpoint string, now time.Time, limit int) ([]Delivery, error) {
	return o.deliveries(ctx, deliveryStalest, endpoint, millis(now), limit)
}

func (o *Outbox) deliveries(ctx context.Context, query string, args ...any) ([]Delivery, error) {
	return rowsOf(ctx, o.db.read, func(r row) (d Delivery, err error) {
		var event []byte
		var first, last, next int64
		err = r.Scan(&d.Seq, &d.Endpoint, &d.Lane, &d.Queue, &event, &d.Subject, &d.WebhookID, &d.Tries, &first, &last, &next, &d.Type)
		copy(d.Event[:], event)
		d.FirstTry, d.LastTry, d.Next = fromMillis(first), fromMillis(last), fromMillis(next)
		return d, err
	}, query, args...)
}

// Hasten makes what an endpoint is to be sent later due at once: the clock went back, and nobody knows how long its pauses would be now.
func (o *Outbox) Hasten(ctx context.Context, endpoint string, now time.Time) error {
	return o.db.update(ctx, func(b *batch) error {
		return b.exec(`UPDATE deliveries SET next = ?1 WHERE endpoint = ?2 AND state = 'ready' AND next > ?1`, millis(now), endpoint)
	})
}

// Body is what a delivery sends, byte for byte, and to whom: the endpoint as it stands in the file, which is no older than the message. It answers
// ErrNotFound if the delivery is not to be sent, or not now: its endpoint was deleted, paused or disabled, or it was cancelled, or asked
// for again since it was listed.
func (o *Outbox) Body(ctx context.Context, d Delivery) ([]byte, domain.Endpoint, error) {
	type sent struct {
		body  []byte
		state string
	}
	m, err := first(ctx, o.db.read, func(r row) (m sent, err error) { return m, r.Scan(&m.body, &m.state) }, deliveryBody, d.Seq, d.Queue)
	var to domain.Endpoint
	if err == nil {
		err = json.Unmarshal([]byte(m.state), &to)
	}
	if err == nil && !to.Active() {
		err = ErrNotFound
	}
	if err != nil {
		return nil, to, fmt.Errorf("read the message of delivery %d: %w", d.Seq, err)
	}
	return m.body, to, nil
}

// FailingSince tells since when an endpoint fails as a whole, zero if it does not.
func (o *Outbox) FailingSince(ctx context.Context, endpoint string) (time.Time, error) {
	since, err := first(ctx, o.db.read, number, `SELECT failing_since FROM endpoints WHERE id = ?`, endpoint)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return time.Time{}, fmt.Errorf("read endpoint %s: %w", endpoint, err)
	}
	return fromMillis(int64(since)), nil
}

// Record keeps attempts and what follows from them, in one transaction. Of a delivery that was cancelled, or is asked for
// again, meanwhile only the attempt is kept; of one whose endpoint was deleted nothing.
func (o *Outbox) Record(ctx context.Context, outcomes ...Outcome) error {
	defer signal(o.replay)
	return o.db.update(ctx, func(b *batch) error { return recordAll(b, outcomes) })
}

func recordAll(b *batch, outcomes []Outcome) error {
	failing := map[string]time.Time{}
	for _, out := range outcomes {
		if err := record(b, out); err != nil {
			return err
		}
		failing[out.Delivery.Endpoint] = out.FailingSince
	}
	for _, id := range slices.Sorted(maps.Keys(failing)) {
		if err := b.exec(`UPDATE endpoints SET failing_since = ?1 WHERE id = ?2 AND failing_since <> ?1 AND state ->> 'Disabled' = ''`,
			millis(failing[id]), id); err != nil {
			return err
		}
	}
	return nil
}

func record(b *batch, o Outcome) error {
	state, ended := "ready", time.Time{}
	switch o.Fate {
	case Delivered:
		state, ended = "delivered", o.Attempt.At
	case Failed:
		state, ended = "failed", o.Attempt.At
	}
	first := o.Delivery.FirstTry
	if first.IsZero() {
		first = o.Attempt.At
	}
	var seq int64
	there, err := b.row(`UPDATE OR FAIL deliveries SET state = ?, tries = ?, first_try = ?, last_try = ?, next = ?, ended = ? 
		WHERE seq = ? AND queue = ? AND state = 'ready' AND endpoint IN (SELECT id FROM endpoints) RETURNING seq`,
		[]any{state, o.Tries, millis(first), millis(o.Attempt.At), millis(o.Next), millis(ended), o.Delivery.Seq, o.Delivery.Queue}, &seq)
	if err != nil {
		return err
	}
	// An attempt that comes too late may come again too, if its transaction was committed and nobody was told.
	if err := b.exec(`INSERT OR FAIL INTO attempts (delivery, nth, at, duration, status, answer, error)
		SELECT ?1, 1 + coalesce((SELECT max(nth) FROM attempts WHERE delivery = ?1), 0), ?2, ?3, ?4, ?5, ?6 WHERE ?7
		OR EXISTS (SELECT 1 FROM deliveries WHERE seq = ?1 AND endpoint IN (SELECT id FROM endpoints)) AND NOT EXISTS (SELECT 1 FROM attempts WHERE delivery = ?1 AND at = ?2)`,
		o.Delivery.Seq, millis(o.Attempt.At), o.Attempt.Duration.Milliseconds(), o.Attempt.Status, o.Attempt.Answer, o.Attempt.Error, there); err != nil || !there {
		return err
	}
	if o.Fate == Retry {
		return nil
	}
	if err := wakeNext(b, o.Delivery.Endpoint, o.Delivery.Queue, o.Delivery.Subject); err != nil || o.Delivery.Lane == live {
		return err
	}
	return endReplay(b, o.Delivery.Lane, o.Attempt.At)
}

// wakeNext makes the first of those ready that waited for a delivery which has ended.
func wakeNext(b *batch, endpoint, queue, subject string) error {
	// The first condition on the state is that of the index deliveries_open, which SQLite does not see in the second.
	return b.exec(`UPDATE OR FAIL deliveries SET state = 'ready' WHERE seq = (SELECT seq FROM deliveries
		WHERE endpoint = ? AND queue = ? AND subject = ? AND state IN ('ready', 'waiting') AND state = 'waiting' ORDER BY seq LIMIT 1)`,
		endpoint, queue, subject)
}
