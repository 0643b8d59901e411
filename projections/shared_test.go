package projections

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// follower is the outbox of another server of the log, in a folder of its own.
func (s *sending) follower() *sending {
	s.Helper()
	f := &sending{TB: s.TB, log: s.log, folder: s.TB.(*testing.T).TempDir()}
	f.open()
	s.Cleanup(func() { _ = f.Outbox.Close() })
	return f
}

// catchUp applies all that stands in the log and was not applied, in one batch.
func (s *sending) catchUp() {
	s.Helper()
	b := eventstore.Batch{Position: s.at}
	for r, err := range s.log.All(s.Context(), s.at) {
		s.must(err)
		b.Records, b.Position = append(b.Records, r), r.Position
	}
	s.must(s.Apply(s.Context(), b))
	s.at = b.Position
}

// told writes outcomes into the log, as the server that delivers does.
func (s *sending) told(fate Fate, at, next time.Time, deliveries ...Delivery) {
	s.Helper()
	var e domain.DeliveriesAttempted
	for _, d := range deliveries {
		e.Attempts = append(e.Attempts, AttemptOf(Outcome{Delivery: d, Attempt: Attempt{At: at, Duration: 12 * time.Millisecond, Status: 503, Answer: "a", Error: "e"}, Fate: fate, Tries: d.Tries + 1, Next: next, FailingSince: next}))
	}
	s.event("deliveries-1", e)
}

// rows are all deliveries with their attempts, and all replays, as text.
func (s *sending) rows() string {
	s.Helper()
	var out []string
	for _, query := range []string{
		`SELECT concat_ws(' ', endpoint, lane, queue, hex(event), type, subject, state, tries, first_try, last_try, next, ended) FROM deliveries ORDER BY 1`,
		`SELECT concat_ws(' ', d.endpoint, d.lane, hex(d.event), a.nth, a.at, a.duration, a.status, a.answer, a.error) FROM attempts a JOIN deliveries d ON d.seq = a.delivery ORDER BY 1`,
		`SELECT concat_ws(' ', id, reached, made, failed, state, ended) FROM replays ORDER BY 1`,
		`SELECT concat_ws(' ', id, failing_since) FROM endpoints ORDER BY 1`,
		`SELECT concat_ws(' ', relay, position) FROM relayed ORDER BY 1`,
	} {
		found, err := rowsOf(s.Context(), s.db.read, func(r row) (text string, err error) { return text, r.Scan(&text) }, query)
		s.must(err)
		out = append(out, found...)
	}
	return strings.Join(out, "\n")
}

// Whoever follows the log has the very deliveries, attempts and replays of the server that delivers, if it applies one event after the other, and
// if it applies all at once.
func TestFollowersKnowWhatWasDelivered(t *testing.T) {
	s := newSending(t)
	f, late := s.follower(), s.follower()
	s.endpoint("e", "all")
	s.endpoint("g", "all")
	for _, user := range []string{"a", "b", "a", "c"} {
		s.change(user)
	}
	minute := func(n int) time.Time { return someTime.Add(time.Duration(n) * time.Minute) }
	first := s.due("e", minute(0), 10).Fresh
	s.told(Retry, minute(1), minute(3), first...)
	f.catchUp()
	s.told(Delivered, minute(3), time.Time{}, s.due("e", minute(3), 10).Again[:2]...)
	s.told(Failed, minute(3), time.Time{}, s.due("e", minute(3), 10).Again...)
	s.event("endpoint-e", domain.EndpointRecoveryRequested{Since: minute(2)})
	s.told(Delivered, minute(4), time.Time{}, s.due("e", minute(4), 10).Fresh...)
	f.catchUp()
	head := s.at
	s.event("endpoint-g", domain.EndpointReplayRequested{Replay: "r", From: "0", Until: head.String(), EventCodes: []string{"all"}, RateLimit: 10})
	s.event("deliveries-1", domain.DeliveriesReplayed{Replay: "r", Reached: fmt.Sprint(s.middle())})
	s.event("deliveries-1", domain.DeliveriesReplayed{Replay: "r", Reached: head.String()})
	for _, queue := range []string{"", "r"} {
		for due := s.due("g", minute(5), 10).Fresh; len(due) > 0; due = s.due("g", minute(5), 10).Fresh {
			s.told(Delivered, minute(5), time.Time{}, slices.DeleteFunc(due, func(d Delivery) bool { return d.Queue < queue })...)
		}
	}
	s.event("deliveries-1", domain.DeliveriesRelayed{Relay: "nats", Reached: "7"})
	f.catchUp()
	late.catchUp()
	want := s.rows()
	for name, other := range map[string]*sending{"one that followed": f, "one that came late": late} {
		if got := other.rows(); got != want {
			t.Errorf("%s has\n%s\nand the one that delivers\n%s", name, got, want)
		}
	}
	r, err := late.Replay(t.Context(), "r")
	if s.must(err); r.State != ReplayDone || r.Made != 4 || r.Open != 0 {
		t.Errorf("the replay ends as %+v", r)
	}
	at, known, err := late.Relayed(t.Context(), "nats")
	if s.must(err); !known || at.String() != "7" {
		t.Errorf("the relay has come to %s, %v", at, known)
	}
}

