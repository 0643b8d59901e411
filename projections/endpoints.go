package projections

import (
	"context"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// Endpoint is a webhook endpoint as it stands; its secrets are sealed.
type Endpoint struct {
	ID string
	domain.Endpoint
	Created, Updated time.Time
}

const endpointColumns = `SELECT id, state, created, updated FROM endpoints `

func scanEndpoint(r row) (p Endpoint, err error) {
	err = scanState(r, &p.ID, &p.Endpoint, &p.Created, &p.Updated)
	return p, err
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
