package projections

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// moved copies the log of a sending to another one, where every position is another, and opens an outbox there as a server does that is new.
func (s *sending) moved(relayed ...domain.DeliveriesRelayed) *sending {
	s.Helper()
	there := &sending{TB: s.TB, log: eventstore.NewMemory(), folder: s.TempDir(), versions: map[string]eventstore.Version{}, count: s.count + 1000}
	there.append("organization-other", domain.OrganizationCreated{Name: "Other", Domain: "other"})
	for r, err := range s.log.All(s.Context(), eventstore.Position{}) {
		s.must(err)
		_, err = there.log.Append(s.Context(), eventstore.Write{Stream: r.Stream, Expected: r.Version - 1, Entries: []eventstore.Entry{r.Entry}})
		s.must(err)
		there.versions[r.Stream] = r.Version
	}
	head, err := there.log.Head(s.Context())
	s.must(err)
	tenure, err := s.Tenure(s.Context())
	s.must(err)
	for e, err := range s.Handover(s.Context(), head, relayed) {
		s.must(err)
		there.append(fmt.Sprint("deliveries-", tenure+1), e)
	}
	there.begin()
	return there
}

// begin opens an outbox as a server does that is new where others deliver.
func (s *sending) begin() {
	s.Helper()
	s.folder = s.TempDir()
	s.open()
	outbox := s.Outbox
	s.Cleanup(func() { _ = outbox.Close() })
	at, _, err := LastSettled(s.Context(), s.log)
	s.must(err)
	s.must(s.Begin(s.Context(), s.log.All(s.Context(), eventstore.Position{}), at))
	s.must(CatchUp(s.Context(), s.log, s.Outbox))
	s.at = s.Progress().Position()
}

// left is what is yet to be delivered, without what is different in each file and log.
func (s *sending) left() (all []string) {
	s.Helper()
	open, err := s.unended(s.Context(), 0)
	s.must(err)
	for _, l := range open {
		var m Message
		s.must(json.Unmarshal(l.Body, &m))
		m.Data.Position = ""
		body, err := m.Body()
		s.must(err)
		l.Seq, l.Position, l.Body = 0, "", nil
		all = append(all, fmt.Sprintf("%+v %s", l, body))
	}
	return all
}

func (s *sending) ready(endpoint string) []Delivery {
	due := s.due(endpoint, someTime.Add(100*time.Hour), 100)
	return append(due.Fresh, due.Again...)
}

// An outbox that begins behind a log that was moved has what the one before had not delivered, to the last attempt, and nothing else.
func TestHandover(t *testing.T) {
	s := newSending(t)
	for _, id := range []string{"works", "fails", "paused", "gone"} {
		s.endpoint(id, "all")
	}
	s.event("endpoint-paused", domain.EndpointPaused{})
	s.event("group-g", domain.GroupCreated{Directory: "d", Attributes: domain.Attributes{"displayName": "g"}, Members: []domain.Member{{ID: "a"}}})
	for range 3 {
		s.change("a")
		s.change("b")
	}
	s.event("endpoint-fails", domain.EndpointTested{})
	s.event("endpoint-fails", domain.EndpointTested{Types: []string{domain.TypeUserCreated, domain.TypeGroupDeleted}})
	// One works; of what it has, one message is asked for again. The other fails, once and twice.
	for range 3 {
		s.record(Delivered, someTime, time.Time{}, s.ready("works")...)
	}
	last, err := s.Outbox.Log(t.Context(), LogQuery{Endpoint: "works", Page: 1, PerPage: 1})
	s.must(err)
	s.event("endpoint-works", domain.EndpointResendRequested{Delivery: last.Items[0].ID})
	since := someTime.Add(-time.Minute)
	for i := range 2 {
		for _, d := range s.ready("fails")[:2] {
			s.must(s.Record(t.Context(), Outcome{
				Delivery: d, Attempt: Attempt{At: someTime.Add(time.Duration(i) * time.Second), Status: 503, Answer: "no", Error: "answered 503"},
				Fate: Retry, Tries: i + 1, Next: someTime.Add(time.Hour), FailingSince: since,
			}))
		}
	}
	s.event("endpoint-gone", domain.EndpointDeleted{})

	there := s.moved(domain.DeliveriesRelayed{Relay: "to-nats", Reached: "5"})
	want, got := s.left(), there.left()
	if len(want) < 18 {
		t.Fatalf("only %d deliveries have not ended", len(want))
	}
	if len(got) != len(want) {
		t.Errorf("%d are to be delivered, and were %d", len(got), len(want))
	}
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			t.Fatalf("delivery %d is\n%s\nand was\n%s", i, got[i], want[i])
		}
	}
	for _, id := range []string{"works", "fails"} {
		if want, got := subjects(s.ready(id)), subjects(there.ready(id)); want != got {
			t.Errorf("%s is sent %s, and was to be sent %s", id, got, want)
		}
	}
	if at, err := there.FailingSince(t.Context(), "fails"); err != nil || !at.Equal(since) {
		t.Errorf("it fails since %s, %v", at, err)
	}
	if at, known, err := there.Relayed(t.Context(), "to-nats"); err != nil || !known || at != eventstore.At(5, 5) {
		t.Errorf("the broker has all up to %s, %v, %v", at, known, err)
	}
	n := 0
	for {
		rest := append(there.ready("works"), there.ready("fails")...)
		if n += len(rest); len(rest) == 0 {
			break
		}
		there.record(Delivered, someTime, time.Time{}, rest...)
	}
	paused := len(there.left())
	if n+paused != len(want) {
		t.Errorf("%d can be delivered and %d are paused, of %d", n, paused, len(want))
	}
}

