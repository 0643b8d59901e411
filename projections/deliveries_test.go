package projections

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

var someTime = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// sending is an outbox over a log in memory, with users that change.
type sending struct {
	testing.TB
	*Outbox
	log      *eventstore.Memory
	folder   string
	at       eventstore.Position
	count    uint64
	versions map[string]eventstore.Version
}

func newSending(t testing.TB) *sending {
	s := &sending{TB: t, log: eventstore.NewMemory(), folder: t.TempDir(), versions: map[string]eventstore.Version{}}
	s.open()
	t.Cleanup(func() { _ = s.Outbox.Close() })
	return s
}

func (s *sending) open() {
	s.Helper()
	var err error
	s.Outbox, err = OpenOutbox(s.folder, s.log, "a log")
	s.must(err)
}

func (s *sending) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *sending) event(stream string, e domain.Event) {
	s.Helper()
	s.append(stream, e)
	for r, err := range s.log.All(s.Context(), s.at) {
		s.must(err)
		s.must(s.Apply(s.Context(), eventstore.Batch{Records: []eventstore.Record{r}, Position: r.Position}))
		s.at = r.Position
	}
}

// append appends what the outbox is not told yet.
func (s *sending) append(stream string, e domain.Event) {
	s.Helper()
	s.appendAt(someTime, stream, e)
}

func (s *sending) appendAt(at time.Time, stream string, e domain.Event) {
	s.Helper()
	name, data, err := domain.Encode(e)
	s.must(err)
	meta, err := domain.EncodeMeta(domain.Meta{Organization: "acme.example", Directory: "d", RecordedAt: at, Schema: domain.SchemaVersion})
	s.must(err)
	s.count++
	entry := eventstore.Entry{Type: name, Data: data, Meta: meta}
	binary.BigEndian.PutUint64(entry.ID[8:], s.count)
	_, err = s.log.Append(s.Context(), eventstore.Write{Stream: stream, Expected: s.versions[stream], Entries: []eventstore.Entry{entry}})
	s.must(err)
	s.versions[stream]++
}

func (s *sending) endpoint(id string, codes ...string) {
	s.Helper()
	s.event("endpoint-"+id, domain.EndpointCreated{EndpointSettings: domain.EndpointSettings{Name: id, URL: "https://" + id + ".example", EventCodes: codes}})
}

func (s *sending) change(user string) {
	s.Helper()
	if s.versions["user-"+user] == 0 {
		s.event("user-"+user, domain.UserProvisioned{Directory: "d", Attributes: domain.Attributes{"userName": user}})
		return
	}
	s.event("user-"+user, domain.UserUpdated{Edit: domain.Edit{Set: domain.Attributes{"displayName": fmt.Sprint(s.count)}}})
}

func (s *sending) due(endpoint string, now time.Time, limit int) Due {
	s.Helper()
	due, err := s.Due(s.Context(), endpoint, now, limit)
	s.must(err)
	return due
}

// record records the same for each delivery.
func (s *sending) record(fate Fate, at, next time.Time, deliveries ...Delivery) {
	s.Helper()
	for _, d := range deliveries {
		s.must(s.Record(s.Context(), Outcome{Delivery: d, Attempt: Attempt{At: at, Status: 200}, Fate: fate, Tries: d.Tries + 1, Next: next}))
	}
}

// sweep removes all whose time is over, and what deleted endpoints left.
func (s *sending) sweep(now time.Time) (removed int) {
	s.Helper()
	for {
		n, err := s.Sweep(s.Context(), now, Retention{Delivered: time.Hour, Failed: 2 * time.Hour})
		s.must(err)
		if removed += n; n == 0 {
			return removed
		}
	}
}

func subjects(deliveries []Delivery) string {
	var out []string
	for _, d := range deliveries {
		out = append(out, strings.TrimPrefix(d.Subject, "user-"))
	}
	return strings.Join(out, " ")
}

