package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// The fates by the names that they have in the log.
var fateNames = map[Fate]string{Retry: "retry", Delivered: "delivered", Failed: "failed"}

// AttemptOf is an outcome as the log keeps it.
func AttemptOf(o Outcome) domain.DeliveryAttempt {
	a := domain.DeliveryAttempt{
		Endpoint: o.Delivery.Endpoint, Lane: o.Delivery.Lane, Event: o.Delivery.Event.String(),
		At: o.Attempt.At.UTC().Truncate(time.Millisecond), Duration: o.Attempt.Duration.Milliseconds(),
		Status: o.Attempt.Status, Answer: o.Attempt.Answer, Error: o.Attempt.Error,
		Fate: fateNames[o.Fate], Tries: o.Tries, Next: o.Next.UTC().Truncate(time.Millisecond), FailingSince: o.FailingSince.UTC().Truncate(time.Millisecond),
	}
	if o.Delivery.Queue != o.Delivery.Lane {
		a.Queue = o.Delivery.Queue
	}
	return a
}

// applyAttempts does what Record does, for outcomes that stand in the log. Those of deliveries that are not here are passed over: they ended before
// this outbox began, or were removed long after.
func applyAttempts(b *batch, e domain.DeliveriesAttempted) error {
	var outcomes []Outcome
	for _, a := range e.Attempts {
		o, there, err := outcomeOf(b, a)
		if err != nil {
			return fmt.Errorf("the attempt of event %s to %s: %w", a.Event, a.Endpoint, err)
		}
		if there {
			outcomes = append(outcomes, o)
		}
	}
	return recordAll(b, outcomes)
}

// outcomeOf finds the delivery of an attempt.
func outcomeOf(b *batch, a domain.DeliveryAttempt) (o Outcome, there bool, err error) {
	event, err := uuid.Parse(a.Event)
	if err != nil {
		return o, false, err
	}
	o.Delivery = Delivery{Endpoint: a.Endpoint, Lane: a.Lane, Queue: a.Queue, Event: eventstore.ID(event)}
	if a.Queue == "" {
		o.Delivery.Queue = a.Lane
	}
	var first int64
	there, err = b.row(`SELECT seq, subject, first_try FROM deliveries WHERE endpoint = ? AND lane = ? AND event = ?`,
		[]any{a.Endpoint, a.Lane, event[:]}, &o.Delivery.Seq, &o.Delivery.Subject, &first)
	if err != nil || !there {
		return o, false, err
	}
	o.Delivery.FirstTry = fromMillis(first)
	o.Attempt = Attempt{a.At, time.Duration(a.Duration) * time.Millisecond, a.Status, a.Answer, a.Error}
	o.Tries, o.Next, o.FailingSince = a.Tries, a.Next, a.FailingSince
	for fate, name := range fateNames {
		if name == a.Fate {
			o.Fate = fate
			return o, true, nil
		}
	}
	return o, false, fmt.Errorf("the fate %q is unknown", a.Fate)
}

// Settled is a position up to which nothing is still to be delivered, as late a one as is quickly found; known is false if none is. A server
// whose outbox begins there misses nothing and repeats nothing.
func (o *Outbox) Settled(ctx context.Context) (at eventstore.Position, known bool, err error) {
	reached, err := o.db.checkpoint()
	if err != nil {
		return at, false, err
	}
	running, err := o.replaying(ctx)
	if err != nil || len(running) > 0 { // what they are to make stands nowhere else
		return at, false, err
	}
	recovering, err := o.recoveries(ctx)
	if err != nil || len(recovering) > 0 { // nor does what they are to ask for again
		return at, false, err
	}
	type opened struct {
		seq  int64
		from string
	}
	open, err := rowsOf(ctx, o.db.read, func(r row) (d opened, err error) { return d, r.Scan(&d.seq, &d.from) },
		`SELECT d.seq, m.position FROM deliveries d INDEXED BY deliveries_unsettled CROSS JOIN messages m ON m.event = d.event
		WHERE d.lane = '' AND d.state IN ('ready', 'waiting') ORDER BY d.seq LIMIT 1`)
	if err != nil || len(open) == 0 {
		return reached, err == nil, err
	}
	before, err := rowsOf(ctx, o.db.read, func(r row) (text string, err error) { return text, r.Scan(&text) },
		`SELECT m.position FROM deliveries d JOIN messages m ON m.event = d.event WHERE d.lane = '' AND d.seq < ? AND m.position <> ? ORDER BY d.seq DESC LIMIT 1`,
		open[0].seq, open[0].from)
	if err != nil || len(before) == 0 {
		return at, false, err
	}
	at, err = eventstore.ParsePosition(before[0])
	return at, err == nil, err
}

// LastSettled is the last settled position that stands in a log; known is false if there is none. It reads the whole log.
func LastSettled(ctx context.Context, log Past) (at eventstore.Position, known bool, err error) {
	for r, err := range log.All(ctx, eventstore.Position{}) {
		if err != nil {
			return at, false, fmt.Errorf("look for what was delivered: %w", err)
		}
		if kind, _ := SplitStream(r.Stream); kind != KindDeliveries {
			continue
		}
		s, err := DecodeRecord(r)
		if err != nil {
			return at, false, err
		}
		settled := ""
		switch e := s.Event.(type) {
		case domain.DeliveriesAttempted:
			settled = e.Settled
		case domain.DeliveriesMoved:
			settled = e.Settled
		}
		if settled == "" {
			continue
		}
		if at, err = eventstore.ParsePosition(settled); err != nil {
			return at, false, err
		}
		known = true
	}
	return at, known, nil
}
