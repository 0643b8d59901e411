package projections

import (
	"context"
	"fmt"
	"strconv"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// tenure is the number of a server's time as the one that delivers: its records stand in the stream deliveries-<number>. What a server still tells
// after another has begun a later one is passed over by all.
type tenure uint64

func tenureOf(r eventstore.Record) (tenure, error) {
	_, id := SplitStream(r.Stream)
	n, err := strconv.ParseUint(id, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("the stream %s is that of no tenure", r.Stream)
	}
	return tenure(n), nil
}

// over tells whether a later tenure has begun, and keeps that this one has if not.
func (t tenure) over(b *batch) (bool, error) {
	var latest int64
	if _, err := b.row(`SELECT number FROM tenure`, nil, &latest); err != nil || int64(t) < latest {
		return true, err
	}
	return false, b.exec(`INSERT INTO tenure (one, number) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET number = excluded.number`, int64(t))
}

// Tenure is the number of the last tenure that has begun, 0 if none has.
func (o *Outbox) Tenure(ctx context.Context) (uint64, error) {
	n, err := counted(ctx, o.db.read, `SELECT coalesce(max(number), 0) FROM tenure`)
	return uint64(n), err
}