// A message that is made anew names members as they were called then.
func TestHandoverNamesMembers(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", domain.TypeUserCreated, domain.TypeGroupCreated)
	s.change("a")
	s.event("user-a", domain.UserUpdated{Edit: domain.Edit{Set: domain.Attributes{"userName": "renamed"}}})
	s.event("group-g", domain.GroupCreated{Directory: "d", Attributes: domain.Attributes{"displayName": "g"}, Members: []domain.Member{{ID: "a"}}})
	if want, got := s.left(), s.moved().left(); !slices.Equal(got, want) || !strings.Contains(strings.Join(want, ""), `"userName":"renamed"}`) {
		t.Errorf("the messages are\n%s\nand were\n%s", got, want)
	}
}

// What a broker had in a log that was moved says nothing about it where it is now.
func TestHandoverForgetsRelaysOfBefore(t *testing.T) {
	s := newSending(t)
	s.event("deliveries-3", domain.DeliveriesRelayed{Relay: "to-nats", Reached: "700"})
	there := s.moved()
	for range 2 {
		if relays, err := there.Relays(t.Context()); err != nil || len(relays) > 0 {
			t.Fatalf("brokers have %v, %v", relays, err)
		}
		there.event("deliveries-9", domain.DeliveriesAttempted{Settled: there.at.String()})
		there.begin() // behind what was told of the move
	}
}

func TestHandoverWaitsForReplays(t *testing.T) {
	for what, ask := range map[string]func(*sending) domain.Event{
		"replay": func(s *sending) domain.Event {
			s.change("a")
			return domain.EndpointReplayRequested{Replay: "r", From: "0", Until: s.at.String(), EventCodes: []string{"all"}, RateLimit: 1}
		},
		"recovery": func(s *sending) domain.Event {
			for i := range recoverTogether {
				s.change(fmt.Sprint(i))
			}
			s.record(Failed, someTime, time.Time{}, s.due("e", someTime, recoverTogether).Fresh...)
			return domain.EndpointRecoveryRequested{Since: someTime}
		},
	} {
		s := newSending(t)
		s.endpoint("e", "all")
		s.event("endpoint-e", ask(s))
		for e, err := range s.Handover(t.Context(), s.at, nil) {
			if !errors.Is(err, ErrReplaying) {
				t.Errorf("%s: it yields %v, %v", what, e, err)
			}
			break
		}
	}
}

// Where an outbox says that all is settled another one may begin: it then has the same to deliver, also among what was moved.
func TestSettledAmongMoved(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for i := range 2 * movedTogether {
		s.change(fmt.Sprint("user", i%40))
	}
	there := s.moved()
	for i := range 3 {
		there.change(fmt.Sprint("new", i))
	}
	for round := 0; ; round++ {
		open := there.left()
		if at, known, err := there.Settled(t.Context()); err != nil {
			t.Fatal(err)
		} else if known {
			there.event("deliveries-9", domain.DeliveriesAttempted{Settled: at.String()})
		}
		other := &sending{TB: t, log: there.log, versions: there.versions}
		other.begin()
		if got := other.left(); !slices.Equal(got, open) {
			t.Fatalf("round %d: %d are to be delivered, and an outbox that begins now has %d", round, len(open), len(got))
		}
		if len(open) == 0 {
			if round < 5 {
				t.Fatalf("all were delivered in %d rounds", round)
			}
			return
		}
		ready := there.ready("e")
		ready = ready[:min(len(ready), 33)]
		// It stands in the log too, for those who begin anew.
		var e domain.DeliveriesAttempted
		for _, d := range ready {
			e.Attempts = append(e.Attempts, AttemptOf(Outcome{Delivery: d, Attempt: Attempt{At: someTime, Status: 200}, Fate: Delivered, Tries: 1}))
		}
		there.event("deliveries-9", e)
	}
}

// What cannot be made a message of stops the outbox, for it would be lost.
func TestMovedThatIsNotThere(t *testing.T) {
	for _, d := range []domain.MovedDelivery{
		{Endpoint: "e", Event: "no id", Stream: "user-a", Version: 1},
		{Endpoint: "e", Event: eventstore.ID{1}.String(), Stream: "user-a", Version: 1},
		{Endpoint: "e", Event: eventstore.ID{1}.String(), Stream: "user-a", Version: 7},
		{Endpoint: "e", Event: eventstore.ID{1}.String(), Stream: "user-b", Version: 1},
		{Endpoint: "e", Event: eventstore.ID{1}.String(), Stream: "endpoint-e", Version: 1},
	} {
		s := newSending(t)
		s.endpoint("e", "all")
		s.change("a")
		s.append("deliveries-1", domain.DeliveriesMoved{Deliveries: []domain.MovedDelivery{d}})
		if err := CatchUp(t.Context(), s.log, s.Outbox); err == nil {
			t.Errorf("%+v was passed over", d)
		}
	}
}
