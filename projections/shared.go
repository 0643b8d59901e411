package projections

import (
	"context"
	"maps"
	"slices"

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
	tenure, err := tenureOf(r)
	if err != nil {
		return posting{}, err
	}
	p := posting{record: r}
	var does func(*batch) error
	switch e := s.Event.(type) {
	case domain.DeliveriesAttempted:
		does = func(b *batch) error { return applyAttempts(b, e) }
	case domain.DeliveriesRelayed:
		does = func(b *batch) error { return applyRelayed(b, e) }
	case domain.DeliveriesRecovered:
		p.awaited = []string{e.Endpoint}
		does = func(b *batch) error { return recoverStep(b, e) }
	case domain.DeliveriesReplayed:
		if does, err = o.replayed(ctx, endpoints, s, e, &p); err != nil {
			return posting{}, err
		}
	case domain.DeliveriesMoved:
		if does, err = o.moved(ctx, endpoints, s, e, &p); err != nil {
			return posting{}, err
		}
	}
	if does != nil {
		p.writes = append(p.writes, func(b *batch) error {
			if over, err := tenure.over(b); over || err != nil {
				return err
			}
			return does(b)
		})
	}
	return p, nil
}

// replayed makes the deliveries of a replay that runs here too, up to where the one that makes it has come.
func (o *Outbox) replayed(ctx context.Context, endpoints *draft, s Stored, e domain.DeliveriesReplayed, into *posting) (func(*batch) error, error) {
	reached, err := eventstore.ParsePosition(e.Reached)
	if err != nil {
		return nil, err
	}
	running, err := o.replaying(ctx)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(o.replays, func(id string, _ *Changes) bool {
		return !slices.ContainsFunc(running, func(p Replay) bool { return p.ID == id })
	})
	for _, p := range running {
		t, there := endpoints.target(p.Endpoint)
		if p.ID != e.Replay || !there {
			continue
		}
		messages, err := o.messages(ctx, p, t, reached)
		if err != nil {
			delete(o.replays, p.ID) // records come again
			return nil, err
		}
		into.awaited = []string{p.Endpoint}
		return func(b *batch) error { return makeReplayed(b, p, reached, messages, s.Meta.RecordedAt) }, nil
	}
	return nil, nil
}

// messages are those of a replay that stand behind what it has reached, up to a position. What is remembered of its subjects makes them cost what
// they cost the one that makes the replay.
func (o *Outbox) messages(ctx context.Context, p Replay, t Target, until eventstore.Position) (out []outgoing, err error) {
	if o.replays[p.ID] == nil {
		if o.replays[p.ID], err = NewChanges(o.log); err != nil {
			return nil, err
		}
	}
	for told, err := range o.replays[p.ID].tell(ctx, o.log, p.Reached, until, p.wants(t)) {
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
