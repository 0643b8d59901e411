package projections

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// Replay is a range of the past that is sent to an endpoint once more, and how far that has come.
type Replay struct {
	ID, Endpoint         string
	From, Until, Reached eventstore.Position // Reached: its deliveries up to there are made
	EventCodes           []string
	RateLimit            int // messages a second
	State                string
	Made, Open, Failed   int // deliveries: made so far, and of these not ended, and given up; those that are asked for again have not ended
	Requested, Ended     time.Time
}

// The states of replays.
const (
	ReplayRunning   = "running"
	ReplayDone      = "done"
	ReplayCancelled = "cancelled"
)

func beginReplay(b *batch, endpoint string, e domain.EndpointReplayRequested, at int64) error {
	codes, err := json.Marshal(e.EventCodes)
	if err != nil {
		return err
	}
	return b.exec(`INSERT INTO replays (id, endpoint, "from", until, event_codes, rate_limit, reached, state, requested) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?3, 'running', ?7) ON CONFLICT DO NOTHING`,
		e.Replay, endpoint, e.From, e.Until, string(codes), e.RateLimit, at)
}

// wants tells which messages the replay sends to its endpoint.
func (p Replay) wants(t Target) Wants {
	return func(kind, organization string) bool {
		return t.State.Selects(kind, organization) && domain.Wanted(p.EventCodes, kind)
	}
}

// replayed is a message of a replay, made now.
func replayed(r eventstore.Record, m Message) (outgoing, error) {
	body, err := m.Body()
	return outgoing{r.ID, r.Position, m.Type, r.Stream, body, time.Now().UnixMilli()}, err
}

// makeReplayed writes deliveries of a replay with how far it has come, unless it has ended meanwhile.
func makeReplayed(b *batch, p Replay, reached eventstore.Position, messages []outgoing, at time.Time) error {
	var id string
	running, err := b.row(`SELECT id FROM replays WHERE id = ? AND state = 'running'`, []any{p.ID}, &id)
	if err != nil || !running {
		return err
	}
	made := 0
	for _, m := range messages {
		n, err := m.enqueue(b, p.ID, p.ID, []string{p.Endpoint})
		if err != nil {
			return err
		}
		made += n
	}
	if err := b.exec(`UPDATE replays SET reached = ?, made = made + ? WHERE id = ?`, reached.String(), made, p.ID); err != nil {
		return err
	}
	return endReplay(b, p.ID, at)
}

// endReplay ends a replay that has made all its deliveries, if all of them have ended.
func endReplay(b *batch, id string, at time.Time) error {
	return b.exec(`UPDATE replays SET state = 'done', ended = ? WHERE id = ? AND state = 'running' AND reached = until
		AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint = replays.endpoint AND d.queue = replays.id AND d.state IN ('ready', 'waiting'))`, millis(at), id)
}

// cancelReplay ends a replay; what is under way may still arrive.
func cancelReplay(b *batch, endpoint, id string, at int64) error {
	if err := b.exec(`UPDATE replays SET state = 'cancelled', ended = ? WHERE id = ? AND endpoint = ? AND state = 'running'`, at, id, endpoint); err != nil {
		return err
	}
	return b.exec(`UPDATE deliveries SET state = 'cancelled', ended = ? WHERE endpoint = ? AND queue = ? AND state IN ('ready', 'waiting')`, at, endpoint, id)
}

const (
	replayColumns = `SELECT r.id, r.endpoint, r."from", r.until, r.reached, r.event_codes, r.rate_limit, r.state, r.made, r.failed, r.requested, r.ended, `
	replayShown   = replayColumns + `(SELECT count(*) FROM deliveries d WHERE d.lane = r.id AND d.lane > '' AND d.state IN ('ready', 'waiting')) FROM replays r `
	replayOne     = replayShown + `WHERE r.id = ?`
	// What is asked for again by hand holds up no replay that runs.
	replayRunning = replayColumns + `(SELECT count(*) FROM deliveries d WHERE d.endpoint = r.endpoint AND d.queue = r.id AND d.state IN ('ready', 'waiting')) FROM replays r
		WHERE r.state = 'running' ORDER BY r.id`
)

func scanReplay(r row) (Replay, error) {
	var p Replay
	var from, until, reached, codes string
	var requested, ended int64
	if err := r.Scan(&p.ID, &p.Endpoint, &from, &until, &reached, &codes, &p.RateLimit, &p.State, &p.Made, &p.Failed, &requested, &ended, &p.Open); err != nil {
		return p, err
	}
	for _, at := range []struct {
		text string
		into *eventstore.Position
	}{{from, &p.From}, {until, &p.Until}, {reached, &p.Reached}} {
		var err error
		if *at.into, err = eventstore.ParsePosition(at.text); err != nil {
			return p, err
		}
	}
	p.Requested, p.Ended = fromMillis(requested), fromMillis(ended)
	return p, json.Unmarshal([]byte(codes), &p.EventCodes)
}

// Replays lists the replays to endpoints, to all if those are nil, the newest first; page counts from 1.
func (o *Outbox) Replays(ctx context.Context, endpoints []string, page, perPage int) (Page[Replay], error) {
	var p Page[Replay]
	list, err := json.Marshal(endpoints) // null for all
	if err != nil {
		return p, err
	}
	const among = `WHERE (?1 = 'null' OR r.endpoint IN (SELECT value FROM json_each(?1))) `
	if p.Total, err = counted(ctx, o.db.read, `SELECT count(*) FROM replays r `+among, string(list)); err != nil {
		return p, err
	}
	p.Items, err = rowsOf(ctx, o.db.read, scanReplay, replayShown+among+`ORDER BY r.id DESC LIMIT ?2 OFFSET ?3`, string(list), perPage, (page-1)*perPage)
	return p, err
}

// Replay finds one by its id.
func (o *Outbox) Replay(ctx context.Context, id string) (Replay, error) {
	found, err := rowsOf(ctx, o.db.read, scanReplay, replayOne, id)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Replay{}, err
	}
	return found[0], nil
}

// Replaying is how many replays have not ended.
func (o *Outbox) Replaying(ctx context.Context) (int, error) {
	return counted(ctx, o.db.read, `SELECT count(*) FROM replays WHERE state = 'running'`)
}

// replaying are the replays that have not ended, the oldest first; what was asked of them again is not among their Open.
func (o *Outbox) replaying(ctx context.Context) ([]Replay, error) {
	return rowsOf(ctx, o.db.read, scanReplay, replayRunning)
}
