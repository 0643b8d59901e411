package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"golang.org/x/time/rate"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

const (
	replayWindow  = 256  // deliveries of a replay that are open at a time, or a second's: what is live never waits behind more
	replayRecords = 4096 // records of the log that are read before what was found is written
)

// Replayer makes the deliveries of replays, few at a time and no faster than each replay's rate. How far it has come is written with them, so that a
// restart goes on there.
type Replayer struct {
	outbox *Outbox
	log    Past
	logger *slog.Logger
}

// NewReplayer makes a Replayer. Nothing is made before Run.
func NewReplayer(outbox *Outbox, log Past, logger *slog.Logger) *Replayer {
	return &Replayer{outbox, log, logger}
}

// pace is what is kept in memory of a replay that runs.
type pace struct {
	changes *Changes
	limiter *rate.Limiter
}

// Run makes deliveries until the context ends.
func (r *Replayer) Run(ctx context.Context) error {
	paces := map[string]*pace{}
	pause := firstPause
	for {
		_, news := r.outbox.Targets()
		wait, err := r.round(ctx, paces)
		if err != nil && ctx.Err() == nil {
			r.logger.LogAttrs(ctx, slog.LevelError, "replays cannot go on for now and are tried again", slog.Duration("pause", pause), slog.String("error", err.Error()))
			wait, pause = pause, min(2*pause, longestPause)
		} else {
			pause = firstPause
		}
		var timer <-chan time.Time
		if wait > 0 {
			timer = time.After(wait)
		}
		select {
		case <-timer:
		case <-news:
		case <-r.outbox.freed:
		case <-ctx.Done():
			return nil
		}
	}
}

// round goes on with each replay that runs, and tells how soon another one is needed if nothing happens before; 0 is never.
func (r *Replayer) round(ctx context.Context, paces map[string]*pace) (time.Duration, error) {
	running, err := r.outbox.replaying(ctx)
	if err != nil {
		return 0, err
	}
	still := map[string]bool{}
	var soonest time.Duration
	var failed error // one that cannot go on keeps none of the others
	for _, p := range running {
		still[p.ID] = true
		if paces[p.ID] == nil {
			changes, err := NewChanges(r.log)
			if err != nil {
				return 0, err
			}
			paces[p.ID] = &pace{changes, rate.NewLimiter(rate.Limit(p.RateLimit), max(1, p.RateLimit/10))}
		}
		wait, err := r.step(ctx, p, paces[p.ID])
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("replay %s: %w", p.ID, err))
		}
		if wait > 0 && (soonest == 0 || wait < soonest) {
			soonest = wait
		}
	}
	maps.DeleteFunc(paces, func(id string, _ *pace) bool { return !still[id] })
	return soonest, failed
}

// step makes the next deliveries of a replay, and tells when to come back; 0 once there is news.
func (r *Replayer) step(ctx context.Context, p Replay, at *pace) (time.Duration, error) {
	if p.Reached == p.Until {
		if p.Open > 0 {
			return 0, nil
		}
		return 0, r.outbox.endReplay(ctx, p.ID, time.Now())
	}
	room := min(replayWindow, p.RateLimit) - p.Open
	if room <= 0 {
		return 0, nil
	}
	now := time.Now()
	tokens := int(at.limiter.TokensAt(now))
	if tokens < 1 {
		return time.Second / time.Duration(p.RateLimit), nil
	}
	next, messages, err := r.read(ctx, p, at.changes, min(room, tokens))
	if err != nil {
		at.changes.Forget() // records come again
		return 0, err
	}
	at.limiter.ReserveN(now, len(messages))
	if err := r.outbox.makeReplayed(ctx, p, next, messages); err != nil {
		at.changes.Forget()
		return 0, err
	}
	return time.Nanosecond, nil
}

// read finds the next messages, at most so many, and the position up to which that is.
func (r *Replayer) read(ctx context.Context, p Replay, changes *Changes, most int) (eventstore.Position, []outgoing, error) {
	t, there := r.outbox.targets()[p.Endpoint]
	if !there {
		return p.Reached, nil, nil // it is being deleted
	}
	wants := func(kind, organization string) bool {
		return t.State.Selects(kind, organization) && domain.Wanted(p.EventCodes, kind)
	}
	var out []outgoing
	reached, records := p.Reached, 0
	for record, err := range r.log.All(ctx, p.Reached) {
		if err != nil {
			return reached, nil, err
		}
		if p.Until.Before(record.Position) {
			return p.Until, out, nil
		}
		m, err := changes.Told(ctx, record, wants)
		if err != nil {
			return reached, nil, fmt.Errorf("turn %s at position %s into a message: %w", record.Type, record.Position, err)
		}
		reached, records = record.Position, records+1
		if m != nil {
			body, err := m.Body()
			if err != nil {
				return reached, nil, err
			}
			out = append(out, outgoing{record.ID, record.Position, m.Type, record.Stream, body, time.Now().UnixMilli()})
		}
		if len(out) == most || records == replayRecords {
			return reached, out, nil
		}
	}
	return p.Until, out, nil // the log ends there
}

// makeReplayed writes deliveries of a replay with how far it has come, unless it was cancelled meanwhile.
func (o *Outbox) makeReplayed(ctx context.Context, p Replay, reached eventstore.Position, messages []outgoing) error {
	err := o.db.update(ctx, func(b *batch) error {
		made := 0
		var id string
		running, err := b.row(`SELECT id FROM replays WHERE id = ? AND state = 'running'`, []any{p.ID}, &id)
		if err != nil || !running {
			return err
		}
		for _, m := range messages {
			n, err := m.enqueue(b, p.ID, []string{p.Endpoint})
			if err != nil {
				return err
			}
			made += n
		}
		return b.exec(`UPDATE replays SET reached = ?, made = made + ? WHERE id = ?`, reached.String(), made, p.ID)
	})
	if err == nil && len(messages) > 0 {
		o.more(p.Endpoint)
	}
	return err
}

func (o *Outbox) endReplay(ctx context.Context, id string, at time.Time) error {
	return o.db.update(ctx, func(b *batch) error {
		return b.exec(`UPDATE replays SET state = 'done', ended = ? WHERE id = ? AND state = 'running'`, millis(at), id)
	})
}
