package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/rollcall-sync/rollcall/projections"
)

// recordTogether bounds the outcomes in one transaction, for the outbox cannot take new messages meanwhile.
const recordTogether = 256

// recorder records outcomes, all that wait in one transaction, and tells the workers. While the outbox cannot be written it
// keeps them and tries again; the workers then stop by themselves, since they send only so much that is not recorded.
type recorder struct {
	outbox Outbox
	logger *slog.Logger
	wake   chan struct{}

	mu      sync.Mutex
	waiting []recording
	stopped bool
}

type recording struct {
	outcome projections.Outcome
	worker  *worker
}

func newRecorder(outbox Outbox, logger *slog.Logger) *recorder {
	return &recorder{outbox: outbox, logger: logger, wake: make(chan struct{}, 1)}
}

// record hands in an outcome; the worker is told when it is recorded.
func (r *recorder) record(w *worker, o projections.Outcome) {
	r.mu.Lock()
	r.waiting = append(r.waiting, recording{o, w})
	r.mu.Unlock()
	signal(r.wake)
}

// stop makes run return when nothing waits any more.
func (r *recorder) stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	signal(r.wake)
}

func (r *recorder) take() (batch []recording, stopped bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.waiting), recordTogether)
	batch = r.waiting[:n:n]
	if r.waiting = r.waiting[n:]; len(r.waiting) == 0 {
		r.waiting = nil
	}
	return batch, r.stopped
}

// gathering is how long outcomes wait for others where several came together before: a transaction costs much, and one more outcome in it little. One that comes
// alone does not wait, for what follows of its subject waits for it.
const gathering = 2 * time.Millisecond

// parting is how long outcomes are still recorded after the context has ended. What then cannot be is dropped: it will be sent again.
const parting = 5 * time.Second

// run records until stop.
func (r *recorder) run(ctx context.Context) {
	keeping, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	context.AfterFunc(ctx, func() { time.AfterFunc(parting, cancel) })
	several := false
	for {
		batch, stopped := r.take()
		switch {
		case len(batch) > 0:
			several = len(batch) > 1
			r.write(ctx, keeping, batch)
		case stopped:
			return
		default:
			<-r.wake
			if several {
				time.Sleep(gathering)
			}
		}
	}
}

func (r *recorder) write(ctx, keeping context.Context, batch []recording) {
	outcomes := make([]projections.Outcome, len(batch))
	for i := range batch {
		outcomes[i] = batch[i].outcome
	}
	pauses := ownPauses()
	for {
		last := ctx.Err() != nil
		err := r.outbox.Record(keeping, outcomes...)
		if err == nil {
			break
		}
		r.logger.LogAttrs(ctx, slog.LevelError, "webhook outcomes cannot be recorded", slog.Int("outcomes", len(outcomes)),
			slog.Bool("given_up", last), slog.String("error", err.Error()))
		if last {
			break
		}
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
		}
	}
	of := map[*worker][]projections.Outcome{}
	for _, one := range batch {
		of[one.worker] = append(of[one.worker], one.outcome)
	}
	for w, outcomes := range of {
		w.recorded(outcomes)
	}
}

// ownPauses are the pauses between tries of what fails on our own side.
func ownPauses() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(30*time.Second),
		backoff.WithMultiplier(2), backoff.WithMaxElapsedTime(0))
}

// signal wakes whoever waits on a channel with room for one.
func signal(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
