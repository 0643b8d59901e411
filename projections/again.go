package projections

// What is asked for by hand of deliveries: again, or not any more.

// recoverSince asks for all deliveries to an endpoint again that were given up at a time or later, in their order. They stand in a queue of
// their own, apart from what is live.
func recoverSince(b *batch, endpoint, queue string, since int64) error {
	return again(b, queue, `endpoint = ? AND state = 'failed' AND ended >= ?`, endpoint, since)
}

// resend asks for one delivery again that has ended.
func resend(b *batch, endpoint, queue, delivery string) error {
	webhookID, lane := SplitDelivery(delivery)
	return again(b, queue, `endpoint = ? AND webhook_id = ? AND lane = ? AND state IN ('delivered', 'failed', 'cancelled')`, endpoint, webhookID, lane)
}

// again puts deliveries that have ended into a queue, where each begins anew: the first of a subject ready, the others behind it.
func again(b *batch, queue, which string, args ...any) error {
	if err := b.exec(`UPDATE deliveries SET queue = ?, state = 'waiting', tries = 0, first_try = 0, last_try = 0, next = 0, ended = 0 WHERE `+which, append([]any{queue}, args...)...); err != nil {
		return err
	}
	return b.exec(`UPDATE deliveries SET state = 'ready' WHERE seq IN (SELECT min(seq) FROM deliveries
		WHERE endpoint = ? AND queue = ? AND state IN ('ready', 'waiting') GROUP BY subject)`, args[0], queue)
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
