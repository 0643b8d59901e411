package projections

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// logged lists the deliveries of an endpoint as the log shows them, the oldest first: subject, version and state.
func (s *sending) logged(q LogQuery) (out []string) {
	s.Helper()
	q.Page, q.PerPage = 1, 100
	page, err := s.Outbox.Log(s.Context(), q)
	s.must(err)
	if page.Total != len(page.Items) {
		s.Errorf("%d of %d are listed", len(page.Items), page.Total)
	}
	for _, l := range slices.Backward(page.Items) {
		out = append(out, fmt.Sprint(strings.TrimPrefix(l.Subject, "user-"), " ", l.Position, " ", l.State))
	}
	return out
}

// ids are those of the deliveries of an endpoint, in the order in which they were made.
func (s *sending) ids(endpoint string) (out []string) {
	s.Helper()
	page, err := s.Outbox.Log(s.Context(), LogQuery{Endpoint: endpoint, Page: 1, PerPage: 100})
	s.must(err)
	for _, l := range slices.Backward(page.Items) {
		out = append(out, l.ID)
	}
	return out
}

// tallied holds the tallies against the rows.
func (s *sending) tallied() {
	s.Helper()
	wrong, err := counted(s.Context(), s.db.read, `SELECT count(*) FROM (
		SELECT endpoint, state, count(*) AS n FROM deliveries GROUP BY endpoint, state EXCEPT SELECT endpoint, state, n FROM tallies)`)
	s.must(err)
	more, err := counted(s.Context(), s.db.read, `SELECT count(*) FROM (
		SELECT endpoint, state, n FROM tallies WHERE n <> 0 EXCEPT SELECT endpoint, state, count(*) FROM deliveries GROUP BY endpoint, state)`)
	s.must(err)
	if wrong+more != 0 {
		s.Errorf("%d tallies are wrong", wrong+more)
	}
	wrong, err = counted(s.Context(), s.db.read, `SELECT count(*) FROM (
		SELECT type, state, count(*) AS n FROM deliveries GROUP BY type, state EXCEPT SELECT type, state, n FROM totals)`)
	s.must(err)
	more, err = counted(s.Context(), s.db.read, `SELECT count(*) FROM (
		SELECT type, state, n FROM totals WHERE n <> 0 EXCEPT SELECT type, state, count(*) FROM deliveries GROUP BY type, state)`)
	s.must(err)
	if wrong+more != 0 {
		s.Errorf("%d totals are wrong", wrong+more)
	}
}

// What was given up since a time is sent again in its order, beside what is live.
func TestRecover(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for _, user := range []string{"a", "a", "b", "c"} {
		s.change(user)
	}
	day := func(n int) time.Time { return someTime.AddDate(0, 0, n) }
	s.record(Failed, day(1), time.Time{}, s.due("e", day(1), 10).Fresh...) // the first of a, b and c
	s.record(Failed, day(2), time.Time{}, s.due("e", day(2), 10).Fresh...) // the second of a
	s.change("a")
	s.event("endpoint-e", domain.EndpointRecoveryRequested{Since: day(2)})
	s.recovered()
	if got := subjects(s.due("e", day(3), 10).Fresh); got != "a a" { // the live one first
		t.Errorf("due are %s", got)
	}
	s.event("endpoint-e", domain.EndpointRecoveryRequested{Since: day(1)})
	s.recovered()
	due := s.due("e", day(3), 10).Fresh
	if got := subjects(due); got != "a a a b c" {
		t.Errorf("due are %s", got)
	}
	for _, d := range due {
		if d.Tries != 0 {
			t.Errorf("%s begins with %d tries", d.Subject, d.Tries)
		}
	}
	s.record(Delivered, day(3), time.Time{}, due...)
	if due := s.due("e", day(3), 10); len(due.Fresh)+len(due.Again) != 0 {
		t.Errorf("left are %+v", due)
	}
	s.tallied()
}

// Those that are recovered together keep the order of their subject.
func TestRecoveredTogetherStayInOrder(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for range 3 {
		s.change("a")
	}
	for range 3 {
		s.record(Failed, someTime, time.Time{}, s.due("e", someTime, 10).Fresh...)
	}
	s.event("endpoint-e", domain.EndpointRecoveryRequested{Since: someTime})
	s.recovered()
	var came []int64
	for range 3 {
		due := s.due("e", someTime, 10).Fresh
		if len(due) != 1 {
			t.Fatalf("%d are due at once", len(due))
		}
		came = append(came, due[0].Seq)
		s.record(Delivered, someTime, time.Time{}, due...)
	}
	if !slices.IsSorted(came) {
		t.Errorf("they come as %v", came)
	}
	s.tallied()
}

