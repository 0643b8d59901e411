package projections

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// ErrOtherLog tells that a file was made from another log than the one it is opened with. Positions of one log mean
// nothing in another.
var ErrOtherLog = errors.New("the file was made from another log")

// checkpoint reads how far the file has come. It answers ErrOtherLog if that is in another log.
func (d *database) checkpoint() (eventstore.Position, error) {
	var text, log string
	err := d.read.QueryRow(`SELECT position, log FROM checkpoint`).Scan(&text, &log)
	if errors.Is(err, sql.ErrNoRows) {
		return eventstore.Position{}, nil
	}
	if err != nil {
		return eventstore.Position{}, fmt.Errorf("read the checkpoint of %s: %w", d.path, err)
	}
	if log != d.log {
		return eventstore.Position{}, fmt.Errorf("open %s: %w", d.path, ErrOtherLog)
	}
	return eventstore.ParsePosition(text)
}

// reached moves the checkpoint.
func (b *batch) reached(position eventstore.Position) error {
	return b.exec(`INSERT INTO checkpoint (one, position, log) VALUES (1, ?, ?)
		ON CONFLICT (one) DO UPDATE SET position = excluded.position, log = excluded.log`, position.String(), b.db.log)
}
