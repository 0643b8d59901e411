package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Delivery is one message to one endpoint that is ready to be sent.
type Delivery struct {
	Seq       int64
	Endpoint  string
	Lane      string // "" is live, otherwise a replay's id
	Event     eventstore.ID
	Subject   string // the subject's stream: order holds within endpoint, lane and subject
	WebhookID string
	Type      string
	Body      []byte
	Tries     int       // attempts that counted towards giving up
	FirstTry  time.Time // when it was tried first, zero if never
	Next      time.Time // when it is due
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
	FailingSince time.Time // of the endpoint, zero for none
}

// Ready lists deliveries of an endpoint that are first of their subject, the soonest due first, at most limit.
// Those not yet due are among them: Next tells.
func (o *Outbox) Ready(ctx context.Context, endpoint string, limit int) ([]Delivery, error) {
	rows, err := o.db.read.QueryContext(ctx, `SELECT d.seq, d.endpoint, d.lane, d.event, d.subject, d.webhook_id, d.tries, d.first_try, d.next, m.type, m.body
		FROM deliveries d JOIN messages m ON m.event = d.event
		WHERE d.endpoint = ? AND d.state = 'ready' ORDER BY d.next, d.seq LIMIT ?`, endpoint, limit)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	defer rows.Close()
	var out []Delivery
	for rows.Next() {
		var d Delivery
		var event []byte
		var first, next int64
		if err := rows.Scan(&d.Seq, &d.Endpoint, &d.Lane, &event, &d.Subject, &d.WebhookID, &d.Tries, &first, &next, &d.Type, &d.Body); err != nil {
			return nil, fmt.Errorf("read the outbox: %w", err)
		}
		copy(d.Event[:], event)
		d.FirstTry, d.Next = fromMillis(first), fromMillis(next)
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return out, nil
}

// Record keeps attempts and what follows from them, in one transaction. An outcome of a delivery that is gone, because its
// endpoint was deleted meanwhile, is dropped.
func (o *Outbox) Record(ctx context.Context, outcomes ...Outcome) error {
	return o.db.update(ctx, func(b *batch) error {
		for _, out := range outcomes {
			if err := record(b, out); err != nil {
				return err
			}
		}
		return nil
	})
}

func record(b *batch, o Outcome) error {
	state := map[Fate]string{Retry: "ready", Delivered: "delivered", Failed: "failed"}[o.Fate]
	first := o.Delivery.FirstTry
	if first.IsZero() {
		first = o.Attempt.At
	}
	var seq int64
	there, err := b.row(`UPDATE deliveries SET state = ?, tries = ?, first_try = ?, next = ? WHERE seq = ? RETURNING seq`,
		[]any{state, o.Tries, millis(first), millis(o.Next), o.Delivery.Seq}, &seq)
	if err != nil || !there {
		return err
	}
	if err := b.exec(`INSERT INTO attempts (delivery, nth, at, duration, status, answer, error)
		SELECT ?1, 1 + (SELECT count(*) FROM attempts WHERE delivery = ?1), ?2, ?3, ?4, ?5, ?6`,
		seq, millis(o.Attempt.At), o.Attempt.Duration.Milliseconds(), o.Attempt.Status, o.Attempt.Answer, o.Attempt.Error); err != nil {
		return err
	}
	if err := b.exec(`UPDATE endpoints SET failing_since = ? WHERE id = ? AND failing_since <> ?`,
		millis(o.FailingSince), o.Delivery.Endpoint, millis(o.FailingSince)); err != nil {
		return err
	}
	if o.Fate == Retry {
		return nil
	}
	return b.exec(`UPDATE deliveries SET state = 'ready' WHERE seq = (SELECT seq FROM deliveries
		WHERE endpoint = ? AND lane = ? AND subject = ? AND state = 'waiting' ORDER BY seq LIMIT 1)`,
		o.Delivery.Endpoint, o.Delivery.Lane, o.Delivery.Subject)
}

// DeliveryCounts is how many deliveries stand in each state.
type DeliveryCounts struct{ Open, Delivered, Failed int }

// Counts counts the deliveries of all endpoints.
func (o *Outbox) Counts(ctx context.Context) (DeliveryCounts, error) {
	var c DeliveryCounts
	err := o.db.read.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE state IN ('ready', 'waiting')), count(*) FILTER (WHERE state = 'delivered'),
		count(*) FILTER (WHERE state = 'failed') FROM deliveries`).Scan(&c.Open, &c.Delivered, &c.Failed)
	if err != nil {
		return DeliveryCounts{}, fmt.Errorf("count the deliveries: %w", err)
	}
	return c, nil
}
