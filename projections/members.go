package projections

import (
	"context"
	"encoding/json"

	"github.com/rollcall-sync/rollcall/domain"
)

// Member is a member of a group, with the name it goes by.
type Member struct {
	ID      string
	Type    string // User or Group; "" for an id that names nobody
	Display string // displayName, else userName
}

// Members lists the members of a group of a directory in the order of their ids. Members that name nobody in the directory are not shown.
func (m *ReadModel) Members(ctx context.Context, directory, group string) ([]Member, error) {
	return all(ctx, m, scope(directory), scanMember, memberQuery+`AND (u.id IS NOT NULL OR g.id IS NOT NULL) ORDER BY m.member`, group, directory)
}

// MembersAfter lists at most so many members, from the one after the id given, also those that name nobody in the directory: their type is "".
func (m *ReadModel) MembersAfter(ctx context.Context, directory, group, after string, limit int) ([]Member, error) {
	return all(ctx, m, scope(directory), scanMember, memberQuery+`AND m.member > ? ORDER BY m.member LIMIT ?`, group, directory, after, limit)
}

const memberQuery = `SELECT m.member,
		CASE WHEN u.id IS NOT NULL THEN 'User' WHEN g.id IS NOT NULL THEN 'Group' ELSE '' END,
		coalesce(u.attributes ->> '$.displayName', u.attributes ->> '$.userName', g.attributes ->> '$.displayName', '')
	FROM groups o
	CROSS JOIN members m ON m.grp = o.seq
	LEFT JOIN users u ON u.id = m.member AND u.directory = o.directory
	LEFT JOIN groups g ON g.id = m.member AND g.directory = o.directory
	WHERE o.id = ? AND o.directory = ? `

func scanMember(r row) (Member, error) {
	var m Member
	err := r.Scan(&m.ID, &m.Type, &m.Display)
	return m, err
}

func scanStanding(r row) (domain.Member, error) {
	var m domain.Member
	err := r.Scan(&m.ID, &m.Type)
	return m, err
}

// StandingAll are all ids that are members of the group of the directory, also those that name nobody.
func (m *ReadModel) StandingAll(ctx context.Context, directory, group string) ([]domain.Member, error) {
	return all(ctx, m, scope(directory), scanStanding, `SELECT m.member, m.type FROM groups g CROSS JOIN members m ON m.grp = g.seq WHERE g.id = ? AND g.directory = ? ORDER BY m.member`, group, directory)
}

// Standing are those of the ids that are members of the group of the directory. Its cost follows the ids, not the group.
func (m *ReadModel) Standing(ctx context.Context, directory, group string, ids []string) ([]domain.Member, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	return all(ctx, m, scope(directory), scanStanding, `SELECT m.member, m.type FROM groups g CROSS JOIN json_each(?) i CROSS JOIN members m ON m.grp = g.seq AND m.member = i.value
		WHERE g.id = ? AND g.directory = ? ORDER BY m.member`, string(list), group, directory)
}

// Membership is a group that a user or a group is in: by itself, or through groups that are in it (RFC 7643 §4.1.2: direct, indirect).
type Membership struct {
	Member, Group, Display string
	Direct                 bool
}

// Memberships are the groups of the directory that the ids are in, by member, in the order of the groups' creation. Groups that
// are in each other are each in both.
func (m *ReadModel) Memberships(ctx context.Context, directory string, ids []string) (map[string][]Membership, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	found, err := all(ctx, m, grouping(directory), func(r row) (Membership, error) {
		var g Membership
		err := r.Scan(&g.Member, &g.Group, &g.Display, &g.Direct)
		return g, err
	}, `WITH RECURSIVE up (member, seq, id) AS (
			SELECT m.member, g.seq, g.id FROM json_each(?1) i CROSS JOIN members m ON m.member = i.value
				CROSS JOIN groups g ON g.seq = m.grp AND g.directory = ?2
			UNION
			SELECT up.member, g.seq, g.id FROM up CROSS JOIN members m ON m.member = up.id
				CROSS JOIN groups g ON g.seq = m.grp AND g.directory = ?2)
		SELECT up.member, g.id, g.attributes ->> '$.displayName',
			EXISTS (SELECT 1 FROM members WHERE grp = g.seq AND member = up.member)
		FROM up CROSS JOIN groups g ON g.seq = up.seq ORDER BY up.member, g.place`, string(list), directory)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]Membership, len(ids))
	for _, g := range found {
		out[g.Member] = append(out[g.Member], g)
	}
	return out, nil
}

// MembershipsOf are those of one member.
func (m *ReadModel) MembershipsOf(ctx context.Context, directory, id string) ([]Membership, error) {
	if err := m.fresh(ctx, grouping(directory)); err != nil {
		return nil, err
	}
	return m.memos.memberships.get(directory+"/"+id, func() ([]Membership, error) {
		in, err := m.Memberships(ctx, directory, []string{id})
		return in[id], err
	})
}

// shown is the condition that the member m names a user or a group of the directory of its group g.
const shown = `(EXISTS (SELECT 1 FROM users WHERE id = m.member AND directory = g.directory)
	OR EXISTS (SELECT 1 FROM groups WHERE id = m.member AND directory = g.directory))`
