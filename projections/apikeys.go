package projections

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// APIKey is a key of the management API as it stands.
type APIKey struct {
	ID, Name, Hash string
	domain.Rights
	Organization string // the domain of the one that the rights name
	Created      time.Time
}

// applyAPIKey keeps a key. One for an organization that was deleted meanwhile is none.
func applyAPIKey(b *batch, id string, s Stored) error {
	switch e := s.Event.(type) {
	case domain.APIKeyCreated:
		var k domain.APIKey
		k.Apply(e)
		permissions, err := json.Marshal(k.Rights.Permissions)
		if err != nil {
			return err
		}
		return b.exec(`INSERT INTO apikeys (id, name, hash, permissions, organization, created) SELECT ?1, ?2, ?3, ?4, ?5, ?6
			WHERE ?5 = '' OR EXISTS (SELECT 1 FROM organizations WHERE id = ?5)`,
			id, e.Name, e.Hash, string(permissions), k.Rights.OrganizationID, formatTime(s.Meta.RecordedAt))
	case domain.APIKeyDeleted:
		return b.exec(`DELETE FROM apikeys WHERE id = ?`, id)
	}
	return nil
}

const apiKeyColumns = `SELECT k.id, k.name, k.hash, k.permissions, k.organization, coalesce(o.domain, ''), k.created
	FROM apikeys k LEFT JOIN organizations o ON o.id = k.organization `

func scanAPIKey(r row) (APIKey, error) {
	var k APIKey
	var permissions, created string
	if err := r.Scan(&k.ID, &k.Name, &k.Hash, &permissions, &k.OrganizationID, &k.Organization, &created); err != nil {
		return APIKey{}, err
	}
	k.Created = parseTime(created)
	return k, json.Unmarshal([]byte(permissions), &k.Permissions)
}

// APIKey finds one by its id.
func (m *ReadModel) APIKey(ctx context.Context, id string) (APIKey, error) {
	return one(ctx, m, rest, scanAPIKey, apiKeyColumns+`WHERE k.id = ?`, id)
}

// APIKeys lists those that know one organization only, all keys if its id is "", in the order of their creation; page counts from 1.
func (m *ReadModel) APIKeys(ctx context.Context, organizationID string, page, perPage int) ([]APIKey, int, error) {
	where, args := ``, []any{}
	if organizationID != "" {
		where, args = `WHERE k.organization = ? `, []any{organizationID}
	}
	return paged(ctx, m, scanAPIKey, `apikeys k `+where, apiKeyColumns+where+`ORDER BY k.id`, args, page, perPage)
}