// One delivery that has ended is sent again under its id; one that has not is left as it is.
func TestResend(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	s.change("a")
	ids := s.ids("e")
	s.event("endpoint-e", domain.EndpointResendRequested{Delivery: ids[0]})
	if got := subjects(s.due("e", someTime, 10).Fresh); got != "a" {
		t.Errorf("due are %s", got)
	}
	first := s.due("e", someTime, 10).Fresh[0]
	s.record(Delivered, someTime, time.Time{}, first)
	s.event("endpoint-e", domain.EndpointResendRequested{Delivery: ids[0]})
	due := s.due("e", someTime, 10).Fresh
	if len(due) != 2 || due[1].Seq != first.Seq || due[1].WebhookID != first.WebhookID {
		t.Fatalf("due are %+v", due)
	}
	s.record(Delivered, someTime, time.Time{}, due[1])
	l, err := s.Logged(t.Context(), ids[0])
	if err != nil || l.State != StateDelivered || len(l.Attempts) != 2 || l.WebhookID != ids[0] {
		t.Errorf("the log shows %+v, %v", l, err)
	}
	if got := subjects(s.due("e", someTime, 10).Fresh); got != "a" { // the second one still waits for its turn, and has it
		t.Errorf("due are %s", got)
	}
	s.event("endpoint-e", domain.EndpointResendRequested{Delivery: "msg_nothing"})
	s.tallied()
}

// What is cancelled is not sent, and what waited for it is.
func TestCancel(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for range 3 {
		s.change("a")
	}
	ids := s.ids("e")
	cancel := func(id string) { s.event("endpoint-e", domain.EndpointDeliveryCancelled{Delivery: id}) }
	picked := s.due("e", someTime, 10).Fresh[0]
	cancel(ids[1]) // waits
	if due := s.due("e", someTime, 10).Fresh; len(due) != 1 || due[0].Seq != picked.Seq {
		t.Errorf("due are %+v, though the first has not ended", due)
	}
	cancel(ids[0]) // ready
	if _, _, err := s.Body(t.Context(), picked); !errors.Is(err, ErrNotFound) {
		t.Errorf("one that was picked before it was cancelled can still be sent: %v", err)
	}
	due := s.due("e", someTime, 10).Fresh
	if len(due) != 1 || DeliveryID(due[0].WebhookID, due[0].Lane) != ids[2] {
		t.Errorf("due are %+v", due)
	}
	s.record(Delivered, someTime, time.Time{}, due...)
	cancel(ids[2]) // has ended
	if got := s.logged(LogQuery{Endpoint: "e"}); strings.Join(got, ", ") != "a 2 cancelled, a 3 cancelled, a 4 delivered" {
		t.Errorf("the log shows %s", got)
	}
	s.tallied()
}

// What an attempt was that ends after its delivery was cancelled, and after it was asked for again, is kept, and moves nobody.
func TestAttemptsThatComeTooLate(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	for range 3 {
		s.change("a")
	}
	ids := s.ids("e")
	late := s.due("e", someTime, 10).Fresh[0]
	s.event("endpoint-e", domain.EndpointDeliveryCancelled{Delivery: ids[0]})
	s.record(Delivered, someTime, time.Time{}, late)
	s.record(Delivered, someTime, time.Time{}, late) // again, since nobody heard of the commit
	if l, err := s.Logged(t.Context(), ids[0]); err != nil || l.State != StateCancelled || len(l.Attempts) != 1 {
		t.Errorf("the log shows %+v, %v", l, err)
	}
	s.event("endpoint-e", domain.EndpointResendRequested{Delivery: ids[0]})
	if _, _, err := s.Body(t.Context(), late); !errors.Is(err, ErrNotFound) {
		t.Errorf("one that was picked before it was asked for again: %v", err)
	}
	s.record(Delivered, someTime.Add(time.Second), time.Time{}, late)
	due := s.due("e", someTime, 10).Fresh
	if len(due) != 2 || DeliveryID(due[0].WebhookID, due[0].Lane) != ids[1] || due[1].Seq != late.Seq || due[1].Queue == late.Queue {
		t.Errorf("due are %+v", due)
	}
	if l, err := s.Logged(t.Context(), ids[0]); err != nil || l.State != StatePending || len(l.Attempts) != 2 {
		t.Errorf("the log shows %+v, %v", l, err)
	}
	s.tallied()
}

