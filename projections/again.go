package projections

// What is asked for by hand of deliveries: again, or not any more.

// resend asks for one delivery again that has ended.
func resend(b *batch, endpoint, queue, delivery string) error {
	webhookID, lane := SplitDelivery(delivery)
	var seqs string
	if _, err := b.row(`SELECT json_group_array(seq) FROM deliveries WHERE endpoint = ? AND webhook_id = ? AND lane = ? AND state IN ('delivered', 'failed', 'cancelled')`,
		[]any{endpoint, webhookID, lane}, &seqs); err != nil {
		return err
	}
	return again(b, endpoint, queue, seqs, 0)
}

// again puts those of the deliveries that ended at a time or later into a queue behind what is there, where each begins anew: the first of a subject
// ready, the others behind it.
func again(b *batch, endpoint, queue, seqs string, since int64) error {
	if err := b.exec(`UPDATE deliveries SET queue = ?, state = 'waiting', tries = 0, first_try = 0, last_try = 0, next = 0, ended = 0
		WHERE seq IN (SELECT value FROM json_each(?)) AND ended >= ?`, queue, seqs, since); err != nil {
		return err
	}
	return b.exec(`UPDATE deliveries SET state = 'ready' WHERE seq IN (SELECT value FROM json_each(?1)) AND queue = ?2 AND state = 'waiting'
		AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.endpoint = ?3 AND e.queue = ?2 AND e.subject = deliveries.subject AND e.seq < deliveries.seq AND e.state IN ('ready', 'waiting'))`,
		seqs, queue, endpoint)
}

// cancelDelivery gives up a delivery that has not ended; the next of its subject is ready.
func cancelDelivery(b *batch, endpoint, delivery string, at int64) error {
	webhookID, lane := SplitDelivery(delivery)
	var queue, subject, state string
	found, err := b.row(`SELECT queue, subject, state FROM deliveries WHERE endpoint = ? AND webhook_id = ? AND lane = ? AND state IN ('ready', 'waiting')`,
		[]any{endpoint, webhookID, lane}, &queue, &subject, &state)
	if err != nil || !found {
		return err
	}
	if err := b.exec(`UPDATE deliveries SET state = 'cancelled', ended = ? WHERE endpoint = ? AND webhook_id = ? AND lane = ?`, at, endpoint, webhookID, lane); err != nil {
		return err
	}
	if state == "ready" {
		if err := wakeNext(b, endpoint, queue, subject); err != nil {
			return err
		}
	}
	return endReplay(b, lane, fromMillis(at))
}
