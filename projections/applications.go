package projections

import (
	"context"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// Application is an application as it stands.
type Application struct {
	ID string
	domain.Application
	Created, Updated time.Time
}

const applicationColumns = `SELECT id, state, created, updated FROM applications `

func scanApplication(r row) (a Application, err error) {
	err = scanState(r, &a.ID, &a.Application, &a.Created, &a.Updated)
	return a, err
}

// Application finds one by its id.
func (m *ReadModel) Application(ctx context.Context, id string) (Application, error) {
	return one(ctx, m, rest, scanApplication, applicationColumns+`WHERE id = ?`, id)
}

// Applications lists them in the order of their creation; page counts from 1.
func (m *ReadModel) Applications(ctx context.Context, page, perPage int) ([]Application, int, error) {
	return paged(ctx, m, scanApplication, `applications`, applicationColumns+`ORDER BY id`, nil, page, perPage)
}
