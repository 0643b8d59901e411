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
