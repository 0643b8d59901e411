package projections

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// Endpoint is a webhook endpoint as it stands, without its secret.
type Endpoint struct {
	ID, Name, URL    string
	EventCodes       []string
	Organization     string // a domain; "" for all
	Disabled         string // why, "" while active
	Created, Updated time.Time
}

func applyEndpoint(b *batch, id string, s Stored) error {
	at := formatTime(s.Meta.RecordedAt)
	switch e := s.Event.(type) {
	case domain.EndpointCreated:
		codes, err := json.Marshal(e.EventCodes)
		if err != nil {
			return err
		}
		return b.exec(`INSERT INTO endpoints (id, name, url, event_codes, organization, disabled, created, updated) VALUES (?, ?, ?, ?, ?, '', ?, ?)`,
			id, e.Name, e.URL, string(codes), e.Organization, at, at)
	case domain.EndpointDisabled:
		return b.exec(`UPDATE endpoints SET disabled = ?, updated = ? WHERE id = ?`, e.Reason, at, id)
	case domain.EndpointDeleted:
		return b.exec(`DELETE FROM endpoints WHERE id = ?`, id)
	}
	return nil
}

const endpointColumns = `SELECT id, name, url, event_codes, organization, disabled, created, updated FROM endpoints `

func scanEndpoint(r row) (Endpoint, error) {
	var p Endpoint
	var codes, created, updated string
	if err := r.Scan(&p.ID, &p.Name, &p.URL, &codes, &p.Organization, &p.Disabled, &created, &updated); err != nil {
		return Endpoint{}, err
	}
	p.Created, p.Updated = parseTime(created), parseTime(updated)
	return p, json.Unmarshal([]byte(codes), &p.EventCodes)
}

// Endpoint finds one by its id.
func (m *ReadModel) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	return one(ctx, m, rest, scanEndpoint, endpointColumns+`WHERE id = ?`, id)
}

// Endpoints lists them in the order of their creation; page counts from 1.
func (m *ReadModel) Endpoints(ctx context.Context, page, perPage int) ([]Endpoint, int, error) {
	return paged(ctx, m, scanEndpoint, `endpoints`, endpointColumns+`ORDER BY id`, page, perPage)
}
