package projections

import (
	"context"
	"fmt"
)

// Begun tells whether the outbox knows how far it has come; a file that is new does not.
func (o *Outbox) Begun(ctx context.Context) (bool, error) {
	var n int
	if err := o.db.read.QueryRowContext(ctx, `SELECT count(*) FROM checkpoint`).Scan(&n); err != nil {
		return false, fmt.Errorf("read the checkpoint of %s: %w", o.db.path, err)
	}
	return n > 0, nil
}
