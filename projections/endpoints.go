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

// Endpoints lists those that are an organization's, by its id, all if that is "", in the order of their creation; page counts from 1.
func (m *ReadModel) Endpoints(ctx context.Context, organizationID string, page, perPage int) ([]Endpoint, int, error) {
	where, args := ofOrganization(organizationID)
	return paged(ctx, m, scanEndpoint, `endpoints `+where, endpointColumns+where+`ORDER BY id`, args, page, perPage)
}

// EndpointIDs are the ids of those that are an organization's, by its id.
func (m *ReadModel) EndpointIDs(ctx context.Context, organizationID string) ([]string, error) {
	where, args := ofOrganization(organizationID)
	return all(ctx, m, rest, func(r row) (id string, err error) { return id, r.Scan(&id) }, `SELECT id FROM endpoints `+where+`ORDER BY id`, args...)
}

func ofOrganization(id string) (where string, args []any) {
	if id == "" {
		return ``, nil
	}
	return `WHERE state ->> 'organization_id' = ? `, []any{id}
}
