package projections

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
)

// applyImport remembers an import of all or nothing until it has ended.
func applyImport(b *batch, id string, s Stored) error {
	switch s.Event.(type) {
	case domain.ImportBegun:
		meta, err := domain.EncodeMeta(s.Meta)
		if err != nil {
			return err
		}
		return b.exec(`INSERT INTO imports (id, meta) VALUES (?, ?)`, id, string(meta))
	case domain.ImportCompleted, domain.ImportTakenBack:
		return b.exec(`DELETE FROM imports WHERE id = ?`, id)
	}
	return nil
}

// UnendedImport is an import of all or nothing that has begun and not ended.
type UnendedImport struct {
	ID   string
	Meta domain.Meta // of its beginning
}

// UnendedImports lists the oldest ones, at most so many, and a channel that closes when there may be others. It does not wait: what is still to come is told by
// the channel.
func (m *ReadModel) UnendedImports(ctx context.Context, limit int) ([]UnendedImport, <-chan struct{}, error) {
	_, moved, _ := m.progress.now()
	found, err := rowsOf(ctx, m.db.read, func(r row) (i UnendedImport, err error) {
		var meta []byte
		if err := r.Scan(&i.ID, &meta); err != nil {
			return i, err
		}
		i.Meta, err = domain.DecodeMeta(meta)
		return i, err
	}, `SELECT id, meta FROM imports ORDER BY id LIMIT ?`, limit)
	return found, moved, err
}
