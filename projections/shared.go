package projections

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// What the server that delivers tells those who share its log (domain/attempt.go), and what an outbox makes of it.

// parts splits a batch in front of each record that tells of a replay: what that is to make depends on what stands before it.
func parts(records eventstore.Batch) (all []eventstore.Batch) {
	from := 0
	for i, r := range records.Records {
		if i > from && r.Type == (domain.DeliveriesReplayed{}).EventName() {
			all = append(all, eventstore.Batch{Records: records.Records[from:i], Position: records.Records[i-1].Position})
			from = i
		}
	}
	return append(all, eventstore.Batch{Records: records.Records[from:], Position: records.Position})
}

func (o *Outbox) deliveriesPosting(ctx context.Context, endpoints *draft, r eventstore.Record) (posting, error) {
	s, err := DecodeRecord(r)
	if err != nil {
		return posting{}, err
	}
	p := posting{record: r}
	switch e := s.Event.(type) {
	case domain.DeliveriesAttempted:
		p.writes = append(p.writes, func(b *batch) error { return applyAttempts(b, e) })
	case domain.DeliveriesRelayed:
		p.writes = append(p.writes, func(b *batch) error { return applyRelayed(b, e) })
	case domain.DeliveriesRecovered:
		p.awaited = []string{e.Endpoint}
		p.writes = append(p.writes, func(b *batch) error { return recoverStep(b, e) })
	case domain.DeliveriesReplayed:
		return o.replayedPosting(ctx, endpoints, s, e)
	}
	return p, nil
}

// replayedPosting makes the deliveries of a replay that runs here too, up to where the one that makes it has come.
func (o *Outbox) replayedPosting(ctx context.Context, endpoints *draft, s Stored, e domain.DeliveriesReplayed) (posting, error) {
	running, err := o.replaying(ctx)
	if err != nil {
		return posting{}, err
	}
	for _, p := range running {
		t, there := endpoints.target(p.Endpoint)
		if p.ID != e.Replay || !there {
			continue
		}
		reached, err := eventstore.ParsePosition(e.Reached)
		if err != nil {
			return posting{}, err
		}
		messages, err := p.messages(ctx, o.log, t, reached)
		return posting{record: s.Record, awaited: []string{p.Endpoint}, writes: []func(*batch) error{
			func(b *batch) error { return makeReplayed(b, p, reached, messages, s.Meta.RecordedAt) },
		}}, err
	}
	return posting{}, nil
}

// messages are those of a replay that stand behind what it has reached, up to a position.
func (p Replay) messages(ctx context.Context, log Past, t Target, until eventstore.Position) (out []outgoing, err error) {
	for told, err := range Tell(ctx, log, p.Reached, until, p.wants(t)) {
		if err != nil {
			return nil, err
		}
		if told.Message == nil {
			continue
		}
		m, err := replayed(told.Record, *told.Message)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func applyRelayed(b *batch, e domain.DeliveriesRelayed) error {
	return b.exec(`INSERT INTO relayed (relay, position) VALUES (?, ?) ON CONFLICT (relay) DO UPDATE SET position = excluded.position`, e.Relay, e.Reached)
}

// Relayed is how far the relay of this name has come, in whichever server; known is false if it has not begun.
func (o *Outbox) Relayed(ctx context.Context, relay string) (at eventstore.Position, known bool, err error) {
	found, err := rowsOf(ctx, o.db.read, func(r row) (text string, err error) { return text, r.Scan(&text) }, `SELECT position FROM relayed WHERE relay = ?`, relay)
	if err != nil || len(found) == 0 {
		return at, false, err
	}
	at, err = eventstore.ParsePosition(found[0])
	return at, err == nil, err
}
