package projections

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// What an outbox has yet to deliver goes with a log that is moved elsewhere (domain/moved.go): there an outbox begins behind what was moved, and
// makes these deliveries alone.

// movedTogether bounds the deliveries that one event tells, and with them what an outbox reads and writes at once.
const movedTogether = 128

// ErrReplaying tells that a replay or a recovery runs. What it has yet to make stands nowhere else, or is told by positions, which mean nothing elsewhere.
var ErrReplaying = errors.New("a replay or a recovery runs")

// Handover is what is to be written behind the records of the outbox's log where they were moved to, so that an outbox which begins there goes on
// where this one stands: how far that is, what brokers have, and each delivery that has not ended, with its attempts. moved is the position there of
// the last record. The same outbox yields the same again. ErrReplaying is yielded if a replay or a recovery runs.
func (o *Outbox) Handover(ctx context.Context, moved eventstore.Position, relayed []domain.DeliveriesRelayed) iter.Seq2[domain.Event, error] {
	return func(yield func(domain.Event, error) bool) {
		if err := o.standsStill(ctx); err != nil {
			yield(nil, err)
			return
		}
		if !yield(domain.DeliveriesMoved{Settled: moved.String()}, nil) {
			return
		}
		for _, e := range relayed {
			if !yield(e, nil) {
				return
			}
		}
		for after := int64(0); ; {
			open, err := o.unended(ctx, after)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(open) == 0 {
				return
			}
			after = open[len(open)-1].Seq
			deliveries, attempts, err := o.handover(ctx, open)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(domain.DeliveriesMoved{Deliveries: deliveries}, nil) {
				return
			}
			for attempts := range slices.Chunk(attempts, movedTogether) {
				if !yield(domain.DeliveriesAttempted{Attempts: attempts}, nil) {
					return
				}
			}
		}
	}
}

// standsStill refuses an outbox in which a replay or a recovery runs.
func (o *Outbox) standsStill(ctx context.Context) error {
	running, err := o.replaying(ctx)
	if err == nil && len(running) > 0 {
		err = fmt.Errorf("%w: replay %s to webhook %s", ErrReplaying, running[0].ID, running[0].Endpoint)
	}
	if err != nil {
		return err
	}
	recovering, err := o.recoveries(ctx)
	if err == nil && len(recovering) > 0 {
		err = fmt.Errorf("%w: a recovery of webhook %s", ErrReplaying, recovering[0].endpoint)
	}
	return err
}

