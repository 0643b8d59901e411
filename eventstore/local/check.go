package local

import (
	"context"
	"fmt"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Check reads the whole log as it stands: what SQLite finds of the file, each record with its checksum and its place, and each stream's versions. told is
// called with how many records of all are read. Damage that has a place is a *eventstore.DamagedError.
func (r *Reader) Check(ctx context.Context, told func(done, all uint64)) error {
	head, err := r.pages.head(ctx)
	if err != nil {
		return err
	}
	if err := r.answers(ctx, "PRAGMA integrity_check(1)", "ok", "SQLite finds that"); err != nil {
		return err
	}
	read := uint64(0)
	for _, err := range r.pages.all(ctx, eventstore.Position{}) {
		if err != nil {
			return err
		}
		read++
		told(read, max(read, head))
	}
	return r.answers(ctx, "SELECT stream FROM records GROUP BY stream HAVING count(*) <> max(version) LIMIT 1", "", "versions are missing of the stream")
}

// answers asks a query whose answer tells of damage, if it is not the one that is wanted.
func (r *Reader) answers(ctx context.Context, sql, want, what string) error {
	return r.pages.pool.use(ctx, func(s *session) error {
		defer s.conn.SetInterrupt(s.conn.SetInterrupt(ctx))
		answer, err := text(s.conn, sql)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return trouble(err, 1)
		case answer != want:
			return fmt.Errorf("the log is damaged: %s %s; restore it from a backup", what, answer)
		}
		return nil
	})
}
