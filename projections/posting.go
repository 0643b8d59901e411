package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// posting is what one record puts into the outbox.
type posting struct {
	record eventstore.Record
	saved  *Target // the endpoint as the record leaves it
	gone   string  // the endpoint that it deletes
	kind   string  // the message's type
	body   []byte
	wanted []string // the endpoints that the message goes to, none if there is no message
}

// Apply implements Projection. What is to be written is found before the transaction begins: it may take many reads of the
// log, and the outcomes of deliveries are not to wait for them.
func (o *Outbox) Apply(ctx context.Context, records eventstore.Batch) error {
	endpoints := maps.Clone(o.targets())
	postings, err := o.postings(ctx, endpoints, records.Records)
	if err == nil {
		err = o.db.update(ctx, func(b *batch) error {
			for _, p := range postings {
				if err := p.write(b); err != nil {
					return fmt.Errorf("post %s at position %s: %w", p.record.Type, p.record.Position, err)
				}
			}
			return b.reached(records.Position)
		})
	}
	if err != nil {
		o.changes.Forget() // the batch may come again, and what is remembered stands after it
		return err
	}
	if len(postings) > 0 {
		o.publish(endpoints)
	}
	return nil
}

// postings folds the endpoints along.
func (o *Outbox) postings(ctx context.Context, endpoints map[string]Target, records []eventstore.Record) ([]posting, error) {
	var out []posting
	for _, r := range records {
		if strings.HasPrefix(r.Stream, "name-") {
			continue
		}
		p, ok, err := o.posting(ctx, endpoints, r)
		if err != nil {
			return nil, fmt.Errorf("turn %s at position %s into messages: %w", r.Type, r.Position, err)
		}
		if !ok {
			continue
		}
		for _, id := range p.wanted {
			t := endpoints[id]
			t.Made++
			endpoints[id] = t
		}
		out = append(out, p)
	}
	return out, nil
}

// posting is what a record puts into the outbox; ok is false if that is nothing.
func (o *Outbox) posting(ctx context.Context, endpoints map[string]Target, r eventstore.Record) (p posting, ok bool, err error) {
	if kind, id := SplitStream(r.Stream); kind == KindEndpoint {
		p, err = endpointPosting(endpoints, id, r)
		return p, true, err
	}
	if len(endpoints) == 0 {
		o.changes.Pass(r)
		return posting{}, false, nil
	}
	s, err := DecodeRecord(r)
	if err != nil {
		return posting{}, false, err
	}
	wanted := wanting(endpoints, domain.MessageType(s.Event), s.Meta.Organization)
	if len(wanted) == 0 {
		o.changes.Pass(r)
		return posting{}, false, nil
	}
	m, ok, err := o.changes.Message(ctx, s)
	if err != nil || !ok {
		return posting{}, false, err
	}
	body, err := m.Body()
	return posting{record: r, kind: m.Type, body: body, wanted: wanted}, true, err
}

func wanting(endpoints map[string]Target, kind, organization string) []string {
	var ids []string
	for id, t := range endpoints {
		if kind != "" && t.State.Wants(kind, organization) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// endpointPosting folds an endpoint; a test of it becomes a message to it alone.
func endpointPosting(endpoints map[string]Target, id string, r eventstore.Record) (posting, error) {
	if err := foldEndpoint(endpoints, r); err != nil {
		return posting{}, err
	}
	t, there := endpoints[id]
	if !there {
		return posting{record: r, gone: id}, nil
	}
	p := posting{record: r, saved: &t}
	s, err := DecodeRecord(r)
	if err != nil {
		return posting{}, err
	}
	if _, test := s.Event.(domain.EndpointTested); !test {
		return p, nil
	}
	m := MessageOf(s, &Subject{Kind: KindEndpoint, ID: id}, domain.ChangeBetween(domain.TypeWebhookTest, nil, domain.Attributes{"id": id, "name": t.State.Name}))
	m.Data.Subject.Type = "webhook"
	p.kind, p.wanted = m.Type, []string{id}
	p.body, err = m.Body()
	return p, err
}

func (p posting) write(b *batch) error {
	if p.saved != nil {
		if err := saveEndpoint(b, *p.saved); err != nil {
			return err
		}
	}
	if p.gone != "" {
		return forgetEndpoint(b, p.gone)
	}
	return p.enqueue(b)
}

// enqueue writes the message and a delivery for each endpoint. A delivery is ready unless an earlier one of its subject is not
// ended yet.
func (p posting) enqueue(b *batch) error {
	if len(p.wanted) == 0 {
		return nil
	}
	r := p.record
	if err := b.exec(`INSERT INTO messages (event, position, type, subject, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		r.ID[:], r.Position.String(), p.kind, r.Stream, p.body); err != nil {
		return err
	}
	for _, id := range p.wanted {
		if err := b.exec(`INSERT INTO deliveries (endpoint, lane, event, subject, webhook_id, state, next) SELECT ?1, '', ?2, ?3, ?4,
				CASE WHEN EXISTS (SELECT 1 FROM deliveries WHERE endpoint = ?1 AND lane = '' AND subject = ?3 AND state IN ('ready', 'waiting')) THEN 'waiting' ELSE 'ready' END, 0
				WHERE true ON CONFLICT DO NOTHING`,
			id, r.ID[:], r.Stream, WebhookID(r.ID, id)); err != nil {
			return err
		}
	}
	return nil
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

// forgetEndpoint removes an endpoint and what was to be sent to it: also the messages that no other endpoint refers to, for they
// are about people.
func forgetEndpoint(b *batch, id string) error {
	for _, query := range []string{
		`DELETE FROM attempts WHERE delivery IN (SELECT seq FROM deliveries WHERE endpoint = ?)`,
		`DELETE FROM messages WHERE event IN (SELECT event FROM deliveries WHERE endpoint = ?1)
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = messages.event AND d.endpoint <> ?1)`,
		`DELETE FROM deliveries WHERE endpoint = ?`,
		`DELETE FROM endpoints WHERE id = ?`,
	} {
		if err := b.exec(query, id); err != nil {
			return err
		}
	}
	return nil
}
