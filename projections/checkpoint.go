package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// ErrOtherLog tells that a file was made from another log than the one it is opened with. Positions of one log mean
// nothing in another.
var ErrOtherLog = errors.New("the file was made from another log")

// checkpoint reads how far the file has come. It answers ErrOtherLog if that is in another log.
func (d *database) checkpoint() (eventstore.Position, error) {
	type checkpoint struct{ position, log string }
	c, err := first(context.Background(), d.read, func(r row) (c checkpoint, err error) { return c, r.Scan(&c.position, &c.log) }, `SELECT position, log FROM checkpoint`)
	if errors.Is(err, ErrNotFound) {
		return eventstore.Position{}, nil
	}
	if err != nil {
		return eventstore.Position{}, fmt.Errorf("read the checkpoint of %s: %w", d.path, err)
	}
	if c.log != d.log {
		return eventstore.Position{}, fmt.Errorf("open %s: %w", d.path, ErrOtherLog)
	}
	return eventstore.ParsePosition(c.position)
}

// reached moves the checkpoint.
func (b *batch) reached(position eventstore.Position) error {
	return b.exec(`INSERT INTO checkpoint (one, position, log) VALUES (1, ?, ?)
		ON CONFLICT (one) DO UPDATE SET position = excluded.position, log = excluded.log`, position.String(), b.db.log)
}
