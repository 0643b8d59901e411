package projections

import (
	"context"
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
		return b.exec(`INSERT INTO organizations (id, domain, name, created, updated) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, id, e.Domain, e.Name, at, at)
	case domain.OrganizationUpdated:
		return b.exec(`UPDATE organizations SET name = ?, updated = ? WHERE id = ?`, e.Name, at, id)
	case domain.OrganizationAdministratorAdded:
		if err := b.exec(`INSERT INTO administrators (id, organization, email, created) VALUES (?, ?, ?, ?)`, e.ID, id, e.Email, at); err != nil {
			return err
		}
		return b.exec(`UPDATE organizations SET updated = ? WHERE id = ?`, at, id)
	case domain.OrganizationAdministratorRemoved:
		if err := b.exec(`DELETE FROM administrators WHERE id = ?`, e.ID); err != nil {
			return err
		}
		return b.exec(`UPDATE organizations SET updated = ? WHERE id = ?`, at, id)
	case domain.OrganizationDeleted:
		for _, query := range []string{
			`DELETE FROM apikeys WHERE organization = ?`, // they know nothing any more, and made keys for this organization only
			`DELETE FROM apikey_lines WHERE organization = ?`,
			`DELETE FROM administrators WHERE organization = ?`,
			`DELETE FROM mails WHERE organization = ?`,
			`DELETE FROM organizations WHERE id = ?`,
		} {
			if err := b.exec(query, id); err != nil {
				return err
			}
		}
	}
	return nil
}

const organizationColumns = `SELECT id, domain, name, created, updated FROM organizations `

func scanOrganization(r row) (Organization, error) {
	var o Organization
	var created, updated string
	err := r.Scan(&o.ID, &o.Domain, &o.Name, &created, &updated)
	o.Created, o.Updated = parseTime(created), parseTime(updated)
	return o, err
}

// Organization finds one by its domain or its id.
func (m *ReadModel) Organization(ctx context.Context, domainOrID string) (Organization, error) {
	return one(ctx, m, rest, scanOrganization, organizationColumns+`WHERE domain = ?1 OR id = ?1`, domainOrID)
}

// Organizations lists the one with an id, all if that is "", by their domains; page counts from 1.
func (m *ReadModel) Organizations(ctx context.Context, id string, page, perPage int) ([]Organization, int, error) {
	where, args := ``, []any{}
	if id != "" {
		where, args = `WHERE id = ? `, []any{id}
	}
	return paged(ctx, m, scanOrganization, `organizations `+where, organizationColumns+where+`ORDER BY domain`, args, page, perPage)
}
