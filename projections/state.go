package projections

import (
	"encoding/json"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// Endpoints, applications and connections are kept as the domain folds them: the state as JSON, in a row of a table of their own. They are few, and
// what is asked of them is their whole.

// keptState is a state that such a row holds.
type keptState[T any] interface {
	*T
	Apply(domain.Event)
	Exists() bool
}

// keepState folds an event into the row of a subject, and removes the row of one that is no more.
func keepState[T any, S keptState[T]](b *batch, table, id string, s Stored) error {
	_, err := foldState[T, S](b, table, id, s)
	return err
}

// foldState is keepState, and answers the state after the event: nil if there was none before, and that was not the first.
func foldState[T any, S keptState[T]](b *batch, table, id string, s Stored) (*T, error) {
	var state T
	var text string
	found, err := b.row(`SELECT state FROM `+table+` WHERE id = ?`, []any{id}, &text)
	if err != nil || !found && s.Version > 1 {
		return nil, err
	}
	if found {
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			return nil, err
		}
	}
	if S(&state).Apply(s.Event); !S(&state).Exists() {
		return &state, b.exec(`DELETE FROM `+table+` WHERE id = ?`, id)
	}
	kept, err := json.Marshal(state)
	if err != nil {
		return nil, err
	}
	at := formatTime(s.Meta.RecordedAt)
	return &state, b.exec(`INSERT INTO `+table+` (id, state, created, updated) VALUES (?1, ?2, ?3, ?3)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated = CASE WHEN ?4 THEN excluded.updated ELSE updated END`,
		id, string(kept), at, domain.Modifies(s.Event))
}

// scanState reads id, state, created and updated of such a row.
func scanState(r row, id *string, state any, created, updated *time.Time) error {
	var text, c, u string
	if err := r.Scan(id, &text, &c, &u); err != nil {
		return err
	}
	*created, *updated = parseTime(c), parseTime(u)
	return json.Unmarshal([]byte(text), state)
}
