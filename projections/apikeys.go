package projections

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// APIKey is a key of the management API as it stands.
type APIKey struct {
	ID, Name, Hash string
	domain.Rights
	Organization string // the domain of the one that the rights name
	CreatedBy    string // the id of the key that made it, which may be gone; "" if none did
	Created      time.Time
}

// belowAPIKey are the ids of the descendants of ?1, also those that are deleted.
const belowAPIKey = `(WITH RECURSIVE below (id) AS (SELECT id FROM apikey_lines WHERE above = ?1 UNION SELECT k.id FROM below JOIN apikey_lines k ON k.above = below.id) SELECT id FROM below)`

// endedAPIKeys are ?1 and the keys above it that are deleted and from which none descends any more: nobody needs to find anything by them.
const endedAPIKeys = `(WITH RECURSIVE ended (id, above) AS (SELECT id, above FROM apikey_lines WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM apikey_lines WHERE above = ?1)
	UNION ALL SELECT l.id, l.above FROM ended JOIN apikey_lines l ON l.id = ended.above
	WHERE NOT EXISTS (SELECT 1 FROM apikeys WHERE id = l.id) AND NOT EXISTS (SELECT 1 FROM apikey_lines other WHERE other.above = l.id AND other.id <> ended.id))
	SELECT id FROM ended)`

// applyAPIKey keeps a key. One for an organization that was deleted meanwhile is none, and neither is one by a key that was: the log's order decides, so that
// a key which makes others while it is deleted leaves none behind.
func applyAPIKey(b *batch, id string, s Stored) error {
	switch e := s.Event.(type) {
	case domain.APIKeyCreated:
		var k domain.APIKey
		k.Apply(e)
		permissions, err := json.Marshal(k.Rights.Permissions)
		if err != nil {
			return err
		}
		if err := b.exec(`INSERT INTO apikeys (id, name, hash, permissions, organization, created_by, created) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
			WHERE (?5 = '' OR EXISTS (SELECT 1 FROM organizations WHERE id = ?5)) AND (?6 = '' OR EXISTS (SELECT 1 FROM apikeys WHERE id = ?6))`,
			id, e.Name, e.Hash, string(permissions), k.Rights.OrganizationID, s.Meta.APIKey(), formatTime(s.Meta.RecordedAt)); err != nil {
			return err
		}
		return b.exec(`INSERT INTO apikey_lines (id, above, organization) SELECT id, created_by, organization FROM apikeys WHERE id = ?`, id)
	case domain.APIKeyDeleted:
		if e.Descendants {
			if err := errors.Join(b.exec(`DELETE FROM apikeys WHERE id IN `+belowAPIKey, id), b.exec(`DELETE FROM apikey_lines WHERE id IN `+belowAPIKey, id)); err != nil {
				return err
			}
		}
		return errors.Join(b.exec(`DELETE FROM apikeys WHERE id = ?`, id), b.exec(`DELETE FROM apikey_lines WHERE id IN `+endedAPIKeys, id))
	}
	return nil
}

const apiKeyColumns = `SELECT k.id, k.name, k.hash, k.permissions, k.organization, coalesce(o.domain, ''), k.created_by, k.created
	FROM apikeys k LEFT JOIN organizations o ON o.id = k.organization `

func scanAPIKey(r row) (APIKey, error) {
	var k APIKey
	var permissions, created string
	if err := r.Scan(&k.ID, &k.Name, &k.Hash, &permissions, &k.OrganizationID, &k.Organization, &k.CreatedBy, &created); err != nil {
		return APIKey{}, err
	}
	k.Created = parseTime(created)
	return k, json.Unmarshal([]byte(permissions), &k.Permissions)
}

// APIKey finds one by its id.
func (m *ReadModel) APIKey(ctx context.Context, id string) (APIKey, error) {
	return one(ctx, m, rest, scanAPIKey, apiKeyColumns+`WHERE k.id = ?`, id)
}

// APIKeys lists those that know one organization only, all keys if its id is "", and of these the descendants of a key only unless that is "", in the
// order of their creation; page counts from 1.
func (m *ReadModel) APIKeys(ctx context.Context, organizationID, ancestor string, page, perPage int) ([]APIKey, int, error) {
	where, args := `WHERE true `, []any{}
	if ancestor != "" {
		where, args = where+`AND k.id IN `+belowAPIKey+` `, append(args, ancestor)
	}
	if organizationID != "" {
		where, args = where+`AND k.organization = ? `, append(args, organizationID)
	}
	return paged(ctx, m, scanAPIKey, `apikeys k `+where, apiKeyColumns+where+`ORDER BY k.id`, args, page, perPage)
}

// APIKeyDescends tells whether a key was made by another one, or by one that was made by that, and so on.
func (m *ReadModel) APIKeyDescends(ctx context.Context, id, ancestor string) (bool, error) {
	n, err := one(ctx, m, rest, number, `SELECT count(*) FROM `+belowAPIKey+` WHERE id = ?2`, ancestor, id)
	return n > 0, err
}

// EndedAPIKey finds the organization that a key which is deleted knew, "" for all, if any key lives that descends from it.
func (m *ReadModel) EndedAPIKey(ctx context.Context, id string) (organizationID string, err error) {
	return one(ctx, m, rest, func(r row) (id string, err error) { return id, r.Scan(&id) },
		`SELECT organization FROM apikey_lines WHERE id = ?1 AND id NOT IN (SELECT id FROM apikeys) AND EXISTS (SELECT 1 FROM apikeys WHERE id IN `+belowAPIKey+`)`, id)
}
