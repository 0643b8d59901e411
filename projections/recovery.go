package projections

import (
	"context"
	"fmt"

	"github.com/rollcall-sync/rollcall/domain"
)

// recoverTogether is how many deliveries are asked for again in one transaction: outcomes and new messages wait for no more.
const recoverTogether = 256

// recovery asks for all deliveries to an endpoint again that were given up at a time or later, in their order. They stand in a queue of their own,
// apart from what is live. A Replayer asks for them step by step, up to the delivery that was the last one when the recovery was asked for.
type recovery struct {
	queue, endpoint       string
	since, reached, until int64
}

// beginRecovery keeps that deliveries are to be recovered.
func beginRecovery(b *batch, endpoint, queue string, since int64) error {
	return b.exec(`INSERT INTO recoveries (queue, endpoint, since, reached, until)
		SELECT ?1, ?2, ?3, 0, coalesce(max(seq), 0) FROM deliveries WHERE endpoint = ?2`, queue, endpoint, since)
}

// recoveries are those that have not ended, the oldest first.
func (o *Outbox) recoveries(ctx context.Context) ([]recovery, error) {
	return rowsOf(ctx, o.db.read, func(r row) (c recovery, err error) {
		return c, r.Scan(&c.queue, &c.endpoint, &c.since, &c.reached, &c.until)
	}, `SELECT queue, endpoint, since, reached, until FROM recoveries ORDER BY queue`)
}

const recoveredNext = `SELECT webhook_id, lane FROM deliveries WHERE endpoint = ? AND ` + standing + ` = 'failed' AND seq > ? AND seq <= ? ORDER BY seq LIMIT 1 OFFSET ?`

// step is the next step of a recovery. It names a delivery by its id: servers that share a log have it in different places.
func (o *Outbox) step(ctx context.Context, c recovery) (domain.DeliveriesRecovered, error) {
	step := domain.DeliveriesRecovered{Endpoint: c.endpoint, Recovery: c.queue}
	last, err := rowsOf(ctx, o.db.read, func(r row) (id string, err error) {
		var webhookID, lane string
		err = r.Scan(&webhookID, &lane)
		return DeliveryID(webhookID, lane), err
	}, recoveredNext, c.endpoint, c.reached, c.until, recoverTogether-1)
	if len(last) > 0 {
		step.Reached = last[0]
	}
	return step, err
}

// recoverStep takes a step of a recovery. An outbox that began later may not have the delivery that it ends with: then it has none of those before it either.
func recoverStep(b *batch, step domain.DeliveriesRecovered) error {
	c := recovery{queue: step.Recovery, endpoint: step.Endpoint}
	there, err := b.row(`SELECT since, reached, until FROM recoveries WHERE queue = ? AND endpoint = ?`, []any{c.queue, c.endpoint}, &c.since, &c.reached, &c.until)
	if err != nil || !there {
		return err
	}
	last := c.until
	if step.Reached != "" {
		webhookID, lane := SplitDelivery(step.Reached)
		if there, err = b.row(`SELECT seq FROM deliveries WHERE webhook_id = ? AND lane = ?`, []any{webhookID, lane}, &last); err != nil || !there {
			return err
		}
	}
	var seqs string
	if _, err := b.row(`SELECT json_group_array(seq) FROM deliveries WHERE endpoint = ? AND `+standing+` = 'failed' AND seq > ? AND seq <= ?`,
		[]any{c.endpoint, c.reached, last}, &seqs); err != nil {
		return err
	}
	if err := again(b, c.endpoint, c.queue, seqs, c.since); err != nil {
		return err
	}
	if step.Reached == "" {
		return b.exec(`DELETE FROM recoveries WHERE queue = ?`, c.queue)
	}
	return b.exec(`UPDATE recoveries SET reached = ? WHERE queue = ?`, last, c.queue)
}

// recover goes a step on with a recovery: here, or in every outbox by way of the log. How far it has come is written with it, so that a restart goes on there.
func (r *Replayer) recover(ctx context.Context, c recovery) error {
	step, err := r.outbox.step(ctx, c)
	if err != nil {
		return err
	}
	if r.journal != nil {
		return r.journal.Recovered(ctx, step)
	}
	if err := r.outbox.db.update(ctx, func(b *batch) error { return recoverStep(b, step) }); err != nil {
		return fmt.Errorf("recover the deliveries to %s: %w", c.endpoint, err)
	}
	r.outbox.endpoints.more(c.endpoint)
	return nil
}
