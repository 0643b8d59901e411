package projections

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// Endpoint is a webhook endpoint as it stands; its secrets are sealed.
type Endpoint struct {
	ID string
	domain.Endpoint
	Created, Updated time.Time
}

func applyEndpoint(b *batch, id string, s Stored) error {
	at := formatTime(s.Meta.RecordedAt)
	var p domain.Endpoint
	var text string
	switch e := s.Event.(type) {
	case domain.EndpointCreated:
		p.Apply(e)
		state, err := json.Marshal(p)
		if err != nil {
			return err
		}
		return b.exec(`INSERT INTO endpoints (id, state, created, updated) VALUES (?, ?, ?, ?)`, id, string(state), at, at)
	case domain.EndpointDeleted:
		return b.exec(`DELETE FROM endpoints WHERE id = ?`, id)
	}
	if !domain.Modifies(s.Event) {
		return nil
	}
	if found, err := b.row(`SELECT state FROM endpoints WHERE id = ?`, []any{id}, &text); err != nil || !found {
		return err
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	p.Apply(s.Event)
	state, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return b.exec(`UPDATE endpoints SET state = ?, updated = ? WHERE id = ?`, string(state), at, id)
}

const endpointColumns = `SELECT id, state, created, updated FROM endpoints `

func scanEndpoint(r row) (Endpoint, error) {
	var p Endpoint
	var state, created, updated string
	if err := r.Scan(&p.ID, &state, &created, &updated); err != nil {
		return Endpoint{}, err
	}
	p.Created, p.Updated = parseTime(created), parseTime(updated)
	return p, json.Unmarshal([]byte(state), &p.Endpoint)
}

// Endpoint finds one by its id.
func (m *ReadModel) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	return one(ctx, m, rest, scanEndpoint, endpointColumns+`WHERE id = ?`, id)
}

// EndpointsOf lists those that are scoped to an organization, by its domain.
func (m *ReadModel) EndpointsOf(ctx context.Context, organization string) ([]Endpoint, error) {
	return all(ctx, m, rest, scanEndpoint, endpointColumns+`WHERE state ->> 'organization' = ? ORDER BY id`, organization)
}

// Endpoints lists them in the order of their creation; page counts from 1.
func (m *ReadModel) Endpoints(ctx context.Context, page, perPage int) ([]Endpoint, int, error) {
	return paged(ctx, m, scanEndpoint, `endpoints`, endpointColumns+`ORDER BY id`, page, perPage)
}
