package webhook

import (
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/rollcall-sync/rollcall/projections"
)

// probesBeforeGivingUp must have failed in a row in this process before an endpoint is disabled, so that a server that was
// off for a week does not disable an endpoint that nobody tried meanwhile.
const probesBeforeGivingUp = 10

// health decides for one endpoint what may be sent and what becomes of a message after an attempt. It is pure: time and chance are
// handed in, nothing is sent or stored here. For one goroutine.
//
// The endpoint is up or down. It goes down when a message fails and nothing tells that the message is to blame: no other was accepted since
// it was first tried, or no connection was made, or the endpoint asks for silence. While it is down it is probed with one
// message at a time and no failure counts against a message. Whatever is accepted brings it up again.
//
// So a message that was tried before and fails while the endpoint is up has seen others accepted since its first try: for only that
// ends the time of failure that its first try began or fell into. This holds over restarts, for since is kept with the outcomes.
type health struct {
	schedule Schedule
	chance   func() float64 // in [0, 1)

	since    time.Time // it fails as a whole since then, zero while it is up
	trouble  bool      // it is down for a reason of our own, for which it is never disabled
	accepted uint64    // how often a message was
	failed   int       // probes in a row that failed
	pauses   *backoff.ExponentialBackOff
	probeAt  time.Time // while it is down
	probing  bool      // a probe is under way
}

// ticket is what health must know again when the attempt that it was given for ends.
type ticket struct {
	accepted uint64
	probe    bool
}

// verdict is what follows from an attempt.
type verdict struct {
	fate    projections.Fate
	tries   int
	next    time.Time
	disable string // why the endpoint must be disabled, "" otherwise
}

// newHealth begins with an endpoint that fails as a whole since a time, zero if it does not. One that fails is probed at once.
func newHealth(s Schedule, since time.Time, chance func() float64) *health {
	h := &health{schedule: s, chance: chance, since: since}
	h.pauses = backoff.NewExponentialBackOff(backoff.WithInitialInterval(s.ProbeMin), backoff.WithMaxInterval(s.ProbeMax),
		backoff.WithMultiplier(2), backoff.WithRandomizationFactor(0), backoff.WithMaxElapsedTime(0))
	return h
}

func (h *health) down() bool { return h.trouble || !h.since.IsZero() }

// probeDue tells when a probe may be sent while the endpoint is down; ok is false while one is under way.
func (h *health) probeDue() (at time.Time, ok bool) { return h.probeAt, !h.probing }

// begin is called when an attempt begins: as a probe if the endpoint is down.
func (h *health) begin() ticket {
	h.probing = h.probing || h.down()
	return ticket{h.accepted, h.down()}
}

// drop ends an attempt that was not made, for the message was gone.
func (h *health) drop(t ticket) {
	if t.probe {
		h.probing = false
	}
}

// hinder ends an attempt that could not be made for a reason of our own: the endpoint waits as if it failed, but is not to blame.
func (h *health) hinder(t ticket, now time.Time) {
	h.drop(t)
	if !h.down() {
		h.pauses.Reset()
		h.trouble = true
		t.probe = true
	}
	if t.probe {
		h.probeAt = now.Add(h.pause())
	}
}

// renew is called when the endpoint has changed: what it failed at may be over, so it is probed at once.
func (h *health) renew() {
	h.pauses.Reset()
	h.probeAt = time.Time{}
}

// end judges an attempt of a message that was first tried before, if it was tried before at all.
func (h *health) end(t ticket, d projections.Delivery, a answer, now time.Time) verdict {
	h.drop(t)
	put := verdict{fate: projections.Retry, tries: d.Tries, next: now} // due at once: what holds it back is the endpoint's state
	switch {
	case a.kind == accepted:
		h.since, h.trouble, h.failed = time.Time{}, false, 0
		h.accepted++
		return verdict{fate: projections.Delivered, tries: d.Tries + 1}
	case a.kind == gone:
		h.fail(t, now)
		put.disable = "it answered 410 Gone"
		return put
	case a.kind == throttled:
		h.fail(t, now)
		if until := now.Add(min(a.retry, h.schedule.SilenceMax)); until.After(h.probeAt) {
			h.probeAt = until
		}
	case a.kind == unreachable, h.down(), d.FirstTry.IsZero() && t.accepted == h.accepted:
		h.fail(t, now)
	default:
		return h.count(d, now)
	}
	if h.failed >= probesBeforeGivingUp && now.Sub(h.since) >= h.schedule.GiveUp {
		put.disable = fmt.Sprintf("every attempt has failed since %s", h.since.UTC().Format(time.RFC3339))
	}
	return put
}

// fail takes the endpoint down, or keeps it there. Attempts that began before it went down do not make the pauses longer.
func (h *health) fail(t ticket, now time.Time) {
	before := h.down()
	if h.since.IsZero() {
		h.since = now
	}
	h.trouble = false
	switch {
	case !before:
		h.pauses.Reset()
		h.probeAt = now.Add(h.pause())
	case t.probe:
		h.failed++
		h.probeAt = now.Add(h.pause())
	}
}

// count holds the failure against the message.
func (h *health) count(d projections.Delivery, now time.Time) verdict {
	if d.Tries >= len(h.schedule.Retries) {
		return verdict{fate: projections.Failed, tries: d.Tries + 1}
	}
	pause := h.schedule.Retries[d.Tries]
	pause = time.Duration(float64(pause) * (0.9 + 0.2*h.chance()))
	return verdict{fate: projections.Retry, tries: d.Tries + 1, next: now.Add(pause)}
}

// pause is the time to the next probe, in the upper half of a bound that doubles.
func (h *health) pause() time.Duration {
	return time.Duration(float64(h.pauses.NextBackOff()) * (0.5 + 0.5*h.chance()))
}
