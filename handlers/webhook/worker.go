package webhook

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"golang.org/x/time/rate"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// A worker delivers to one endpoint. Its loop owns all fields but mail; others only write to mail and wake it.
type worker struct {
	*Deliverer
	held    context.Context // while this process may send
	records *recorder
	wake    chan struct{}

	mu   sync.Mutex
	mail mail

	target  projections.Target
	limiter *rate.Limiter // of attempts
	health  *health
	stopped bool // its disabling was decided and the event is not yet seen

	fresh, again []projections.Delivery // read from the outbox, not yet sent
	more         bool                   // the outbox may hold due deliveries besides those
	soonest      time.Time              // when the next one becomes due, zero if none will
	busy         map[int64]int          // under way or not yet recorded: their rows look ready still; with backs as it was when they ended
	sending      int                    // of busy: under way
	retrying     int                    // of sending: tried before
	over         bool                   // the loop has ended
	shownDown    bool                   // the metrics count it as down
	pauses       *backoff.ExponentialBackOff
	readAt       time.Time // not before then is the outbox read again, after it could not be
	clock        drift
	backs        int  // how often the clock went back
	hasten       bool // since it did: what was put off is due at once
}

// mail is what a worker is told by others.
type mail struct {
	target   projections.Target
	changed  bool
	deleted  bool
	ended    []ended
	recorded []projections.Outcome
}

// ended is an attempt that is over.
type ended struct {
	delivery projections.Delivery
	ticket   ticket
	attempt  projections.Attempt
	answer   answer
	own      error // nothing was sent, for a reason of our own
}

func newWorker(d *Deliverer, held context.Context, records *recorder, t projections.Target) *worker {
	return &worker{Deliverer: d, held: held, records: records, wake: make(chan struct{}, 1), mail: mail{target: t}, target: t, limiter: limiterOf(t),
		more: true, busy: map[int64]int{}, pauses: ownPauses()}
}

// limiterOf spreads attempts evenly: a rate is not saved up.
func limiterOf(t projections.Target) *rate.Limiter {
	if t.State.RateLimit == 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(t.State.RateLimit), 1)
}

// concurrency is how many attempts the endpoint takes at a time.
func (w *worker) concurrency() int { return cmp.Or(w.target.State.Concurrency, w.config.Concurrency) }

func (w *worker) tell(f func(*mail)) {
	w.mu.Lock()
	f(&w.mail)
	w.mu.Unlock()
	signal(w.wake)
}

// change tells how the endpoint stands; the worker wakes only if that matters to it.
func (w *worker) change(t projections.Target) {
	w.mu.Lock()
	old := w.mail.target
	w.mu.Unlock()
	if old.Made != t.Made || wayOf(old) != wayOf(t) {
		w.tell(func(m *mail) { m.target, m.changed = t, true })
	}
}

// way is all of an endpoint that matters to how it is delivered to.
type way struct {
	url                             string
	key, previous                   domain.SigningKey
	until                           time.Time
	headers                         domain.Sealed
	rateLimit, concurrency, timeout int
	paused                          bool
	disabled                        string
	enabled                         int
}

func wayOf(t projections.Target) way {
	p := t.State
	return way{p.URL, p.Key, p.Previous, p.PreviousUntil, p.Headers, p.RateLimit, p.Concurrency, p.Timeout, p.Paused, p.Disabled, p.Enabled}
}

// moved tells whether messages reach the endpoint otherwise than before.
func moved(old, t projections.Target) bool {
	return old.State.URL != t.State.URL || old.State.Key != t.State.Key || old.State.Headers != t.State.Headers
}

// delete ends the worker when what is under way has ended.
func (w *worker) delete() { w.tell(func(m *mail) { m.deleted = true }) }

func (w *worker) recorded(outcomes []projections.Outcome) {
	w.tell(func(m *mail) { m.recorded = append(m.recorded, outcomes...) })
}

// run delivers until the context ends or the endpoint is deleted, and what is under way has ended and is recorded.
func (w *worker) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var disabling sync.WaitGroup
	defer disabling.Wait()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := ctx.Done()
	for {
		now := w.config.Now() // once for all that follows: what is put off is put off from a time that the drift has seen
		if w.clock.wentBack(now) {
			w.backs++
			w.hasten = true
		}
		deleted, reason := w.read(now)
		if deleted {
			cancel()
		}
		if reason != "" && !w.stopped {
			w.stopped = true
			id := w.target.ID
			disabling.Go(func() { w.disable(ctx, id, reason) })
		}
		if ctx.Err() != nil {
			if len(w.busy) == 0 {
				w.over = true
				w.showDown()
				return
			}
			done = nil
			timer.Stop()
		} else if at := w.dispatch(ctx, now); at.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(at.Sub(now))
		}
		select {
		case <-w.wake:
		case <-timer.C:
		case <-done:
		}
	}
}

