package projections

import (
	"context"
	"encoding/json"

	"github.com/rollcall-sync/rollcall/domain"
)

// applyGone remembers that a user or a group was deleted, and the groups that it is still a member of.
func applyGone(b *batch, id, directory string, s Stored) error {
	meta := s.Meta
	meta.CausationID = s.ID.String()
	encoded, err := domain.EncodeMeta(meta)
	if err != nil {
		return err
	}
	if err := b.exec(`INSERT INTO gone (id, directory, meta) VALUES (?, ?, ?)`, id, directory, string(encoded)); err != nil {
		return err
	}
	return b.exec(`INSERT INTO leaving (grp, member) SELECT g.seq, m.member FROM members m CROSS JOIN groups g ON g.seq = m.grp
		WHERE m.member = ? AND g.directory = ?`, id, directory)
}

// Gone are those of the ids that were users or groups of the directory and were deleted.
func (m *ReadModel) Gone(ctx context.Context, directory string, ids []string) (map[string]bool, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	found, err := all(ctx, m, scope(directory), func(r row) (id string, err error) { return id, r.Scan(&id) },
		`SELECT g.id FROM json_each(?) i CROSS JOIN gone g ON g.id = i.value WHERE g.directory = ?`, string(list), directory)
	if err != nil {
		return nil, err
	}
	out := make(map[string]bool, len(found))
	for _, id := range found {
		out[id] = true
	}
	return out, nil
}

// Leaving is a member that is gone while its group still has it.
type Leaving struct {
	Directory, Group, Member string
	Meta                     domain.Meta // of the deletion, with its event as the cause
}

// Leaving lists such members, at most so many, and a channel that closes when there may be others. It does not wait: what is still
// to come is told by the channel.
func (m *ReadModel) Leaving(ctx context.Context, limit int) ([]Leaving, <-chan struct{}, error) {
	_, moved, _ := m.progress.now()
	found, err := rowsOf(ctx, m.db.read, func(r row) (l Leaving, err error) {
		var meta []byte
		if err := r.Scan(&l.Directory, &l.Group, &l.Member, &meta); err != nil {
			return l, err
		}
		l.Meta, err = domain.DecodeMeta(meta)
		return l, err
	}, `SELECT g.directory, g.id, l.member, gone.meta FROM leaving l CROSS JOIN groups g ON g.seq = l.grp CROSS JOIN gone ON gone.id = l.member LIMIT ?`, limit)
	return found, moved, err
}
