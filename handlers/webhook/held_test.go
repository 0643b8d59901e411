package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/webhook"
)

// pending wants all so many messages to be still to be delivered, and none to have been tried.
func (w *world) pending(n int) {
	w.t.Helper()
	due, err := w.outbox.Due(w.t.Context(), "e", time.Now(), 100)
	if err != nil || len(due.Fresh) != n || len(due.Again) != 0 {
		w.t.Errorf("%d are due that were never tried and %d that were, want %d; %v", len(due.Fresh), len(due.Again), n, err)
	}
}

// An attempt ends with the turn of its server, and is no failure of the endpoint.
func TestAnAttemptEndsWithItsTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	came, left := make(chan struct{}, 1), make(chan struct{})
	s := w.sink(func(_ http.ResponseWriter, c call) {
		came <- struct{}{}
		<-left
	})
	defer close(left)
	w.endpoint("e", s.server.URL)
	w.users("u", 1, 1)
	held, lose := context.WithCancel(t.Context())
	run := w.deliverWhile(held)
	<-came
	lose()
	run.end()
	w.pending(1)
}

// turn is that of a server that stands still when it is about to send, until the turn is over; nothing has told so then but the clock.
type turn struct {
	context.Context
	over *atomic.Bool
}

func (t turn) Err() error {
	if t.over.Load() {
		return errors.New("the lease is over")
	}
	return nil
}

// A server that stood still until its turn was over sends nothing, though no timer has told it.
func TestNothingIsSentAfterTheTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(func(http.ResponseWriter, call) {})
	w.endpoint("e", s.server.URL)
	w.users("u", 1, 1)
	held := turn{context.Background(), &atomic.Bool{}}
	run := w.deliverWhile(held, func(c *webhook.Config) {
		open := c.OpenKey
		c.OpenKey = func(endpoint string, key domain.SigningKey) (keys.Signing, error) {
			held.over.Store(true)
			w.news.tell()
			return open(endpoint, key)
		}
	})
	w.until("it is about to send", held.over.Load)
	run.end()
	if n := len(s.seen()); n != 0 {
		t.Errorf("%d were sent", n)
	}
	w.pending(1)
}