// middle is a position in the middle of the log.
func (s *sending) middle() eventstore.Position {
	commit, _ := s.at.Numbers()
	return eventstore.At(commit/2, commit/2)
}

// An outcome that comes after the delivery has ended is kept as an attempt, once, and moves nothing.
func TestLateOutcomesMoveNothing(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	s.change("a")
	first := s.due("e", someTime, 10).Fresh
	s.told(Delivered, someTime, time.Time{}, first...)
	second := s.due("e", someTime, 10).Fresh
	s.told(Retry, someTime.Add(time.Second), someTime.Add(time.Hour), first...)
	s.told(Retry, someTime.Add(time.Second), someTime.Add(time.Hour), first...)
	if got := s.due("e", someTime, 10).Fresh; len(got) != 1 || got[0].Seq != second[0].Seq {
		t.Errorf("due are %+v", got)
	}
	if got := s.logged(LogQuery{Endpoint: "e"}); fmt.Sprint(got) != "[a 2 delivered a 3 pending]" {
		t.Errorf("the log shows %v", got)
	}
	if n := count(t, s.db, "attempts"); n != 2 {
		t.Errorf("%d attempts are kept", n)
	}
}

// What is settled is all that stands before the first message that is still to be delivered: an outbox that begins there
// has all that the others have left to do, and nothing else.
func TestSettled(t *testing.T) {
	s := newSending(t)
	settled := func() string {
		at, known, err := s.Settled(t.Context())
		s.must(err)
		if !known {
			return "unknown"
		}
		return at.String()
	}
	s.endpoint("e", "all")
	s.endpoint("g", "all")
	if got := settled(); got != s.at.String() {
		t.Errorf("with nothing to deliver %s is settled, not %s", got, s.at)
	}
	s.change("a")
	if got := settled(); got != "unknown" {
		t.Errorf("before the first message %s is settled", got)
	}
	s.change("b")
	s.change("c")
	s.told(Delivered, someTime, time.Time{}, s.due("e", someTime, 10).Fresh...)
	s.told(Delivered, someTime, time.Time{}, s.due("g", someTime, 2).Fresh...) // a and b, and not c
	if got := settled(); got != "4" {
		t.Errorf("%s is settled, not the message before the one of c", got)
	}
	s.change("a")
	s.event("deliveries-1", domain.DeliveriesAttempted{Attempts: []domain.DeliveryAttempt{}, Settled: settled()})

	at, known, err := LastSettled(t.Context(), s.log)
	if s.must(err); !known || at.String() != "4" {
		t.Errorf("the log tells of %s, %v", at, known)
	}
	late := s.follower()
	s.must(late.Begin(t.Context(), s.log.All(t.Context(), eventstore.Position{}), at))
	late.at = at
	late.catchUp()
	for _, endpoint := range []string{"e", "g"} {
		if got, want := subjects(late.due(endpoint, someTime, 10).Fresh), subjects(s.due(endpoint, someTime, 10).Fresh); got != want {
			t.Errorf("%s is still to get %q, and with the others %q", endpoint, got, want)
		}
	}

	s.event("endpoint-g", domain.EndpointReplayRequested{Replay: "r", From: "0", Until: "4", EventCodes: []string{"all"}, RateLimit: 10})
	if got := settled(); got != "unknown" {
		t.Errorf("while a replay runs %s is settled", got)
	}
}
