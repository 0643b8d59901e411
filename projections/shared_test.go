package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
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

// away is a log that does not answer for a while.
type away struct {
	*eventstore.Memory
	away bool
}

func (a *away) All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	if a.away {
		return func(yield func(eventstore.Record, error) bool) {
			yield(eventstore.Record{}, fmt.Errorf("read the log: %w", eventstore.ErrUnavailable))
		}
	}
	return a.Memory.All(ctx, after)
}

// A batch that the outbox comes to the middle of, since the log then does not answer, goes on there when it does: nothing is applied twice.
func TestInterruptedBatchGoesOn(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for range 3 {
		s.change("a")
	}
	head := s.at
	s.event("endpoint-e", domain.EndpointReplayRequested{Replay: "r", From: "0", Until: head.String(), EventCodes: []string{"all"}, RateLimit: 10})
	s.append("endpoint-e", domain.EndpointKeyRotated{SigningKey: domain.SigningKey{Secret: "two"}, PreviousUntil: someTime.Add(time.Hour)})
	s.append("endpoint-e", domain.EndpointRecoveryRequested{Since: someTime})
	s.append("deliveries-1", domain.DeliveriesReplayed{Replay: "r", Reached: head.String()})
	b := eventstore.Batch{Position: s.at}
	for r, err := range s.log.All(s.Context(), s.at) {
		s.must(err)
		b.Records, b.Position = append(b.Records, r), r.Position
	}
	log := &away{s.log, true}
	s.Outbox.log = log
	if err := s.Apply(t.Context(), b); !passes(err) {
		t.Fatalf("without the log the batch ends with %v", err)
	}
	log.away = false
	s.must(s.Apply(t.Context(), b))
	after, _ := s.endpoints.target("e")
	if after.State.Key.Secret != "two" || after.State.Previous.Secret == "two" {
		t.Errorf("the key is %q and the one before %q", after.State.Key.Secret, after.State.Previous.Secret)
	}
	if r, err := s.Replay(t.Context(), "r"); err != nil || r.Made != 3 {
		t.Errorf("the replay stands at %+v, %v", r, err)
	}
}

// What a server tells after another has begun to deliver moves nothing, in any outbox.
func TestEndedTenureIsPassedOver(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	first := s.due("e", someTime, 1).Fresh
	s.told(Retry, someTime, someTime.Add(time.Minute), first...)
	s.event("deliveries-2", domain.DeliveriesAttempted{Attempts: []domain.DeliveryAttempt{}})
	s.event("deliveries-2", domain.DeliveriesRelayed{Relay: "nats", Reached: "9"})
	s.told(Delivered, someTime.Add(time.Minute), time.Time{}, first...)
	s.event("deliveries-1", domain.DeliveriesRelayed{Relay: "nats", Reached: "3"})
	if got := s.logged(LogQuery{Endpoint: "e"}); fmt.Sprint(got) != "[a 2 pending]" {
		t.Errorf("the log shows %v", got)
	}
	if at, known, err := s.Relayed(t.Context(), "nats"); err != nil || !known || at.String() != "9" {
		t.Errorf("the relay has come to %s, %v", at, err)
	}
	late := s.follower()
	s.must(late.Begin(t.Context(), s.log.All(t.Context(), eventstore.Position{}), s.at))
	for _, o := range []*Outbox{s.Outbox, late.Outbox} {
		if n, err := o.Tenure(t.Context()); err != nil || n != 2 {
			t.Errorf("the tenure is %d, %v", n, err)
		}
	}
}

// A replay costs the records that it reads, not those over and over that its subjects began with.
func TestFollowedReplaysRememberTheirSubjects(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	const changes = 200
	for range changes {
		s.change("a")
	}
	head := s.at
	s.event("endpoint-e", domain.EndpointReplayRequested{Replay: "r", From: "0", Until: head.String(), EventCodes: []string{"all"}, RateLimit: 10})
	counting := &readCounter{Memory: s.log}
	s.Outbox.log = counting
	for n := range changes / 10 {
		at, _ := head.Numbers()
		at -= uint64(changes - 10*(n+1))
		s.event("deliveries-1", domain.DeliveriesReplayed{Replay: "r", Reached: eventstore.At(at, at).String()})
	}
	if r, err := s.Replay(t.Context(), "r"); err != nil || r.Made != changes {
		t.Fatalf("the replay stands at %+v, %v", r, err)
	}
	if counting.read > changes {
		t.Errorf("%d records of the subject's stream were read for %d changes", counting.read, changes)
	}
}

// readCounter counts the records that are read of streams.
type readCounter struct {
	*eventstore.Memory
	read int
}

func (c *readCounter) Read(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range c.Memory.Read(ctx, stream, after) {
			if c.read++; !yield(r, err) {
				return
			}
		}
	}
}

// A relay whose progress cannot be kept goes on when it can, and hands on nothing twice meanwhile.
func TestRelayWhoseProgressIsNotKept(t *testing.T) {
	s := newSending(t)
	s.change("a")
	handed, refused := 0, error(&eventstore.ConflictError{Stream: "deliveries-1"})
	relay, err := NewRelay(t.Context(), "nats", s.log, eventstore.Position{}, func(context.Context, Relayed) error { handed++; return nil },
		func(context.Context, eventstore.Position) error { return refused })
	s.must(err)
	b := eventstore.Batch{Position: s.at}
	for r, err := range s.log.All(s.Context(), eventstore.Position{}) {
		s.must(err)
		b.Records = append(b.Records, r)
	}
	if err := relay.Apply(t.Context(), b); !passes(err) {
		t.Errorf("it ends with %v", err)
	}
	refused = nil
	if err := relay.Apply(t.Context(), b); err != nil || handed != 1 {
		t.Errorf("%d were handed on, %v", handed, err)
	}
}

// A relay whose server has lost its turn hands on nothing more, though it is in the middle of a batch.
func TestRelayThatIsHeldNoMore(t *testing.T) {
	s := newSending(t)
	for range 5 {
		s.change("a")
	}
	held, lose := context.WithCancel(t.Context())
	handed := 0
	relay, err := NewRelay(held, "nats", s.log, eventstore.Position{}, func(context.Context, Relayed) error {
		if handed++; handed == 2 {
			lose()
		}
		return nil
	}, func(context.Context, eventstore.Position) error { return nil })
	s.must(err)
	b := eventstore.Batch{Position: s.at}
	for r, err := range s.log.All(s.Context(), eventstore.Position{}) {
		s.must(err)
		b.Records = append(b.Records, r)
	}
	if err := relay.Apply(t.Context(), b); !errors.Is(err, context.Canceled) || handed != 2 {
		t.Errorf("%d were handed on, %v", handed, err)
	}
}

// Who is in trouble for a time is told so, and who gets out of it before is not.
func TestTroubled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgress(eventstore.Position{})
		const patience = 8 * time.Second
		began := time.Now()
		go func() {
			p.stumble(errors.New("disk full"))
			time.Sleep(patience - time.Second)
			p.reach(eventstore.At(1, 1))
			time.Sleep(time.Minute)
			p.stumble(errors.New("disk full"))
		}()
		err := p.Troubled(t.Context(), patience)
		if took := time.Since(began); err == nil || took < time.Minute+patience || took > time.Minute+3*patience {
			t.Errorf("after %s it is told %v", took, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := newProgress(eventstore.Position{}).Troubled(ctx, patience); err != nil {
			t.Error(err)
		}
		p.fail(errors.New("damaged"))
		if err := p.Troubled(t.Context(), patience); err == nil || err.Error() != "damaged" {
			t.Errorf("of what has stopped it is told %v", err)
		}
	})
}
