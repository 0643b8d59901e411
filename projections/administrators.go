package projections

import (
	"context"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// Administrator is an administrator of an organization as it stands.
type Administrator struct {
	domain.Administrator
	Created time.Time
}

func scanAdministrator(r row) (a Administrator, err error) {
	var created string
	err = r.Scan(&a.ID, &a.Email, &created)
	a.Created = parseTime(created)
	return a, err
}

// Administrators lists those of an organization, named by its id, in the order in which they came. They are domain.MaxAdministrators at most.
func (m *ReadModel) Administrators(ctx context.Context, organizationID string) ([]Administrator, error) {
	return all(ctx, m, rest, scanAdministrator, `SELECT id, email, created FROM administrators WHERE organization = ? ORDER BY created, id`, organizationID)
}
