package projections

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// Group is a group as it stands, without its members.
type Group struct {
	ID                string
	Version           eventstore.Version
	JSON              JSON
	Count             int // members, also those that name nobody
	Created, Modified time.Time
}

// Attributes are the group's.
func (g Group) Attributes() domain.Attributes { return g.JSON.attributes() }

func applyGroup(b *batch, id string, s Stored) error {
	switch e := s.Event.(type) {
	case domain.GroupCreated:
		seq, err := insertGroup(b, id, e, s)
		if err != nil {
			return err
		}
		return applyMembers(b, seq, s)
	case domain.GroupDeleted:
		return deleteGroup(b, id, s)
	case domain.UserClaimRevoked:
		return b.exec(`UPDATE groups SET version = ? WHERE id = ?`, int64(s.Version), id)
	}
	var seq int64
	var g domain.Group
	var kept JSON
	found, err := b.row(`SELECT seq, directory, members, attributes FROM groups WHERE id = ?`, []any{id}, &seq, &g.Directory, &g.Count, &kept)
	if err != nil || !found { // its directory is deleted
		return err
	}
	g.Attributes = kept.attributes()
	g.Apply(s.Event)
	if err := b.exec(`UPDATE OR FAIL groups SET external_id = ?, display_name_key = ?, attributes = ?, members = ?, modified = ?, version = ? WHERE seq = ?`,
		append(groupRow(g.Attributes), g.Count, formatTime(s.Meta.RecordedAt), int64(s.Version), seq)...); err != nil {
		return err
	}
	return applyMembers(b, seq, s)
}

func insertGroup(b *batch, id string, e domain.GroupCreated, s Stored) (seq int64, err error) {
	place, err := nextPlace(b, e.Directory, KindGroup)
	if err != nil {
		return 0, err
	}
	at := formatTime(s.Meta.RecordedAt)
	_, err = b.row(`INSERT OR FAIL INTO groups (id, directory, place, version, external_id, display_name_key, attributes, members, created, modified)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
		append([]any{id, e.Directory, place, int64(s.Version)}, append(groupRow(e.Attributes), len(e.Members), at, at)...), &seq)
	return seq, err
}

// groupRow are the columns made from the attributes, in the order of the statements above.
func groupRow(a domain.Attributes) []any {
	return []any{a["externalId"], domain.FoldKey(a.Text("displayName")), string(JSONOf(a))}
}

func deleteGroup(b *batch, id string, s Stored) error {
	var seq, place int64
	var directory string
	found, err := b.row(`DELETE FROM groups WHERE id = ? RETURNING seq, directory, place`, []any{id}, &seq, &directory, &place)
	if err != nil || !found {
		return err
	}
	for _, table := range []string{`members`, `leaving`} {
		if err := b.exec(`DELETE FROM `+table+` WHERE grp = ?`, seq); err != nil {
			return err
		}
	}
	if err := applyGone(b, id, directory, s); err != nil {
		return err
	}
	return leavePlace(b, directory, KindGroup, place)
}

// applyMembers writes who came and who went, all of one kind by one statement.
func applyMembers(b *batch, group int64, s Stored) error {
	delta := domain.DeltaOf(s.Event)
	for _, one := range []struct {
		query   string
		members []domain.Member
	}{
		{`DELETE FROM members WHERE grp = ? AND member IN (SELECT value ->> '$.id' FROM json_each(?))`, delta.Removed},
		{`DELETE FROM leaving WHERE grp = ? AND member IN (SELECT value ->> '$.id' FROM json_each(?))`, delta.Removed},
		{`INSERT OR FAIL INTO members (grp, member, type) SELECT ?, value ->> '$.id', ifnull(value ->> '$.type', '') FROM json_each(?)`, delta.Added},
		{`INSERT INTO leaving (grp, member) SELECT g.seq, gone.id FROM groups g CROSS JOIN json_each(?2) i
			CROSS JOIN gone ON gone.id = i.value ->> '$.id' AND gone.directory = g.directory WHERE g.seq = ?1`, delta.Added},
	} {
		if err := forMembers(b, one.query, group, one.members); err != nil {
			return err
		}
	}
	return nil
}

func forMembers(b *batch, query string, group int64, members []domain.Member) error {
	if len(members) == 0 {
		return nil
	}
	list, err := json.Marshal(members)
	if err != nil {
		return err
	}
	return b.exec(query, group, string(list))
}

const groupColumns = `r.id, r.version, r.attributes, r.members, r.created, r.modified`

func scanGroup(r row) (Group, error) {
	var g Group
	var created, modified string
	err := r.Scan(&g.ID, &g.Version, &g.JSON, &g.Count, &created, &modified)
	g.Created, g.Modified = parseTime(created), parseTime(modified)
	return g, err
}

// Group finds a group of a directory by its id.
func (m *ReadModel) Group(ctx context.Context, directory, id string) (Group, error) {
	return one(ctx, m, scope(directory), scanGroup, `SELECT `+groupColumns+` FROM groups r WHERE r.id = ? AND r.directory = ?`, id, directory)
}

// Groups lists groups of a directory in the order of their creation, or sorted.
func (m *ReadModel) Groups(ctx context.Context, directory string, q Query) (Page[Group], error) {
	return list(ctx, m, KindGroup, scanGroup, groupColumns, directory, q)
}

// GroupNames are the displayNames of those of the ids that are groups of the directory.
func (m *ReadModel) GroupNames(ctx context.Context, directory string, ids []string) (map[string]string, error) {
	return pairs(ctx, m, `SELECT g.id, g.attributes ->> '$.displayName' FROM json_each(?) i JOIN groups g ON g.id = i.value WHERE g.directory = ?`, ids, directory)
}
