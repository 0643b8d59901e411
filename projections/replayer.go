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

// Replayer makes the deliveries of replays, few at a time and no faster than each replay's rate, and goes on with recoveries. How far it has come is
// written with them, so that a restart goes on there.
type Replayer struct {
	outbox  *Outbox
	log     Past
	journal Journal
	logger  *slog.Logger
}

// A Journal is the log that several servers share. What one of them does with replays and recoveries is told there, and every outbox, its own too, follows.
type Journal interface {
	// Replayed tells that the deliveries of a replay are to be made up to a position, and returns when this outbox has made them.
	Replayed(ctx context.Context, replay string, reached eventstore.Position) error
	// Recovered tells of a step of a recovery, and returns when this outbox has taken it.
	Recovered(ctx context.Context, step domain.DeliveriesRecovered) error
}

// NewReplayer makes a Replayer; without a journal it makes deliveries in this outbox alone. Nothing is made before Run.
func NewReplayer(outbox *Outbox, log Past, journal Journal, logger *slog.Logger) *Replayer {
	return &Replayer{outbox, log, journal, logger}
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
		wait, err := r.round(ctx, paces)
		if err != nil && ctx.Err() == nil {
			r.logger.LogAttrs(ctx, slog.LevelError, "replays and recoveries cannot go on for now and are tried again", slog.Duration("pause", pause), slog.String("error", err.Error()))
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
		case <-r.outbox.replay:
		case <-ctx.Done():
			return nil
		}
	}
}

// round goes on with each recovery and each replay that runs, and tells how soon another one is needed if nothing happens before; 0 is never.
func (r *Replayer) round(ctx context.Context, paces map[string]*pace) (time.Duration, error) {
	var soonest time.Duration
	var failed error // one that cannot go on keeps none of the others
	recoveries, err := r.outbox.recoveries(ctx)
	if err != nil {
		return 0, err
	}
	for _, c := range recoveries {
		failed = errors.Join(failed, r.recover(ctx, c))
		soonest = time.Nanosecond
	}
	running, err := r.outbox.replaying(ctx)
	if err != nil {
		return 0, err
	}
	still := map[string]bool{}
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
			return 0, nil // its end comes with theirs
		}
		return 0, r.make(ctx, p, p.Reached, nil) // of an empty range
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
	if err := r.make(ctx, p, next, messages); err != nil {
		at.changes.Forget()
		return 0, err
	}
	return time.Nanosecond, nil
}

// read finds the next messages, at most so many, and the position up to which that is.
func (r *Replayer) read(ctx context.Context, p Replay, changes *Changes, most int) (eventstore.Position, []outgoing, error) {
	t, there := r.outbox.endpoints.target(p.Endpoint)
	if !there {
		return p.Reached, nil, nil // it is being deleted
	}
	wants := p.wants(t)
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
			one, err := replayed(record, *m)
			if err != nil {
				return reached, nil, err
			}
			out = append(out, one)
		}
		if len(out) == most || records == replayRecords {
			return reached, out, nil
		}
	}
	return p.Until, out, nil // the log ends there
}

// make makes deliveries of a replay: here, or in every outbox by way of the log.
func (r *Replayer) make(ctx context.Context, p Replay, reached eventstore.Position, messages []outgoing) error {
	if r.journal != nil {
		return r.journal.Replayed(ctx, p.ID, reached)
	}
	err := r.outbox.db.update(ctx, func(b *batch) error { return makeReplayed(b, p, reached, messages, time.Now()) })
	if err == nil && len(messages) > 0 {
		r.outbox.endpoints.more(p.Endpoint)
	}
	return err
}
