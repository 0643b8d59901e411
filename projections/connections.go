package projections

import (
	"context"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// Connection is a connection as it stands.
type Connection struct {
	ID string
	domain.Connection
	Created, Updated time.Time
}

func applyConnection(b *batch, id string, s Stored) error {
	switch e := s.Event.(type) {
	case domain.ConnectionSeatTaken:
		return applySeat(b, id, e)
	case domain.ConnectionDeleted:
		if err := b.exec(`DELETE FROM seats WHERE connection = ?`, id); err != nil {
			return err
		}
	}
	c, err := foldState[domain.Connection](b, "connections", id, s)
	if err != nil || c == nil {
		return err
	}
	return keepInvitation(b, setUp{KindConnection, id, c.OrganizationID, c.Exists(), c.Invited}, s)
}

const connectionColumns = `SELECT id, state, created, updated FROM connections `

func scanConnection(r row) (c Connection, err error) {
	err = scanState(r, &c.ID, &c.Connection, &c.Created, &c.Updated)
	return c, err
}

// Connection finds one by its id.
func (m *ReadModel) Connection(ctx context.Context, id string) (Connection, error) {
	return one(ctx, m, rest, scanConnection, connectionColumns+`WHERE id = ?`, id)
}

// Connections lists those of an organization, named by its id, all if that is "", in the order of their creation; page counts from 1.
func (m *ReadModel) Connections(ctx context.Context, organizationID string, page, perPage int) ([]Connection, int, error) {
	where, args := ``, []any{}
	if organizationID != "" {
		where, args = `WHERE state ->> 'OrganizationID' = ? `, []any{organizationID}
	}
	return paged(ctx, m, scanConnection, `connections `+where, connectionColumns+where+`ORDER BY created, id`, args, page, perPage)
}

// ConnectionsOf lists those of an organization, named by its id.
func (m *ReadModel) ConnectionsOf(ctx context.Context, organizationID string) ([]Connection, error) {
	return all(ctx, m, rest, scanConnection, connectionColumns+`WHERE state ->> 'OrganizationID' = ? ORDER BY created, id`, organizationID)
}

// Leads tells whether the default redirection of some connection leads to an application.
func (m *ReadModel) Leads(ctx context.Context, application string) (bool, error) {
	n, err := one(ctx, m, rest, number, `SELECT count(*) FROM (SELECT 1 FROM connections WHERE state ->> '$.Default.app_id' = ? LIMIT 1)`, application)
	return n > 0, err
}