// read takes the mail in; reason is why the endpoint must be disabled, if it must.
func (w *worker) read(now time.Time) (deleted bool, reason string) {
	w.mu.Lock()
	m := w.mail
	w.mail = mail{target: m.target, deleted: m.deleted}
	w.mu.Unlock()
	if m.changed {
		w.adopt(m.target)
	}
	for _, e := range m.ended {
		reason = cmp.Or(w.end(e, now), reason)
	}
	for _, o := range m.recorded {
		putOffBefore := w.busy[o.Delivery.Seq] < w.backs
		delete(w.busy, o.Delivery.Seq)
		if o.Fate == projections.Retry && o.Next.After(now) {
			w.hasten = w.hasten || putOffBefore // it was not recorded yet when the others were hastened
			if w.soonest.IsZero() || o.Next.Before(w.soonest) {
				w.soonest = o.Next
			}
			continue
		}
		w.more = true // it is due again, or the next of its subject is
	}
	return m.deleted, reason
}

// adopt takes the endpoint as it stands now.
func (w *worker) adopt(t projections.Target) {
	old := w.target
	w.target, w.more = t, true
	if !t.State.Active() {
		w.fresh, w.again = nil, nil
	}
	if old.State.RateLimit != t.State.RateLimit {
		w.limiter = limiterOf(t)
	}
	switch {
	case w.health == nil:
	case t.State.Active() && old.State.Enabled != t.State.Enabled: // also where nobody saw it stopped
		w.health = newHealth(w.config.Schedule, time.Time{}, w.chance)
		w.health.trouble = true // nobody knows how it fares: begin with a probe
		w.fresh, w.again, w.stopped = nil, nil, false
	case moved(old, t):
		w.health.renew()
	}
	w.showDown()
}

// end draws the consequence of an attempt.
func (w *worker) end(e ended, now time.Time) (disable string) {
	w.sending--
	w.metrics.sending.Dec()
	if !e.delivery.LastTry.IsZero() {
		w.retrying--
	}
	if e.own != nil {
		delete(w.busy, e.delivery.Seq)
		if w.held.Err() != nil { // the end of this worker is about to be told
			w.health.drop(e.ticket)
			return ""
		}
		w.more = true
		if errors.Is(e.own, projections.ErrNotFound) {
			w.health.drop(e.ticket)
			return ""
		}
		w.trouble(context.Background(), "a webhook message cannot be sent", e.own)
		w.health.hinder(e.ticket, now)
	} else {
		v := w.health.end(e.ticket, e.delivery, e.answer, now)
		disable = v.disable
		w.metrics.attempted(e.answer.kind, e.attempt.Duration)
		w.line(e, v)
		w.busy[e.delivery.Seq] = w.backs
		w.records.record(w, projections.Outcome{Delivery: e.delivery, Attempt: e.attempt,
			Fate: v.fate, Tries: v.tries, Next: v.next, FailingSince: w.health.since})
	}
	if w.health.down() {
		w.fresh, w.again, w.more = nil, nil, true
	}
	w.showDown()
	return disable
}

// dispatch begins what may begin, and tells when to come back if nothing happens before; zero is never.
func (w *worker) dispatch(ctx context.Context, now time.Time) time.Time {
	if w.stopped || !w.target.State.Active() {
		return time.Time{}
	}
	if now.Before(w.readAt) && !w.hasten {
		return w.readAt
	}
	at, err := w.begin(ctx, now)
	if err == nil {
		w.pauses.Reset()
		return at
	}
	if ctx.Err() == nil {
		w.trouble(ctx, "the webhook outbox cannot be read", err)
	}
	w.readAt = now.Add(w.pauses.NextBackOff())
	return w.readAt
}

func (w *worker) isBusy(d projections.Delivery) bool {
	_, is := w.busy[d.Seq]
	return is
}

func (w *worker) start(d projections.Delivery) {
	w.busy[d.Seq] = w.backs
	w.sending++
	w.metrics.sending.Inc()
	if !d.LastTry.IsZero() {
		w.retrying++
	}
	e := ended{delivery: d, ticket: w.health.begin()}
	go func() {
		e.attempt, e.answer, e.own = w.attempt(w.held, d)
		w.tell(func(m *mail) { m.ended = append(m.ended, e) })
	}()
}

// disable asks for the event that stops the deliveries until it is appended.
func (w *worker) disable(ctx context.Context, endpoint, reason string) {
	pauses := ownPauses()
	for {
		err := w.config.Disable(ctx, endpoint, reason)
		if err == nil || ctx.Err() != nil {
			return
		}
		w.config.Logger.LogAttrs(ctx, slog.LevelError, "a webhook endpoint cannot be disabled", slog.String("endpoint", endpoint), slog.String("error", err.Error()))
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
			return
		}
	}
}

// showDown keeps the count of endpoints that are down.
func (w *worker) showDown() {
	down := w.health != nil && w.health.down() && w.target.State.Active() && !w.over
	if down == w.shownDown {
		return
	}
	if w.shownDown = down; down {
		w.metrics.down.Inc()
	} else {
		w.metrics.down.Dec()
	}
}