func TestDueListsTheFirstOfEachSubject(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for _, user := range []string{"a", "b", "a", "c", "b", "a"} {
		s.change(user)
	}
	due := s.due("e", someTime, 10)
	if got := subjects(due.Fresh); got != "a b c" || len(due.Again) != 0 || !due.Soonest.IsZero() {
		t.Fatalf("%s, %+v", got, due)
	}
	if got := subjects(s.due("e", someTime, 2).Fresh); got != "a b" {
		t.Errorf("of two: %s", got)
	}
	first := due.Fresh[0]
	if body, _, err := s.Body(t.Context(), first); err != nil || !strings.Contains(string(body), `"version":1}`) || first.Type != domain.TypeUserCreated || first.WebhookID != WebhookID(first.Event, "e") {
		t.Errorf("%+v, %v: %s", first, err, body)
	}

	s.record(Delivered, someTime, time.Time{}, due.Fresh[0])
	if got := subjects(s.due("e", someTime, 10).Fresh); got != "b a c" {
		t.Errorf("after a was delivered: %s", got)
	}
	s.record(Failed, someTime, time.Time{}, due.Fresh[1])
	if got := subjects(s.due("e", someTime, 10).Fresh); got != "a c b" {
		t.Errorf("after b failed: %s", got)
	}
	later := someTime.Add(time.Minute)
	s.record(Retry, someTime, later, due.Fresh[2])
	if due := s.due("e", someTime, 10); subjects(due.Fresh) != "a b" || len(due.Again) != 0 || !due.Soonest.Equal(later) {
		t.Errorf("after c was put off: %+v", due)
	}
	if due := s.due("e", later, 10); subjects(due.Again) != "c" || !due.Soonest.IsZero() || due.Again[0].Tries != 1 || !due.Again[0].FirstTry.Equal(someTime) {
		t.Errorf("when c is due: %+v", due)
	}
	if c, err := s.Counts(t.Context()); err != nil || c != (DeliveryCounts{Open: 4, Delivered: 1, Failed: 1}) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestStalestTakesTurns(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for _, user := range []string{"a", "b", "c", "d"} {
		s.change(user)
	}
	now := someTime
	s.record(Retry, now, now.Add(time.Hour), s.due("e", now, 10).Fresh[3]) // not due: not probed with
	var turns []string
	for range 7 {
		now = now.Add(time.Second)
		list, err := s.Stalest(t.Context(), "e", now, 1)
		s.must(err)
		turns = append(turns, subjects(list))
		s.record(Retry, now, now, list...)
	}
	if got := strings.Join(turns, " "); got != "a b c a b c a" {
		t.Errorf("turns: %s", got)
	}
}

// However outcomes come, what is ready is the first of each subject that has not ended, and recording twice changes nothing.
func TestReadyIsAlwaysTheFirstThatHasNotEnded(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	open := map[string][]uint64{} // for each subject its changes that have not ended
	chance := rand.New(rand.NewPCG(1, 2))
	var last []Delivery
	for range 400 {
		user := fmt.Sprint(chance.IntN(5))
		switch due := s.due("e", someTime, 100); {
		case chance.IntN(2) == 0 || len(due.Fresh)+len(due.Again) == 0:
			s.change(user)
			open["user-"+user] = append(open["user-"+user], s.count)
		default:
			all := slices.Concat(due.Fresh, due.Again)
			d := all[chance.IntN(len(all))]
			fate := Fate(chance.IntN(3))
			s.record(fate, someTime, someTime, d)
			if fate != Retry {
				open[d.Subject] = open[d.Subject][1:]
				last = append(last, d)
			}
			if len(last) > 0 {
				s.record(Delivered, someTime, someTime, last[chance.IntN(len(last))])
			}
		}
		want, got := map[string]uint64{}, map[string]uint64{}
		for subject, changes := range open {
			if len(changes) > 0 {
				want[subject] = changes[0]
			}
		}
		due := s.due("e", someTime, 100)
		for _, d := range slices.Concat(due.Fresh, due.Again) {
			got[d.Subject] = binary.BigEndian.Uint64(d.Event[8:])
		}
		if !maps.Equal(got, want) {
			t.Fatalf("ready %v, want %v", got, want)
		}
	}
}

func TestRecordedTwiceIsRecordedOnce(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	s.change("a")
	s.change("a")
	first := s.due("e", someTime, 10).Fresh[0]
	s.record(Delivered, someTime, time.Time{}, first, first)
	if due := s.due("e", someTime, 10); len(due.Fresh) != 1 {
		t.Errorf("%d of one subject are ready", len(due.Fresh))
	}
}

func TestWhatIsLeftOfADeletedEndpointIsNothing(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	s.change("a")
	d := s.due("e", someTime, 10).Fresh[0]
	s.event("endpoint-e", domain.EndpointDeleted{})
	s.record(Delivered, someTime, time.Time{}, d)
	s.sweep(someTime)
	if c, err := s.Counts(t.Context()); err != nil || c != (DeliveryCounts{}) {
		t.Errorf("%+v, %v", c, err)
	}
	if _, _, err := s.Body(t.Context(), d); !errors.Is(err, ErrNotFound) {
		t.Errorf("its message: %v", err)
	}
	if targets := s.follow().news(); len(targets) != 0 {
		t.Errorf("endpoints %+v", targets)
	}
}

func TestFailingSinceOutlivesARestartAndEndsWithDisabling(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	fail := func() {
		d := s.due("e", someTime, 10)
		s.must(s.Record(t.Context(), Outcome{Delivery: slices.Concat(d.Fresh, d.Again)[0], Attempt: Attempt{At: someTime}, Next: someTime, FailingSince: someTime}))
	}
	since := func() time.Time {
		at, err := s.FailingSince(t.Context(), "e")
		s.must(err)
		return at
	}
	fail()
	s.must(s.Outbox.Close())
	s.open()
	if !since().Equal(someTime) {
		t.Errorf("after a restart it fails since %s", since())
	}
	s.event("endpoint-e", domain.EndpointTested{})
	if !since().Equal(someTime) {
		t.Errorf("after a test was asked for it fails since %s", since())
	}
	s.event("endpoint-e", domain.EndpointDisabled{Reason: "r"})
	if !since().IsZero() {
		t.Errorf("disabled it fails since %s", since())
	}
	if fail(); !since().IsZero() {
		t.Errorf("a straggler made it fail since %s", since())
	}
}

// No statement looks at more rows than it needs, however many there are.
func TestStatementsUseIndexes(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	s.change("a")
	due := s.due("e", someTime, 10)
	s.record(Delivered, someTime, time.Time{}, due.Fresh...)
	for _, e := range []domain.Event{
		domain.EndpointResendRequested{Delivery: s.ids("e")[0]}, domain.EndpointDeliveryCancelled{Delivery: s.ids("e")[0]}, domain.EndpointRecoveryRequested{},
		domain.EndpointReplayRequested{Replay: "r", From: "0", Until: "1"}, domain.EndpointReplayCancelled{Replay: "r"}, domain.EndpointDeleted{},
	} {
		s.event("endpoint-e", e)
		for _, c := range s.recovering() {
			step := domain.DeliveriesRecovered{Endpoint: "e", Recovery: c.queue, Reached: s.ids("e")[0]}
			s.must(s.db.update(t.Context(), func(b *batch) error { return recoverStep(b, step) }))
		}
		s.recovered()
	}
	s.sweep(someTime)
	queries := append(s.db.write.kept.Keys(), deliveryFresh, deliveryAgain, deliveryStalest, deliverySoonest, deliveryBody,
		loggedOne, recoveredNext, replayRunning, replayOne)
	looked := 0
	for _, query := range queries {
		if !strings.Contains(query, "deliveries") && !strings.Contains(query, "attempts") && !strings.Contains(query, "messages") {
			continue
		}
		steps, err := rowsOf(t.Context(), s.db.read, planned, `EXPLAIN QUERY PLAN `+regexp.MustCompile(`\?\d*`).ReplaceAllString(query, "1"))
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		for _, step := range steps {
			whole := regexp.MustCompile(`^SCAN (d|m|a|deliveries|messages|attempts)$`).MatchString(step)
			if whole || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\n%s", query, step)
			}
			if strings.Contains(step, "SEARCH") && strings.Contains(step, "deliveries") && strings.Contains(query, "queue = ? ") && !strings.Contains(step, "deliveries_open") && !strings.Contains(step, "PRIMARY KEY") {
				t.Errorf("%s\n%s", query, step)
			}
			if query == replayOne && strings.Contains(step, " d ") && !strings.Contains(step, "deliveries_of_replays (lane=?)") {
				t.Errorf("%s\n%s", query, step)
			}
			looked++
		}
	}
	if looked < 8 {
		t.Errorf("only %d steps were looked at", looked)
	}
}
