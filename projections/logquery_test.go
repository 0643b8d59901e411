package projections

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// lively is an outbox with two endpoints, of which one was given up on now and then.
func lively(t *testing.T, users int) *sending {
	s := newSending(t)
	s.endpoint("e", "all")
	s.endpoint("f", domain.TypeGroupDeleted, domain.TypeGroupCreated)
	s.event("group-g", domain.GroupCreated{Directory: "d", Attributes: domain.Attributes{"displayName": "g"}})
	for n := range users {
		s.change(fmt.Sprint(n))
	}
	s.record(Failed, someTime, time.Time{}, s.due("e", someTime, 3).Fresh...)
	s.record(Delivered, someTime, time.Time{}, s.due("e", someTime, users).Fresh[users/2:]...)
	return s
}

// each calls f with each query that there may be, as far as its conditions are among those given. For those among several endpoints there are names that
// nobody has, too.
func each(f func(q LogQuery)) {
	for _, endpoint := range []string{"", "e", "e f"} {
		for _, state := range []DeliveryState{"", StatePending, StateFailed} {
			for _, kind := range []string{"", domain.TypeUserCreated} {
				for _, subject := range []string{"", "user-1"} {
					q := LogQuery{Endpoint: endpoint, State: state, Type: kind, Subject: subject, Page: 1, PerPage: 7}
					if endpoint == "e f" {
						q.Endpoint, q.Among = "", []string{"f", "nobody's", "e"}
					}
					f(q)
				}
			}
		}
	}
}

// Whatever is asked for, SQLite reads it in its order from an index.
func TestDeliveryLogPlans(t *testing.T) {
	s := lively(t, 20)
	each(func(q LogQuery) {
		whole := regexp.MustCompile(`(?m)^SCAN [dm]$|TEMP B-TREE`)
		index := "INTEGER PRIMARY KEY"
		switch {
		case q.Endpoint+q.Type+q.Subject+string(q.State) == "" && q.Among == nil:
			whole = regexp.MustCompile(`SCAN m|TEMP B-TREE`) // all are in their order already, and are read up to the page
		case q.Subject != "":
			index = "deliveries_about"
		case (q.Endpoint != "" || q.Among != nil) && q.State != "":
			index = "deliveries_standing_to"
		case q.State != "":
			index = "deliveries_standing "
		case (q.Endpoint != "" || q.Among != nil) && q.Type == "":
			index = "deliveries_to"
		case q.Type != "":
			index = "deliveries_typed"
		}
		for _, q.Page = range []int{1, 2} {
			plan := plans(t, func() {
				_, err := s.Outbox.Log(t.Context(), q)
				s.must(err)
			}, s.db.read)
			plan, _, _ = strings.Cut(plan, "SCAN s VIRTUAL TABLE") // the attempts of the page, which are sorted
			if !strings.Contains(plan, index) || whole.MatchString(plan) {
				t.Errorf("%+v\n%s", q, plan)
			}
		}
	})
}

// However deliveries are selected, the pages by number and those by Before are the same, and make up the whole with its total.
func TestDeliveryLogPages(t *testing.T) {
	s := lively(t, 40)
	each(func(q LogQuery) {
		var byNumber, byKey []int64
		walked := q
		for ; ; q.Page++ {
			page, err := s.Outbox.Log(t.Context(), q)
			s.must(err)
			key, err := s.Outbox.Log(t.Context(), walked)
			s.must(err)
			if page.Total != key.Total {
				t.Fatalf("%+v: totals %d and %d", q, page.Total, key.Total)
			}
			if len(page.Items)+len(key.Items) == 0 {
				if page.Total != len(byNumber) || !slices.Equal(byNumber, byKey) {
					t.Errorf("%+v: of %d there are\n%v\n%v", q, page.Total, byNumber, byKey)
				}
				return
			}
			for _, l := range page.Items {
				byNumber = append(byNumber, l.Seq)
			}
			for _, l := range key.Items {
				byKey = append(byKey, l.Seq)
			}
			walked.Before = key.Last
		}
	})
}

// What a page costs follows neither what is before it nor what its condition does not select, where that is one condition.
func TestDeliveryLogCostsItsPage(t *testing.T) {
	cost := func(s *sending, q LogQuery) Work {
		t.Helper()
		var work Work
		traceReads(t, work.add, s.db.read)
		_, err := s.Outbox.Log(t.Context(), q)
		s.must(err)
		return work
	}
	few, many := lively(t, 40), lively(t, 1200)
	last := func(s *sending) int64 {
		n, err := counted(t.Context(), s.db.read, `SELECT max(seq) FROM deliveries`)
		s.must(err)
		return int64(n)
	}
	for _, q := range []LogQuery{
		{}, {State: StateFailed}, {State: StatePending}, {State: StateDelivered}, {Type: domain.TypeUserCreated}, {Type: domain.TypeGroupCreated}, {Endpoint: "f"},
		{Endpoint: "e", State: StateFailed}, {Subject: "user-1"}, {State: StateFailed, Type: domain.TypeUserCreated}, {Endpoint: "f", Type: domain.TypeUserCreated},
		{Endpoint: "e", Type: domain.TypeGroupCreated}, {State: StatePending, Type: domain.TypeGroupCreated},
	} {
		q.Page, q.PerPage = 1, 3
		a, b := cost(few, q), cost(many, q)
		if b.Steps > a.Steps+50 {
			t.Errorf("%+v took %+v, and %+v beside 1,200", q, a, b)
		}
		if q.Type != "" {
			continue
		}
		q.Before = last(few)
		a = cost(few, q)
		q.Before = last(many) - 1000
		if b := cost(many, q); b.Steps > a.Steps+50 {
			t.Errorf("%+v took %+v, and behind 1,000 %+v", q, a, b)
		}
	}
}

// Among several endpoints are those deliveries that there are to each, and among none there is none.
func TestDeliveriesAmongEndpoints(t *testing.T) {
	s := newSending(t)
	for _, id := range []string{"e", "f", "g"} {
		s.endpoint(id, "all")
	}
	s.change("a") // to each of three
	s.change("b")
	for want, among := range map[string][]string{"e f e f": {"f", "e", "nobody's"}, "g g": {"g"}, "": {}} {
		page, err := s.Outbox.Log(t.Context(), LogQuery{Among: among, Page: 1, PerPage: 10})
		s.must(err)
		var to []string
		for _, l := range slices.Backward(page.Items) {
			to = append(to, l.Endpoint)
		}
		if got := strings.Join(to, " "); got != want || page.Total != len(to) || page.Items == nil {
			t.Errorf("among %q are %q of %d", among, got, page.Total)
		}
	}
}
