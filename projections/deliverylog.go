package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Logged is a delivery as the delivery log shows it, open or ended.
type Logged struct {
	Delivery
	ID       string // the webhook-id, and behind a dot the replay's id if it is one of a replay
	State    DeliveryState
	Position string // of the event in the log
	Made     time.Time
	Ended    time.Time // zero while it is open
	Body     json.RawMessage
	Attempts []Attempt // the first of all first
}

// DeliveryState is how a delivery stands.
type DeliveryState string

// The states of deliveries.
const (
	StatePending   DeliveryState = "pending"
	StateDelivered DeliveryState = "delivered"
	StateFailed    DeliveryState = "failed"
	StateCancelled DeliveryState = "cancelled"
)

func shownState(stored string) DeliveryState {
	if stored == "ready" || stored == "waiting" {
		return StatePending
	}
	return DeliveryState(stored)
}

// DeliveryID is the id of a delivery in a lane.
func DeliveryID(webhookID, lane string) string {
	if lane == live {
		return webhookID
	}
	return webhookID + "." + lane
}

// SplitDelivery is the webhook-id and the lane in the id of a delivery.
func SplitDelivery(id string) (webhookID, lane string) {
	webhookID, lane, _ = strings.Cut(id, ".")
	return webhookID, lane
}

const (
	loggedColumns = `SELECT d.seq, d.endpoint, d.lane, d.queue, d.event, d.subject, d.webhook_id, d.tries, d.first_try, d.last_try, d.next, d.type,
		d.state, m.position, m.body, d.made, d.ended `
	loggedOne = loggedColumns + `FROM deliveries d JOIN messages m ON m.event = d.event WHERE d.webhook_id = ? AND d.lane = ?`
)

func scanLogged(r row) (Logged, error) {
	var l Logged
	var event, body []byte
	var state string
	var first, last, next, made, ended int64
	err := r.Scan(&l.Seq, &l.Endpoint, &l.Lane, &l.Queue, &event, &l.Subject, &l.WebhookID, &l.Tries, &first, &last, &next, &l.Type, &state, &l.Position, &body, &made, &ended)
	copy(l.Event[:], event)
	l.Body = body
	l.ID, l.State = DeliveryID(l.WebhookID, l.Lane), shownState(state)
	l.FirstTry, l.LastTry, l.Next, l.Made, l.Ended = fromMillis(first), fromMillis(last), fromMillis(next), fromMillis(made), fromMillis(ended)
	return l, err
}

// Logged finds a delivery by its id, of whichever endpoint.
func (o *Outbox) Logged(ctx context.Context, id string) (Logged, error) {
	webhookID, lane := SplitDelivery(id)
	found, err := rowsOf(ctx, o.db.read, scanLogged, loggedOne, webhookID, lane)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Logged{}, err
	}
	return found[0], o.addAttempts(ctx, found[:1])
}

// addAttempts reads the attempts of deliveries by one query.
func (o *Outbox) addAttempts(ctx context.Context, of []Logged) error {
	seqs, at := make([]int64, len(of)), make(map[int64]int, len(of))
	for i, l := range of {
		seqs[i], at[l.Seq] = l.Seq, i
	}
	list, err := json.Marshal(seqs)
	if err != nil {
		return err
	}
	type attempt struct {
		delivery int64
		Attempt
	}
	found, err := rowsOf(ctx, o.db.read, func(r row) (a attempt, err error) {
		var when, duration int64
		err = r.Scan(&a.delivery, &when, &duration, &a.Status, &a.Answer, &a.Error)
		a.At, a.Duration = fromMillis(when), time.Duration(duration)*time.Millisecond
		return a, err
	}, `SELECT a.delivery, a.at, a.duration, a.status, a.answer, a.error FROM json_each(?) s CROSS JOIN attempts a ON a.delivery = s.value ORDER BY a.delivery, a.nth`, string(list))
	if err != nil {
		return fmt.Errorf("read the attempts: %w", err)
	}
	for _, a := range found {
		of[at[a.delivery]].Attempts = append(of[at[a.delivery]].Attempts, a.Attempt)
	}
	return nil
}

// Backlog is what an endpoint has yet to be sent.
type Backlog struct {
	Endpoint string
	Open     int
	Oldest   time.Time // when the oldest of it was made
}

// Backlogs tells of each endpoint that has one. Its cost follows the endpoints, not the deliveries.
func (o *Outbox) Backlogs(ctx context.Context) ([]Backlog, error) {
	return rowsOf(ctx, o.db.read, func(r row) (b Backlog, err error) {
		var oldest int64
		err = r.Scan(&b.Endpoint, &b.Open, &oldest)
		b.Oldest = fromMillis(oldest)
		return b, err
	}, `SELECT t.endpoint, sum(t.n), coalesce((SELECT d.made FROM deliveries d WHERE d.endpoint = t.endpoint AND `+standing+` = 'ready' ORDER BY d.seq LIMIT 1), 0)
		FROM tallies t WHERE t.state IN ('ready', 'waiting') AND t.n > 0 GROUP BY t.endpoint`)
}

// DeliveryCounts is how many deliveries stand in each state.
type DeliveryCounts struct{ Open, Delivered, Failed int }

// Counts counts the deliveries of all endpoints.
func (o *Outbox) Counts(ctx context.Context) (DeliveryCounts, error) {
	c, err := first(ctx, o.db.read, func(r row) (c DeliveryCounts, err error) { return c, r.Scan(&c.Open, &c.Delivered, &c.Failed) },
		`SELECT coalesce(sum(n) FILTER (WHERE state IN ('ready', 'waiting')), 0), coalesce(sum(n) FILTER (WHERE state = 'delivered'), 0),
			coalesce(sum(n) FILTER (WHERE state = 'failed'), 0) FROM totals`)
	if err != nil {
		return DeliveryCounts{}, fmt.Errorf("count the deliveries: %w", err)
	}
	return c, nil
}