// What is asked for again begins anew: nothing tells that the endpoint accepted others since its first try.
func TestAgainIsANewBeginning(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	s.record(Failed, someTime, time.Time{}, s.due("e", someTime, 10).Fresh[0])
	s.event("endpoint-e", domain.EndpointResendRequested{Delivery: s.ids("e")[0]})
	if due := s.due("e", someTime, 10).Fresh; len(due) != 1 || !due[0].FirstTry.IsZero() || !due[0].LastTry.IsZero() || due[0].Tries != 0 {
		t.Errorf("due are %+v", due)
	}
}

func TestDeliveryLogIsFiltered(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.endpoint("f", "directory.user.created")
	s.change("a") // at 3
	s.change("a") // at 4
	s.change("b") // at 5
	s.record(Failed, someTime, time.Time{}, s.due("f", someTime, 1).Fresh...)
	s.record(Delivered, someTime, time.Time{}, s.due("e", someTime, 1).Fresh...)
	for want, q := range map[string]LogQuery{
		"a 3 delivered, a 3 failed, a 4 pending, b 5 pending, b 5 pending": {},
		"a 3 delivered, a 4 pending, b 5 pending":                          {Endpoint: "e"},
		"a 3 failed":                             {State: StateFailed},
		"a 3 delivered":                          {Endpoint: "e", State: StateDelivered},
		"a 4 pending":                            {Type: domain.TypeUserUpdated},
		"a 3 delivered, a 3 failed, a 4 pending": {Subject: "user-a"},
		"b 5 pending":                            {Subject: "user-b", Endpoint: "f", State: StatePending, Type: domain.TypeUserCreated},
		"":                                       {Endpoint: "nobody's"},
	} {
		got := s.logged(q)
		slices.Sort(got)
		if strings.Join(got, ", ") != want {
			t.Errorf("%+v shows %q", q, got)
		}
	}
	backlogs, err := s.Backlogs(t.Context())
	s.must(err)
	if len(backlogs) != 2 || backlogs[0] != (Backlog{"e", 2, someTime}) || backlogs[1] != (Backlog{"f", 1, someTime}) {
		t.Errorf("backlogs %+v", backlogs)
	}
}

// A delivery that was cancelled is kept as long as one that was given up, and no longer.
func TestRetentionOfCancelled(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	s.event("endpoint-e", domain.EndpointDeliveryCancelled{Delivery: s.ids("e")[0]})
	ended := someTime // when the event says
	if n := s.sweep(ended.Add(2 * time.Hour)); n != 0 || count(t, s.db, "deliveries") != 1 {
		t.Errorf("%d were removed while their time was not over", n)
	}
	if n := s.sweep(ended.Add(2*time.Hour + time.Second)); n != 1 || count(t, s.db, "deliveries") != 0 || len(s.bodies()) != 0 {
		t.Errorf("%d were removed when their time was over, and the messages %s are left", n, s.bodies())
	}
	s.tallied()
}

// Deliveries are kept for their time, those given up for longer, and with the last of a message the message goes.
func TestRetention(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.endpoint("f", "all")
	s.change("a")
	s.change("b")
	s.record(Delivered, someTime, time.Time{}, s.due("e", someTime, 10).Fresh...)
	s.record(Failed, someTime, time.Time{}, s.due("f", someTime, 1).Fresh...)
	for _, c := range []struct {
		after                        time.Duration
		removed, left, bodies, tries int
	}{{0, 0, 4, 2, 3}, {time.Hour + time.Second, 2, 2, 2, 1}, {2*time.Hour + time.Second, 1, 1, 1, 0}, {1000 * time.Hour, 0, 1, 1, 0}} {
		removed := s.sweep(someTime.Add(c.after))
		if removed != c.removed || count(t, s.db, "deliveries") != c.left || len(s.bodies()) != c.bodies || count(t, s.db, "attempts") != c.tries {
			t.Errorf("after %s: %d removed, %d deliveries, %d messages and %d attempts left", c.after, removed, count(t, s.db, "deliveries"), len(s.bodies()), count(t, s.db, "attempts"))
		}
	}
	s.tallied()
}
