package webhook_test

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/handlers/webhook"
)

// A clock that jumps, back and forth by hours, while messages fail and are tried again: each arrives, once, and in order.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var off, calls atomic.Int64
	s := w.sink(func(rw http.ResponseWriter, c call) {
		if calls.Add(1)%7 == 0 {
			off.Store(int64(time.Duration(rand.IntN(48)-24) * time.Hour))
		}
		if c.nth == 1 && calls.Load()%3 == 0 {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		rw.WriteHeader(http.StatusOK)
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 20, 10)
	run := w.deliver(func(c *webhook.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
	})
	w.untilDelivered(200)
	run.end()
	if twice := s.complete("u", 20, 10); twice != 0 {
		t.Errorf("%d came twice", twice)
	}
}

// What was put off does not wait for the time by which the clock was set back.
func TestClockIsSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var off atomic.Int64
	s := w.sink(func(rw http.ResponseWriter, c call) {
		if c.nth == 1 && strings.HasSuffix(c.subject, "u0") {
			rw.WriteHeader(http.StatusBadRequest) // this message alone, so that it is tried again later
			return
		}
		rw.WriteHeader(http.StatusOK)
	})
	w.endpoint("e", s.server.URL)
	w.users("v", 1, 1)
	run := w.deliver(func(c *webhook.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
		c.Schedule.Retries = []time.Duration{time.Hour}
		c.Concurrency = 1
	})
	w.untilDelivered(1)
	w.users("u", 5, 1) // others are accepted beside u0, which is then to blame itself
	w.until("it was refused", func() bool { return strings.Contains(w.lines.text(), `"outcome":"refused"`) })
	off.Store(int64(-24 * time.Hour))
	w.users("x", 1, 1)
	w.untilDelivered(7)
	run.end()
}
