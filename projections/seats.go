package projections

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
)

// A seat stands as long as its user does: who is deleted leaves it, and so does everybody whose directory is. The row of the connection counts its seats.

// applySeat gives a seat to a user, unless it was deleted meanwhile.
func applySeat(b *batch, connection string, e domain.ConnectionSeatTaken) error {
	var n int
	taken, err := b.row(`INSERT INTO seats (connection, user, directory) SELECT ?, id, directory FROM users WHERE id = ? ON CONFLICT DO NOTHING RETURNING 1`, []any{connection, e.User}, &n)
	if err != nil || !taken {
		return err
	}
	return b.exec(`UPDATE connections SET seats = seats + 1 WHERE id = ?`, connection)
}

// freeSeats frees the seats of a user, or of all users of a directory: column names which of both.
func freeSeats(b *batch, column, id string) error {
	if err := b.exec(`UPDATE connections SET seats = seats - freed.n FROM (SELECT connection, count(*) AS n FROM seats WHERE `+column+` = ? GROUP BY connection) AS freed
		WHERE connections.id = freed.connection`, id); err != nil {
		return err
	}
	return b.exec(`DELETE FROM seats WHERE `+column+` = ?`, id)
}

// Seats tells how many seats of a connection are taken, and whether a user has one. The user is of the directory; a query about a stranger names none.
func (m *ReadModel) Seats(ctx context.Context, connection, directory, user string) (taken int, seated bool, err error) {
	if err := m.fresh(ctx, scope(directory)); err != nil { // who was deleted has left
		return 0, false, err
	}
	type seats struct {
		taken  int
		seated bool
	}
	found, err := one(ctx, m, rest, func(r row) (s seats, err error) { return s, r.Scan(&s.taken, &s.seated) },
		`SELECT seats, EXISTS (SELECT 1 FROM seats WHERE connection = c.id AND user = ?) FROM connections c WHERE id = ?`, user, connection)
	return found.taken, found.seated, err
}
