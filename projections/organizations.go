package projections

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// Organization is an organization as it stands.
type Organization struct {
	ID, Domain, Name string
	Created, Updated time.Time
}

func applyOrganization(b *batch, id string, s Stored) error {
	at := formatTime(s.Meta.RecordedAt)
	switch e := s.Event.(type) {
	case domain.OrganizationCreated:
		return b.exec(`INSERT INTO organizations (id, domain, name, created, updated) VALUES (?, ?, ?, ?, ?)`, id, e.Domain, e.Name, at, at)
	case domain.OrganizationUpdated:
		return b.exec(`UPDATE organizations SET name = ?, updated = ? WHERE id = ?`, e.Name, at, id)
	case domain.OrganizationDeleted:
		return b.exec(`DELETE FROM organizations WHERE id = ?`, id)
	}
	return nil
}

const organizationColumns = `SELECT id, domain, name, created, updated FROM organizations `

func scanOrganization(row interface{ Scan(...any) error }) (Organization, error) {
	var o Organization
	var created, updated string
	err := row.Scan(&o.ID, &o.Domain, &o.Name, &created, &updated)
	o.Created, o.Updated = parseTime(created), parseTime(updated)
	return o, err
}

// Organization finds one by its domain or its id.
func (m *ReadModel) Organization(ctx context.Context, domainOrID string) (Organization, error) {
	return one(ctx, m, scanOrganization, organizationColumns+`WHERE domain = ?1 OR id = ?1`, domainOrID)
}

// Organizations lists them by their domains; page counts from 1.
func (m *ReadModel) Organizations(ctx context.Context, page, perPage int) ([]Organization, int, error) {
	return paged(ctx, m, scanOrganization, `organizations`, organizationColumns+`ORDER BY domain`, page, perPage)
}

// one runs a query for one row.
func one[T any](ctx context.Context, m *ReadModel, scan func(interface{ Scan(...any) error }) (T, error), query string, args ...any) (T, error) {
	var none T
	if err := m.fresh(ctx); err != nil {
		return none, err
	}
	v, err := scan(m.db.read.QueryRowContext(ctx, query, args...))
	if err == sql.ErrNoRows {
		return none, ErrNotFound
	}
	if err != nil {
		return none, fmt.Errorf("query the read model: %w", err)
	}
	return v, nil
}

// all runs a query for several rows.
func all[T any](ctx context.Context, m *ReadModel, scan func(interface{ Scan(...any) error }) (T, error), query string, args ...any) ([]T, error) {
	if err := m.fresh(ctx); err != nil {
		return nil, err
	}
	rows, err := m.db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query the read model: %w", err)
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("query the read model: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("query the read model: %w", err)
	}
	return out, nil
}

// paged lists one of the small tables: what an operator makes by hand.
func paged[T any](ctx context.Context, m *ReadModel, scan func(interface{ Scan(...any) error }) (T, error), table, query string, page, perPage int) ([]T, int, error) {
	out, err := all(ctx, m, scan, query+` LIMIT ? OFFSET ?`, perPage, (page-1)*perPage)
	if err != nil {
		return nil, 0, err
	}
	var total int
	if err := m.db.read.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("query the read model: %w", err)
	}
	return out, total, nil
}
