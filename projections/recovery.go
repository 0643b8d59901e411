package projections

import (
	"context"
	"fmt"
)

// recoverTogether is how many deliveries are asked for again in one transaction: outcomes and new messages wait for no more.
const recoverTogether = 256

// recovery asks for all deliveries to an endpoint again that were given up at a time or later, in their order. They stand in a queue of their own,
// apart from what is live. Which they are is found step by step, up to the delivery that was the last one when it was asked for.
type recovery struct {
	queue, endpoint       string
	since, reached, until int64
}

// recoverSince begins a recovery with a first step; a Replayer goes on with it.
func recoverSince(b *batch, endpoint, queue string, since int64) error {
	r := recovery{queue: queue, endpoint: endpoint, since: since}
	if _, err := b.row(`SELECT coalesce(max(seq), 0) FROM deliveries WHERE endpoint = ?`, []any{endpoint}, &r.until); err != nil {
		return err
	}
	if err := b.exec(`INSERT INTO recoveries (queue, endpoint, since, reached, until) VALUES (?, ?, ?, ?, ?)`, r.queue, r.endpoint, r.since, r.reached, r.until); err != nil {
		return err
	}
	return r.step(b)
}

// step asks for the next deliveries again, and ends the recovery if they are the last ones.
func (r recovery) step(b *batch) error {
	var seqs string
	var found int
	if _, err := b.row(`SELECT json_group_array(seq), count(*), coalesce(max(seq), 0) FROM (SELECT seq FROM deliveries
		WHERE endpoint = ? AND `+standing+` = 'failed' AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?)`,
		[]any{r.endpoint, r.reached, r.until, recoverTogether}, &seqs, &found, &r.reached); err != nil {
		return err
	}
	if err := again(b, r.endpoint, r.queue, seqs, r.since); err != nil {
		return err
	}
	if found < recoverTogether {
		return b.exec(`DELETE FROM recoveries WHERE queue = ?`, r.queue)
	}
	return b.exec(`UPDATE recoveries SET reached = ? WHERE queue = ?`, r.reached, r.queue)
}

// recoveries are those that have not ended, the oldest first.
func (o *Outbox) recoveries(ctx context.Context) ([]recovery, error) {
	return rowsOf(ctx, o.db.read, func(r row) (c recovery, err error) {
		return c, r.Scan(&c.queue, &c.endpoint, &c.since, &c.reached, &c.until)
	}, `SELECT queue, endpoint, since, reached, until FROM recoveries ORDER BY queue`)
}

// recover goes a step on with a recovery. How far it came is written with it, so that a restart goes on there.
func (o *Outbox) recover(ctx context.Context, r recovery) error {
	if err := o.db.update(ctx, r.step); err != nil {
		return fmt.Errorf("recover the deliveries to %s: %w", r.endpoint, err)
	}
	o.endpoints.more(r.endpoint)
	return nil
}
