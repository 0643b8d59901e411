package projections

import (
	"log/slog"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/rollcall-sync/rollcall/domain"
)

// What a replay makes stays within its rate and its window, and a replay that was cancelled meanwhile makes nothing.
func TestReplayIsPaced(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for range 30 {
		s.change("a")
	}
	head, err := s.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.event("endpoint-e", domain.EndpointReplayRequested{Replay: "r", From: "0", Until: head.String(), EventCodes: []string{"all"}, RateLimit: 10})
	replayer := NewReplayer(s.Outbox, s.log, nil, slog.New(slog.DiscardHandler))
	running := func() Replay {
		t.Helper()
		found, err := s.replaying(t.Context())
		if err != nil || len(found) != 1 {
			t.Fatalf("replays %+v, %v", found, err)
		}
		return found[0]
	}
	step := func(at *pace) time.Duration {
		t.Helper()
		wait, err := replayer.step(t.Context(), running(), at)
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	paced := func(l rate.Limit, burst int) *pace {
		changes, err := NewChanges(s.log)
		if err != nil {
			t.Fatal(err)
		}
		return &pace{changes, rate.NewLimiter(l, burst)}
	}
	slow := paced(1e-9, 3)
	if step(slow); running().Made != 3 {
		t.Errorf("%d made at once, not 3", running().Made)
	}
	if wait := step(slow); wait <= 0 || running().Made != 3 {
		t.Errorf("%d made beyond the rate, wait %s", running().Made, wait)
	}
	fast := paced(1e9, 1000)
	for range 3 {
		step(fast)
	}
	before := running()
	if before.Made != 10 || before.Open != 10 {
		t.Errorf("%d made and %d open, though a second's are 10", before.Made, before.Open)
	}
	next, messages, err := replayer.read(t.Context(), before, fast.changes, 5)
	if err != nil || len(messages) != 5 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	s.event("endpoint-e", domain.EndpointReplayCancelled{Replay: "r"})
	if err := replayer.make(t.Context(), before, next, messages); err != nil {
		t.Fatal(err)
	}
	if after, err := s.Replay(t.Context(), "r"); err != nil || after.Made != 10 || after.Open != 0 {
		t.Errorf("after the cancellation: %+v, %v", after, err)
	}
}

// What a replay tells of its deliveries is so, also once those that were given up are sent again.
func TestReplayTellsHowItStands(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for _, user := range []string{"a", "b", "c"} {
		s.change(user)
	}
	s.record(Delivered, someTime, time.Time{}, s.due("e", someTime, 10).Fresh...)
	s.event("endpoint-e", domain.EndpointReplayRequested{Replay: "r", From: "0", Until: s.at.String(), EventCodes: []string{"all"}, RateLimit: 10})
	is := func(state string, open, failed int) {
		t.Helper()
		r, err := s.Replay(t.Context(), "r")
		s.must(err)
		if r.Made != 3 || r.State != state || r.Open != open || r.Failed != failed {
			t.Errorf("%+v, not %s with %d open and %d failed", r, state, open, failed)
		}
	}
	s.event("endpoint-e", domain.EndpointReplayRequested{Replay: "other", From: s.at.String(), Until: s.at.String(), EventCodes: []string{"all"}, RateLimit: 10})
	for len(s.due("e", someTime, 10).Fresh) < 3 {
		_, err := NewReplayer(s.Outbox, s.log, nil, slog.New(slog.DiscardHandler)).round(t.Context(), map[string]*pace{})
		s.must(err)
	}
	is(ReplayRunning, 3, 0)
	due := s.due("e", someTime, 10).Fresh
	s.record(Failed, someTime, time.Time{}, due[0], due[1])
	is(ReplayRunning, 1, 2)
	s.event("endpoint-e", domain.EndpointResendRequested{Delivery: DeliveryID(due[0].WebhookID, "r")})
	is(ReplayRunning, 2, 1)
	s.record(Delivered, someTime, time.Time{}, due[2])
	is(ReplayDone, 1, 1) // what was asked for again goes on behind it
	s.event("endpoint-e", domain.EndpointRecoveryRequested{Since: someTime})
	s.recovered()
	is(ReplayDone, 2, 0)
	again := s.due("e", someTime, 10).Fresh
	s.record(Failed, someTime, time.Time{}, again[0])
	s.record(Delivered, someTime, time.Time{}, again[1])
	is(ReplayDone, 0, 1)
	s.sweep(someTime.Add(1000 * time.Hour))
	is(ReplayDone, 0, 1) // that it was given up is remembered longer than the delivery
	if r, err := s.Replay(t.Context(), "other"); err != nil || r.Failed != 0 || r.Open != 0 {
		t.Errorf("another one is %+v, %v", r, err)
	}
}
