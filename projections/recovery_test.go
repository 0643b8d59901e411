package projections

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// fail gives up all that an endpoint is to be sent.
func (s *sending) fail(endpoint string, at time.Time) (failed int) {
	s.Helper()
	for {
		due := s.due(endpoint, at, 100).Fresh
		if len(due) == 0 {
			return failed
		}
		s.record(Failed, at, time.Time{}, due...)
		failed += len(due)
	}
}

func (s *sending) recovering() []recovery {
	s.Helper()
	all, err := s.recoveries(s.Context())
	s.must(err)
	return all
}

// replayUntil runs a Replayer until a condition holds, which is looked at whenever an endpoint has news.
func (s *sending) replayUntil(what string, condition func() bool) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- NewReplayer(s.Outbox, s.log, nil, slog.New(slog.DiscardHandler)).Run(ctx) }()
	for range s.Follow(ctx) {
		if condition() {
			break
		}
	}
	if ctx.Err() != nil {
		s.Fatalf("waited in vain until %s", what)
	}
	cancel()
	s.must(<-ended)
}

// Very many are recovered in steps, between which outcomes are recorded and the process may end; each subject keeps its order.
func TestRecoverGoesOnInSteps(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	const users, changes = 7, 100
	for n := range recoverTogether + 1 { // given up before the time that is asked for
		s.change(fmt.Sprint("early", n))
	}
	s.fail("e", someTime)
	since := someTime.Add(time.Hour)
	for range changes {
		for user := range users {
			s.change(fmt.Sprint(user))
		}
	}
	if n := s.fail("e", since); n != users*changes {
		t.Fatalf("%d were given up", n)
	}
	open := func() int {
		c, err := counted(s.Context(), s.db.read, `SELECT coalesce(sum(n), 0) FROM tallies WHERE endpoint = 'e' AND state IN ('ready', 'waiting')`)
		s.must(err)
		return c
	}
	s.event("endpoint-e", domain.EndpointRecoveryRequested{Since: since})
	s.must(s.recover(t.Context(), s.recovering()[0]))
	if n := open(); n == 0 || n > recoverTogether {
		t.Fatalf("%d were asked for again in two transactions, of which the first found none", n)
	}
	s.change("late") // not there when it was asked for
	came := map[string][]int64{}
	deliver := func(d Delivery) {
		t.Helper()
		s.record(Delivered, since, time.Time{}, d)
		came[d.Subject] = append(came[d.Subject], d.Seq)
	}
	deliver(s.due("e", since, 10).Fresh[1])
	deliver(s.due("e", since, 10).Fresh[1])
	for _, d := range s.due("e", since, 100).Fresh {
		if d.Subject == "user-late" {
			s.record(Failed, since, time.Time{}, d)
		}
	}
	s.must(s.Outbox.Close())
	s.open()
	s.replayUntil("all are asked for again", func() bool { return open() == users*changes-2 })
	if left := s.recovering(); len(left) != 0 {
		t.Errorf("recoveries go on: %+v", left)
	}
	for {
		due := s.due("e", since, 100).Fresh
		if len(due) == 0 {
			break
		}
		for _, d := range due {
			deliver(d)
		}
	}
	for user := range users {
		if all := came[fmt.Sprint("user-", user)]; len(all) != changes || !slices.IsSorted(all) {
			t.Errorf("of user %d came %d, as %v", user, len(all), all)
		}
	}
	if c, err := s.Counts(t.Context()); err != nil || c.Failed != recoverTogether+2 {
		t.Errorf("left are %+v, %v", c, err)
	}
	s.tallied()
}

// What is recovered waits for nothing that stands in another queue.
func TestRecoveredWaitForNoOtherQueue(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	s.change("a")
	s.fail("e", someTime)
	s.event("endpoint-e", domain.EndpointResendRequested{Delivery: s.ids("e")[0]})
	s.event("endpoint-e", domain.EndpointRecoveryRequested{Since: someTime})
	if got := subjects(s.due("e", someTime, 10).Fresh); got != "a a" {
		t.Errorf("due are %q", got)
	}
}

// What is asked for again of an endpoint that is deleted is asked for no more.
func TestRecoveriesGoWithTheirEndpoint(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for range recoverTogether + 1 {
		s.change("a")
	}
	s.fail("e", someTime)
	s.event("endpoint-e", domain.EndpointRecoveryRequested{Since: someTime})
	if left := s.recovering(); len(left) != 1 {
		t.Fatalf("recoveries go on: %+v", left)
	}
	s.event("endpoint-e", domain.EndpointDeleted{})
	if left := s.recovering(); len(left) != 0 {
		t.Errorf("recoveries go on: %+v", left)
	}
}

// A Replayer that has nothing to do is woken by what is asked for.
func TestReplayerIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSending(t)
		s.endpoint("e", "all")
		for range recoverTogether + 1 {
			s.change("a")
		}
		s.fail("e", someTime)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- NewReplayer(s.Outbox, s.log, nil, slog.New(slog.DiscardHandler)).Run(ctx) }()
		synctest.Wait()
		open := func() int {
			synctest.Wait()
			c, err := s.Counts(t.Context())
			s.must(err)
			return c.Open
		}
		s.event("endpoint-e", domain.EndpointRecoveryRequested{Since: someTime})
		if n := open(); n != recoverTogether+1 {
			t.Errorf("%d are recovered", n)
		}
		s.event("endpoint-e", domain.EndpointReplayRequested{Replay: "r", From: "0", Until: s.at.String(), EventCodes: []string{"all"}, RateLimit: 10})
		if n := open(); n <= recoverTogether+1 {
			t.Error("nothing is replayed")
		}
		cancel()
		s.must(<-ended)
		s.must(s.Outbox.Close())
	})
}
