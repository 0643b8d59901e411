package projections

import (
	"fmt"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// live is the lane of what happens, as against that of a replay, which is named by the replay's id.
const live = ""

// outgoing is a message to be delivered.
type outgoing struct {
	event    eventstore.ID
	position eventstore.Position // of the record that makes the delivery
	kind     string
	subject  string // a stream
	body     []byte
	made     int64 // when, in milliseconds
}

func outgoingOf(s Stored, m Message) (outgoing, error) {
	body, err := m.Body()
	return outgoing{s.ID, s.Position, m.Type, s.Stream, body, millis(s.Meta.RecordedAt)}, err
}

// enqueue writes the message and a delivery in the lane and queue for each endpoint, and tells how many those are that were not there before. A
// delivery is ready unless an earlier one of its subject has not ended.
func (m outgoing) enqueue(b *batch, lane, queue string, endpoints []string) (n int, err error) {
	if err := b.exec(`INSERT INTO messages (event, position, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, m.event[:], m.position.String(), m.body); err != nil {
		return 0, err
	}
	for _, id := range endpoints {
		var seq int64
		made, err := b.row(`INSERT OR FAIL INTO deliveries (endpoint, lane, queue, event, type, subject, webhook_id, state, next, made) SELECT ?1, ?2, ?8, ?3, ?4, ?5, ?6,
				CASE WHEN EXISTS (SELECT 1 FROM deliveries WHERE endpoint = ?1 AND queue = ?8 AND subject = ?5 AND state IN ('ready', 'waiting')) THEN 'waiting' ELSE 'ready' END, 0, ?7
				WHERE true ON CONFLICT DO NOTHING RETURNING seq`,
			[]any{id, lane, m.event[:], m.kind, m.subject, WebhookID(m.event, id), m.made, queue}, &seq)
		if err != nil {
			return n, fmt.Errorf("make the delivery to %s: %w", id, err)
		}
		if made {
			n++
		}
	}
	return n, nil
}