// Relays is how far each relay has come that the log tells of, by their names.
func (o *Outbox) Relays(ctx context.Context) (map[string]eventstore.Position, error) {
	type relay struct{ name, position string }
	found, err := rowsOf(ctx, o.db.read, func(r row) (p relay, err error) { return p, r.Scan(&p.name, &p.position) }, `SELECT relay, position FROM relayed`)
	if err != nil {
		return nil, err
	}
	out := make(map[string]eventstore.Position, len(found))
	for _, r := range found {
		if out[r.name], err = eventstore.ParsePosition(r.position); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// unended are deliveries behind one that have not ended and whose endpoints are there, with their attempts since they were asked for last.
func (o *Outbox) unended(ctx context.Context, after int64) ([]Logged, error) {
	open, err := rowsOf(ctx, o.db.read, scanLogged, loggedColumns+`FROM deliveries d NOT INDEXED CROSS JOIN messages m ON m.event = d.event
		WHERE d.seq > ? AND d.state IN ('ready', 'waiting') AND d.endpoint IN (SELECT id FROM endpoints)
		ORDER BY d.seq LIMIT ?`, after, movedTogether)
	if err != nil {
		return nil, err
	}
	if err := o.addAttempts(ctx, open); err != nil {
		return nil, err
	}
	for i := range open {
		first := open[i].FirstTry
		open[i].Attempts = slices.DeleteFunc(open[i].Attempts, func(a Attempt) bool { return first.IsZero() || a.At.Before(first) })
	}
	return open, nil
}

// handover are deliveries as the log tells of them, and their attempts.
func (o *Outbox) handover(ctx context.Context, open []Logged) (deliveries []domain.MovedDelivery, attempts []domain.DeliveryAttempt, err error) {
	failing := map[string]time.Time{}
	for _, l := range open {
		r, err := o.recordOf(ctx, l)
		if err != nil {
			return nil, nil, err
		}
		d := domain.MovedDelivery{Endpoint: l.Endpoint, Lane: l.Lane, Event: l.Event.String(), Stream: l.Subject, Version: uint64(r.Version), Made: l.Made}
		if l.Queue != l.Lane {
			d.Queue = l.Queue
		}
		deliveries = append(deliveries, d)
		since, known := failing[l.Endpoint]
		if !known {
			if since, err = o.FailingSince(ctx, l.Endpoint); err != nil {
				return nil, nil, err
			}
			failing[l.Endpoint] = since
		}
		for _, a := range l.Attempts {
			attempts = append(attempts, AttemptOf(Outcome{Delivery: l.Delivery, Attempt: a, Fate: Retry, Tries: l.Tries, Next: l.Next, FailingSince: since}))
		}
	}
	return deliveries, attempts, nil
}

// recordOf finds the record that the message of a delivery is made from. The message tells where it stands; that of a test, only in which
// stream.
func (o *Outbox) recordOf(ctx context.Context, l Logged) (eventstore.Record, error) {
	var m Message
	if err := json.Unmarshal(l.Body, &m); err != nil {
		return eventstore.Record{}, fmt.Errorf("read the message of delivery %d: %w", l.Seq, err)
	}
	after := eventstore.NoStream
	if kind, _ := SplitStream(l.Subject); kind != KindEndpoint {
		after = m.Data.Subject.Version - 1
	}
	for r, err := range o.log.Read(ctx, l.Subject, after) {
		if err != nil {
			return r, err
		}
		if r.Position.String() == m.Data.Position {
			return r, nil
		}
	}
	return eventstore.Record{}, fmt.Errorf("the log has no record of %s at position %s, which is still to be delivered", l.Subject, m.Data.Position)
}

// moved makes the deliveries that had not ended where the log was moved from.
func (o *Outbox) moved(ctx context.Context, endpoints *draft, s Stored, e domain.DeliveriesMoved, into *posting) (func(*batch) error, error) {
	changes, err := NewChanges(o.log)
	if err != nil {
		return nil, err
	}
	var writes []func(*batch) error
	if e.Settled != "" {
		writes = append(writes, func(b *batch) error { return b.exec(`DELETE FROM relayed`) })
	}
	for _, d := range e.Deliveries {
		t, there := endpoints.target(d.Endpoint)
		if !there {
			continue
		}
		changes.Forget() // what lies between them does not come here
		m, err := o.movedMessage(ctx, changes, t, d)
		if err != nil {
			return nil, fmt.Errorf("the message of event %s to %s: %w", d.Event, d.Endpoint, err)
		}
		m.position, m.made = s.Position, millis(d.Made)
		into.awaited = append(into.awaited, d.Endpoint)
		writes = append(writes, func(b *batch) error {
			_, err := m.enqueue(b, d.Lane, cmp.Or(d.Queue, d.Lane), []string{d.Endpoint})
			return err
		})
	}
	return func(b *batch) error {
		for _, write := range writes {
			if err := write(b); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// movedMessage makes the message of a delivery anew.
func (o *Outbox) movedMessage(ctx context.Context, changes *Changes, t Target, d domain.MovedDelivery) (outgoing, error) {
	event, err := uuid.Parse(d.Event)
	if err != nil {
		return outgoing{}, err
	}
	var s Stored
	for r, err := range o.log.Read(ctx, d.Stream, eventstore.Version(d.Version)-1) {
		if err == nil {
			s, err = DecodeRecord(r)
		}
		if err != nil {
			return outgoing{}, err
		}
		break
	}
	var all []outgoing
	if e, test := s.Event.(domain.EndpointTested); test {
		if all, err = samplesFor(s, t, e); err != nil {
			return outgoing{}, err
		}
	} else if s.Event != nil {
		m, ok, err := changes.Message(ctx, s)
		if err != nil {
			return outgoing{}, err
		}
		if ok {
			out, err := outgoingOf(s, m)
			if err != nil {
				return out, err
			}
			all = append(all, out)
		}
	}
	for _, m := range all {
		if m.event == eventstore.ID(event) {
			return m, nil
		}
	}
	return outgoing{}, fmt.Errorf("version %d of %s is not of it", d.Version, d.Stream)
}
