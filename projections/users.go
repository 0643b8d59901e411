package projections

import (
	"context"
	"encoding/json"
	"reflect"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// User is a user as it stands.
type User struct {
	ID                string
	Version           eventstore.Version
	JSON              JSON
	Created, Modified time.Time
}

// Attributes are the user's.
func (u User) Attributes() domain.Attributes { return u.JSON.attributes() }

func applyUser(b *batch, id string, s Stored) error {
	switch e := s.Event.(type) {
	case domain.UserProvisioned:
		return insertUser(b, id, e, s)
	case domain.UserDeleted:
		return deleteUser(b, id, s)
	case domain.UserClaimRevoked:
		return b.exec(`UPDATE users SET version = ? WHERE id = ?`, int64(s.Version), id)
	}
	var seq int64
	var u domain.User
	var kept JSON
	found, err := b.row(`SELECT seq, directory, attributes FROM users WHERE id = ?`, []any{id}, &seq, &u.Directory, &kept)
	if err != nil || !found { // its directory is deleted
		return err
	}
	u.Attributes = kept.attributes()
	before := u.Attributes["emails"]
	u.Apply(s.Event)
	if err := updateUser(b, seq, &u, s); err != nil || reflect.DeepEqual(before, u.Attributes["emails"]) {
		return err
	}
	if err := b.exec(`DELETE FROM user_emails WHERE user = ?`, seq); err != nil {
		return err
	}
	return insertEmails(b, seq, u.Directory, u.Attributes)
}

func insertUser(b *batch, id string, e domain.UserProvisioned, s Stored) error {
	row, err := userRow(e.Attributes)
	if err != nil {
		return err
	}
	place, err := nextPlace(b, e.Directory, KindUser)
	if err != nil {
		return err
	}
	at := formatTime(s.Meta.RecordedAt)
	var seq int64
	if _, err := b.row(`INSERT OR FAIL INTO users (id, directory, place, version, user_name_key, external_id, display_name_key, active, attributes, created, modified)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
		append([]any{id, e.Directory, place, int64(s.Version)}, append(row, at, at)...), &seq); err != nil {
		return err
	}
	return insertEmails(b, seq, e.Directory, e.Attributes)
}

func updateUser(b *batch, seq int64, u *domain.User, s Stored) error {
	row, err := userRow(u.Attributes)
	if err != nil {
		return err
	}
	return b.exec(`UPDATE OR FAIL users SET user_name_key = ?, external_id = ?, display_name_key = ?, active = ?, attributes = ?, modified = ?, version = ? WHERE seq = ?`,
		append(row, formatTime(s.Meta.RecordedAt), int64(s.Version), seq)...)
}

// userRow are the columns made from the attributes, in the order of the table.
func userRow(a domain.Attributes) ([]any, error) {
	key, err := domain.NameKey(a.Text("userName"))
	if err != nil {
		return nil, err
	}
	return []any{key, a["externalId"], folded(a["displayName"]), a.Active(), string(JSONOf(a))}, nil
}

func insertEmails(b *batch, seq int64, directory string, a domain.Attributes) error {
	list, _ := a["emails"].([]any)
	for i, e := range list {
		m, _ := e.(map[string]any)
		if err := b.exec(`INSERT INTO user_emails (user, nth, directory, value_key, type_key, display_key, is_primary) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			seq, i, directory, folded(m["value"]), folded(m["type"]), folded(m["display"]), m["primary"]); err != nil {
			return err
		}
	}
	return nil
}

func deleteUser(b *batch, id string, s Stored) error {
	var seq, place int64
	var directory string
	found, err := b.row(`DELETE FROM users WHERE id = ? RETURNING seq, directory, place`, []any{id}, &seq, &directory, &place)
	if err != nil || !found {
		return err
	}
	if err := b.exec(`DELETE FROM user_emails WHERE user = ?`, seq); err != nil {
		return err
	}
	if err := freeSeats(b, "user", id); err != nil {
		return err
	}
	if err := applyGone(b, id, directory, s); err != nil {
		return err
	}
	return leavePlace(b, directory, KindUser, place)
}

// folded is a text as a column keeps it for comparisons; nil stays NULL.
func folded(v any) any {
	if s, ok := v.(string); ok {
		return domain.FoldKey(s)
	}
	return nil
}

const userColumns = `r.id, r.version, r.attributes, r.created, r.modified`

func scanUser(r row) (User, error) {
	var u User
	var created, modified string
	err := r.Scan(&u.ID, &u.Version, &u.JSON, &created, &modified)
	u.Created, u.Modified = parseTime(created), parseTime(modified)
	return u, err
}

// User finds a user of a directory by its id.
func (m *ReadModel) User(ctx context.Context, directory, id string) (User, error) {
	if err := m.fresh(ctx, scope(directory)); err != nil {
		return User{}, err
	}
	u, err := m.memos.users.get(id, func() (placedUser, error) {
		u, err := first(ctx, m.db.read, scanUser, `SELECT `+userColumns+` FROM users r WHERE r.id = ? AND r.directory = ?`, id, directory)
		return placedUser{u, directory}, err
	})
	if err == nil && u.directory != directory {
		err = ErrNotFound
	}
	if err != nil {
		return User{}, err
	}
	return u.User, nil
}

// Users lists users of a directory in the order of their creation, or sorted.
func (m *ReadModel) Users(ctx context.Context, directory string, q Query) (Page[User], error) {
	return list(ctx, m, KindUser, scanUser, userColumns, directory, q)
}

// Suspended lists the ids of users of a directory with an externalId who are not active, in the order of their creation, at most limit.
func (m *ReadModel) Suspended(ctx context.Context, directory, externalID string, limit int) ([]string, error) {
	return all(ctx, m, scope(directory), func(r row) (id string, err error) { return id, r.Scan(&id) },
		`SELECT id FROM users WHERE directory = ? AND external_id = ? AND active = 0 ORDER BY place LIMIT ?`, directory, externalID, limit)
}

// UserNames are the userNames of those of the ids that are users of the directory.
func (m *ReadModel) UserNames(ctx context.Context, directory string, ids []string) (map[string]string, error) {
	return pairs(ctx, m, `SELECT u.id, u.attributes ->> '$.userName' FROM json_each(?) i JOIN users u ON u.id = i.value WHERE u.directory = ?`, ids, directory)
}

// pairs runs a query over ids that answers an id and a text in each row.
func pairs(ctx context.Context, m *ReadModel, query string, ids []string, directory string) (map[string]string, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	type pair struct{ id, text string }
	found, err := all(ctx, m, scope(directory), func(r row) (pair, error) {
		var p pair
		err := r.Scan(&p.id, &p.text)
		return p, err
	}, query, string(list), directory)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(found))
	for _, p := range found {
		out[p.id] = p.text
	}
	return out, nil
}
