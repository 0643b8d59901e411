package webhook

import (
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/rollcall-sync/rollcall/projections"
)

// For each request that an endpoint may have at a time a worker reads page deliveries ahead, without bodies, and leaves
// unrecorded outcomes open.
const (
	page       = 8
	unrecorded = 4
)

// begin sends what may be sent, and tells when to come back if nothing happens before; zero is never.
func (w *worker) begin(ctx context.Context, now time.Time) (time.Time, error) {
	if w.health == nil {
		since, err := w.config.Outbox.FailingSince(ctx, w.target.ID)
		if err != nil {
			return time.Time{}, err
		}
		w.health = newHealth(w.config.Schedule, since, w.chance)
		w.showDown()
	}
	if w.hasten {
		if err := w.config.Outbox.Hasten(ctx, w.target.ID, now); err != nil {
			return time.Time{}, err
		}
		w.health.renew()
		w.hasten, w.soonest, w.more = false, time.Time{}, true
	}
	if w.health.down() {
		return w.probe(ctx, now)
	}
	if !w.soonest.IsZero() && !w.soonest.After(now) {
		w.soonest, w.more = time.Time{}, true
	}
	for w.sending < w.concurrency() && len(w.busy) < unrecorded*w.concurrency() {
		if at := w.allowed(now); at.After(now) {
			return at, nil
		}
		d, ok, err := w.next(ctx, now)
		if err != nil || !ok {
			return w.soonest, err
		}
		w.limiter.AllowN(now, 1)
		w.start(d)
	}
	return w.soonest, nil
}

// allowed is when the rate of the endpoint lets the next attempt begin, now if it does.
func (w *worker) allowed(now time.Time) time.Time {
	missing := 1 - w.limiter.TokensAt(now)
	if w.limiter.Limit() == rate.Inf || missing <= 0 {
		return now
	}
	return now.Add(time.Duration(missing / float64(w.limiter.Limit()) * float64(time.Second)))
}

// probe sends the message whose last try is longest ago, if it is time to.
func (w *worker) probe(ctx context.Context, now time.Time) (time.Time, error) {
	at, ok := w.health.probeDue()
	if !ok {
		return time.Time{}, nil // its end comes by mail
	}
	if now.Before(at) {
		return at, nil
	}
	list, err := w.config.Outbox.Stalest(ctx, w.target.ID, now, 1+len(w.busy))
	if err != nil {
		return time.Time{}, err
	}
	for _, d := range list {
		if !w.isBusy(d) {
			w.start(d)
			return time.Time{}, nil
		}
	}
	due, err := w.config.Outbox.Due(ctx, w.target.ID, now, 0)
	return due.Soonest, err
}

// next is the next delivery to send. Those that failed before take half of the requests at most, so that messages that the
// endpoint is slow to refuse do not keep the good ones from it.
func (w *worker) next(ctx context.Context, now time.Time) (projections.Delivery, bool, error) {
	if w.more && len(w.fresh) == 0 {
		if err := w.load(ctx, now); err != nil {
			return projections.Delivery{}, false, err
		}
	}
	from := &w.fresh
	if len(w.again) > 0 && w.retrying < (w.concurrency()+1)/2 {
		from = &w.again
	}
	if len(*from) == 0 {
		return projections.Delivery{}, false, nil
	}
	d := (*from)[0]
	*from = (*from)[1:]
	return d, true, nil
}

// load reads a page of what is due.
func (w *worker) load(ctx context.Context, now time.Time) error {
	due, err := w.config.Outbox.Due(ctx, w.target.ID, now, page*w.concurrency()+len(w.busy))
	if err != nil {
		return err
	}
	w.more = false // until what is sent of these is recorded
	w.fresh, w.again = slices.DeleteFunc(due.Fresh, w.isBusy), slices.DeleteFunc(due.Again, w.isBusy)
	w.soonest = due.Soonest
	return nil
}
