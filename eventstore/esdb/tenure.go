package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Why a tenure ends.
var (
	errExpired  = errors.New("the lease was lost: nothing renewed it within its term")
	errReturned = errors.New("the lease is given back: its holder has returned")
)

// A tenure is one time of holding a lease.
type tenure struct {
	lease *Lease
	epoch uint64

	alive context.Context         // ends when the lease is lost
	lose  context.CancelCauseFunc // ends alive, and held with it
	held  context.Context         // ends with alive, or as soon as hold has returned
	leave context.CancelCauseFunc // ends held

	mu    sync.Mutex
	last  sight       // the last record, and when it was sent
	timer *time.Timer // for the end of its term
}

// begin makes the tenure of a record that was written.
func (l *Lease) begin(ctx context.Context, taken sight) *tenure {
	t := &tenure{lease: l, epoch: taken.Epoch, last: taken}
	t.alive, t.lose = context.WithCancelCause(context.WithoutCancel(ctx))
	inner, leave := context.WithCancelCause(t.alive)
	t.held, t.leave = &held{inner, t}, leave
	t.timer = time.AfterFunc(t.left(), t.check)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mine = t
	l.log.Info("lease taken", slog.String("holder", taken.Holder), slog.Uint64("epoch", t.epoch))
	return t
}

// held is the context of who holds a lease. Its Err waits for no timer.
type held struct {
	context.Context
	tenure *tenure
}

func (h *held) Err() error {
	h.tenure.check()
	return h.Context.Err()
}

// check ends the tenure if its term is over.
func (t *tenure) check() {
	if t.left() <= 0 {
		t.lose(errExpired)
	}
}

// left is what remains of the term.
func (t *tenure) left() time.Duration { return t.sight().until().Sub(t.lease.now()) }

func (t *tenure) sight() sight {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// run calls hold, renews the lease until it has returned, and gives it back. The answer is hold's error, if it is none of its contexts'.
func (t *tenure) run(ctx context.Context, hold func(work, held context.Context, epoch uint64) error) error {
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(t.held, func() { stop(context.Cause(t.held)) })()
	returned, kept := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(kept)
		t.keep(returned)
	}()
	defer func() {
		t.leave(errReturned)
		close(returned)
		// Whoever waits for Run does not wait for a server that is silent.
		defer time.AfterFunc(t.lease.every, func() { t.lose(errReturned) }).Stop()
		<-kept
		t.finish()
	}()
	err := hold(work, t.held, t.epoch)
	if endedBy(work, err) || endedBy(t.held, err) {
		return nil
	}
	return err
}

// endedBy tells whether an error is that of a context which has ended.
func endedBy(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}

// keep renews the lease until it is lost, or until hold has returned and it is given back.
func (t *tenure) keep(returned <-chan struct{}) {
	for {
		renewal := time.NewTimer(t.sight().at.Add(t.lease.every).Sub(t.lease.now()))
		select {
		case <-renewal.C:
			t.renew()
			continue
		case <-returned:
			t.release()
		case <-t.alive.Done():
			t.lease.log.Warn("lease lost", slog.Uint64("epoch", t.epoch), slog.Any("error", context.Cause(t.alive)))
		}
		renewal.Stop()
		return
	}
}

// renew appends a record before the term is over. One whose answer comes too late is of no use: held may have been seen to
// have ended.
func (t *tenure) renew() {
	t.check()
	sent := t.lease.now()
	r := t.lease.record(leaseRenewed, t.sight().version+1, t.epoch)
	if err := t.lease.put(t.alive, r); err != nil {
		t.lose(fmt.Errorf("the lease was lost: %w", err))
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.lease.now(); now.Before(t.last.until()) {
		t.last = sight{r, sent}
		t.timer.Reset(t.last.until().Sub(now))
	}
}

// release gives the lease back.
func (t *tenure) release() {
	r := t.lease.record(leaseReleased, t.sight().version+1, t.epoch)
	if err := t.lease.put(t.alive, r); err != nil {
		t.lease.log.Warn("the lease was not given back, and ends with its term", slog.Uint64("epoch", t.epoch), slog.Any("error", err))
		return
	}
	t.lease.log.Info("lease given back", slog.Uint64("epoch", t.epoch))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = sight{r, t.lease.now()}
}

// finish leaves what the lease knows by this tenure.
func (t *tenure) finish() {
	t.lose(errReturned)
	t.timer.Stop()
	t.lease.mu.Lock()
	defer t.lease.mu.Unlock()
	t.lease.known, t.lease.mine = t.sight(), nil
}
