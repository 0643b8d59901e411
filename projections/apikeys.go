package projections

import (
	"context"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// APIKey is a key of the management API as it stands.
type APIKey struct {
	ID, Name, Hash string
	Created        time.Time
}

func applyAPIKey(b *batch, id string, s Stored) error {
	switch e := s.Event.(type) {
	case domain.APIKeyCreated:
		return b.exec(`INSERT INTO apikeys (id, name, hash, created) VALUES (?, ?, ?, ?)`, id, e.Name, e.Hash, formatTime(s.Meta.RecordedAt))
	case domain.APIKeyDeleted:
		return b.exec(`DELETE FROM apikeys WHERE id = ?`, id)
	}
	return nil
}

func scanAPIKey(r row) (APIKey, error) {
	var k APIKey
	var created string
	err := r.Scan(&k.ID, &k.Name, &k.Hash, &created)
	k.Created = parseTime(created)
	return k, err
}

// APIKey finds one by its id.
func (m *ReadModel) APIKey(ctx context.Context, id string) (APIKey, error) {
	return one(ctx, m, rest, scanAPIKey, `SELECT id, name, hash, created FROM apikeys WHERE id = ?`, id)
}

// APIKeys lists them in the order of their creation; page counts from 1.
func (m *ReadModel) APIKeys(ctx context.Context, page, perPage int) ([]APIKey, int, error) {
	return paged(ctx, m, scanAPIKey, `apikeys`, `SELECT id, name, hash, created FROM apikeys ORDER BY id`, page, perPage)
}
