package projections

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
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

// recovered goes on with all recoveries until they have ended.
func (s *sending) recovered() {
	s.Helper()
	steps := NewReplayer(s.Outbox, s.log, nil, slog.New(slog.DiscardHandler))
	for all := s.recovering(); len(all) > 0; all = s.recovering() {
		s.must(steps.recover(s.Context(), all[0]))
	}
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
	steps := NewReplayer(s.Outbox, s.log, nil, slog.New(slog.DiscardHandler))
	for _, want := range []int{0, recoverTogether - 1} { // the first step finds but one that is too old
		if s.must(steps.recover(t.Context(), s.recovering()[0])); open() != want {
			t.Fatalf("%d were asked for again, not %d", open(), want)
		}
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
	s.recovered()
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
		for range 10 {
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
		if n := open(); n != 10 {
			t.Errorf("%d are recovered", n)
		}
		s.event("endpoint-e", domain.EndpointReplayRequested{Replay: "r", From: "0", Until: s.at.String(), EventCodes: []string{"all"}, RateLimit: 10})
		if n := open(); n <= 10 {
			t.Error("nothing is replayed")
		}
		cancel()
		s.must(<-ended)
		s.must(s.Outbox.Close())
	})
}

// journal is a log that outboxes share.
type journal struct{ *sending }

func (j journal) Replayed(context.Context, string, eventstore.Position) error { return nil }

func (j journal) Recovered(_ context.Context, step domain.DeliveriesRecovered) error {
	j.event("deliveries-1", step)
	return nil
}

// Outboxes that share a log recover the same between the same records, also one that began later and lacks the oldest.
func TestRecoveriesInASharedLog(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for n := range recoverTogether + 40 {
		s.change(fmt.Sprint("old", n))
	}
	failed := func(d Delivery) domain.DeliveryAttempt {
		return AttemptOf(Outcome{Delivery: d, Attempt: Attempt{At: someTime}, Fate: Failed, Tries: 1})
	}
	fail := func() {
		var e domain.DeliveriesAttempted
		for _, d := range s.due("e", someTime, 1000).Fresh {
			e.Attempts = append(e.Attempts, failed(d))
		}
		s.event("deliveries-1", e)
	}
	fail()
	settled := s.at
	for n := range recoverTogether + 20 {
		s.change(fmt.Sprint("new", n))
	}
	fail()
	open := func(folder string, from eventstore.Position) *Outbox {
		o, err := OpenOutbox(folder, s.log, "a log")
		s.must(err)
		t.Cleanup(func() { _ = o.Close() })
		s.must(o.Begin(t.Context(), s.log.All(t.Context(), eventstore.Position{}), from))
		return o
	}
	whole, later := open(t.TempDir(), eventstore.Position{}), open(t.TempDir(), settled)
	steps := NewReplayer(s.Outbox, s.log, journal{s}, slog.New(slog.DiscardHandler))
	s.event("endpoint-e", domain.EndpointRecoveryRequested{Since: someTime})
	if _, known, err := s.Settled(t.Context()); known || err != nil {
		t.Errorf("settled while a recovery goes on: %v", err)
	}
	between := s.ids("e")[0] // the newest of a page: the last step asks for it again
	f := s.follow()
	f.news()
	for n := 0; len(s.recovering()) > 0; n++ {
		s.must(steps.recover(t.Context(), s.recovering()[0]))
		if got := f.news(); len(got) != 1 {
			t.Errorf("step %d told of %+v", n, got)
		}
		if n == 0 {
			s.event("endpoint-e", domain.EndpointResendRequested{Delivery: between})
			f.news()
		}
	}
	rows := func(o *Outbox) string {
		var b eventstore.Batch
		for r, err := range s.log.All(t.Context(), o.Progress().Position()) {
			s.must(err)
			b.Records, b.Position = append(b.Records, r), r.Position
		}
		if len(b.Records) > 0 {
			s.must(o.Apply(t.Context(), b))
		}
		all, err := rowsOf(t.Context(), o.db.read, func(r row) (text string, err error) { return text, r.Scan(&text) },
			`SELECT webhook_id || ' ' || queue || ' ' || state FROM deliveries WHERE subject LIKE 'user-new%' ORDER BY seq`)
		s.must(err)
		return strings.Join(all, "\n")
	}
	want := rows(s.Outbox)
	if strings.Contains(want, "failed") || strings.Count(want, "\n") != recoverTogether+19 {
		t.Errorf("they stand at\n%s", want)
	}
	for name, o := range map[string]*Outbox{"that was there": whole, "that began later": later} {
		if got := rows(o); got != want {
			t.Errorf("one %s has\n%s\nnot\n%s", name, got, want)
		}
	}
	if n := count(t, later.db, "deliveries"); n != recoverTogether+20 {
		t.Errorf("one that began later has %d deliveries", n)
	}
}
