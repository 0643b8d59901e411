package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// posting is what one record puts into the outbox.
type posting struct {
	record  eventstore.Record
	writes  []func(*batch) error
	awaited []string // the endpoints that there is more to send to
}

// Apply implements Projection. A batch that comes again goes on behind the part that was applied.
func (o *Outbox) Apply(ctx context.Context, records eventstore.Batch) error {
	for _, part := range parts(records) {
		if !o.applied.Before(part.Position) {
			continue
		}
		if err := o.applyPart(ctx, part); err != nil {
			return err
		}
		o.applied = part.Position
	}
	return nil
}

// applyPart applies records at once. What is to be written is found before the transaction begins: it may take many reads of the
// log, and the outcomes of deliveries are not to wait for them.
func (o *Outbox) applyPart(ctx context.Context, records eventstore.Batch) error {
	endpoints := o.endpoints.draft()
	postings, err := o.postings(ctx, endpoints, records.Records)
	if err == nil {
		err = o.db.update(ctx, func(b *batch) error {
			for _, p := range postings {
				for _, write := range p.writes {
					if err := write(b); err != nil {
						return fmt.Errorf("post %s at position %s: %w", p.record.Type, p.record.Position, err)
					}
				}
			}
			return b.reached(records.Position)
		})
	}
	if err != nil {
		o.changes.Forget() // the batch may come again, and what is remembered stands after it
		return err
	}
	if endpoints.commit() {
		signal(o.deleted)
	}
	var awaited []string
	for _, p := range postings {
		awaited = append(awaited, p.awaited...)
		if kind, _ := SplitStream(p.record.Stream); kind == KindEndpoint || kind == KindDeliveries {
			signal(o.replay)
		}
	}
	o.endpoints.more(awaited...)
	return nil
}

// postings folds the endpoints along.
func (o *Outbox) postings(ctx context.Context, endpoints *draft, records []eventstore.Record) ([]posting, error) {
	var out []posting
	for _, r := range records {
		if strings.HasPrefix(r.Stream, "name-") {
			continue
		}
		p, err := o.posting(ctx, endpoints, r)
		if err != nil {
			return nil, fmt.Errorf("turn %s at position %s into messages: %w", r.Type, r.Position, err)
		}
		if len(p.writes) > 0 {
			out = append(out, p)
		}
	}
	return out, nil
}

// posting is what a record puts into the outbox; without writes that is nothing.
func (o *Outbox) posting(ctx context.Context, endpoints *draft, r eventstore.Record) (posting, error) {
	switch kind, id := SplitStream(r.Stream); kind {
	case KindEndpoint:
		return endpointPosting(endpoints, id, r)
	case KindDeliveries:
		return o.deliveriesPosting(ctx, endpoints, r)
	}
	if endpoints.empty() {
		o.changes.Pass(r)
		return posting{}, nil
	}
	s, err := DecodeRecord(r)
	if err != nil {
		return posting{}, err
	}
	wanted := endpoints.wanting(domain.MessageType(s.Event), s.Meta.Organization)
	if len(wanted) == 0 {
		o.changes.Pass(r)
		return posting{}, nil
	}
	m, ok, err := o.changes.Message(ctx, s)
	if err != nil || !ok {
		return posting{}, err
	}
	out, err := outgoingOf(s, m)
	return posting{record: r, awaited: wanted, writes: []func(*batch) error{func(b *batch) error {
		_, err := out.enqueue(b, live, live, wanted)
		return err
	}}}, err
}

// endpointPosting folds an endpoint, and does what its event asks for.
func endpointPosting(endpoints *draft, id string, r eventstore.Record) (posting, error) {
	t, s, err := endpoints.fold(id, r)
	if err != nil {
		return posting{}, err
	}
	p := posting{record: r, awaited: []string{id}}
	if t.State.Deleted {
		p.awaited, p.writes = nil, []func(*batch) error{func(b *batch) error { return forgetEndpoint(b, id) }}
		return p, nil
	}
	p.writes = []func(*batch) error{func(b *batch) error { return saveEndpoint(b, t) }}
	write := func(f func(*batch) error) { p.writes = append(p.writes, f) }
	at := millis(s.Meta.RecordedAt)
	switch e := s.Event.(type) {
	case domain.EndpointTested:
		samples, err := samplesFor(s, t, e)
		for _, sample := range samples {
			write(func(b *batch) error { _, err := sample.enqueue(b, live, live, []string{id}); return err })
		}
		return p, err
	case domain.EndpointReplayRequested:
		write(func(b *batch) error { return beginReplay(b, id, e, at) })
	case domain.EndpointReplayCancelled:
		write(func(b *batch) error { return cancelReplay(b, id, e.Replay, at) })
	case domain.EndpointRecoveryRequested:
		write(func(b *batch) error { return beginRecovery(b, id, r.ID.String(), millis(e.Since)) })
	case domain.EndpointResendRequested:
		write(func(b *batch) error { return resend(b, id, r.ID.String(), e.Delivery) })
	case domain.EndpointDeliveryCancelled:
		write(func(b *batch) error { return cancelDelivery(b, id, e.Delivery, at) })
	default:
		p.awaited = nil
	}
	return p, nil
}

// saveEndpoint keeps an endpoint. One that is disabled fails no longer: nothing is sent to it.
func saveEndpoint(b *batch, t Target) error {
	text, err := json.Marshal(t.State)
	if err != nil {
		return err
	}
	return b.exec(`INSERT INTO endpoints (id, state) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET state = excluded.state,
		failing_since = CASE WHEN ?3 THEN 0 ELSE failing_since END`, t.ID, string(text), t.State.Disabled != "")
}

// forgetEndpoint forgets an endpoint, its replays and its recoveries. Its deliveries may be very many: a Sweeper removes them.
func forgetEndpoint(b *batch, id string) error {
	for _, forget := range []string{`DELETE FROM replays WHERE endpoint = ?`, `DELETE FROM recoveries WHERE endpoint = ?`, `DELETE FROM endpoints WHERE id = ?`} {
		if err := b.exec(forget, id); err != nil {
			return err
		}
	}
	return nil
}
