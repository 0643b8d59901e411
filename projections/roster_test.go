package projections

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// follow is a follower of the endpoints, who is asked instead of waiting.
func (s *sending) follow() following { return following{s.endpoints, s.endpoints.join()} }

type following struct {
	roster *roster
	*follower
}

func (f following) news() []Target { return f.roster.newsOf(f.follower) }

func told(targets []Target) string {
	var out []string
	for _, t := range targets {
		if t.State.Deleted {
			t.ID = "no " + t.ID
		}
		out = append(out, fmt.Sprint(t.ID, " ", t.Made))
	}
	return strings.Join(out, ", ")
}

// Who follows is told of all endpoints, and then of those that have changed or that there is more to send to, and of no others.
func TestOnlyEndpointsWithNewsAreTold(t *testing.T) {
	s := newSending(t)
	s.endpoint("users", "directory.user.*")
	s.endpoint("groups", "directory.group.*")
	f := s.follow()
	next := func(want string) {
		t.Helper()
		if got := told(f.news()); got != want {
			t.Errorf("told of %q, want %q", got, want)
		}
	}
	next("groups 0, users 0")
	s.change("a")
	next("users 1")
	s.event("endpoint-groups", domain.EndpointTested{})
	if next("groups 1"); s.due("groups", someTime, 1).Fresh[0].Type != domain.TypeWebhookTest {
		t.Error("it is not due")
	}
	s.change("a")
	s.change("b")
	next("users 3")
	s.event("directory-d", domain.DirectoryActivated{})
	next("") // nobody wants it
	s.event("endpoint-users", domain.EndpointPaused{})
	s.endpoint("more", "all")
	next("more 0, users 3")
	s.event("endpoint-groups", domain.EndpointDeleted{})
	next("no groups 0")
}

// A follower that waits is woken, and leaves nothing behind when it ends.
func TestFollowersAreWoken(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	for targets := range s.Follow(ctx) {
		if got = append(got, told(targets)); len(got) == 3 {
			break
		}
		s.change("a")
	}
	if want := []string{"e 0", "e 1", "e 2"}; !slices.Equal(got, want) {
		t.Errorf("told of %q, want %q", got, want)
	}
	if n := len(s.endpoints.followers); n != 0 {
		t.Errorf("%d followers are left", n)
	}
}

// A replay may find more to send to an endpoint while a batch that changes it is written.
func TestMoreIsKeptWhileAnEndpointChanges(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.append("endpoint-e", domain.EndpointPaused{})
	draft := s.endpoints.draft()
	_, _, err := draft.fold("e", s.batch().Records[0])
	s.must(err)
	s.endpoints.more("e")
	draft.commit()
	if e, _ := s.endpoints.target("e"); e.Made != 1 || !e.State.Paused {
		t.Errorf("%+v", e)
	}
}

// However endpoints come, change and go, within a batch and between batches, those are found that want a message, in their order.
func TestWantingAreThoseThatWant(t *testing.T) {
	s := newSending(t)
	chance := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[chance.IntN(len(of))] }
	model := map[string]domain.Endpoint{}
	made := 0
	for range 200 {
		draft := s.endpoints.draft()
		for range chance.IntN(4) {
			id := fmt.Sprint("e", chance.IntN(60))
			settings := domain.EndpointSettings{URL: "https://e.example", Organization: pick("", "acme.example", "else.example"),
				EventCodes: []string{pick("all", "directory.user.*", domain.TypeUserUpdated, domain.TypeGroupDeleted)}}
			var e domain.Event = domain.EndpointCreated{EndpointSettings: settings}
			if state, known := model[id]; known {
				e = []domain.Event{domain.EndpointUpdated{EndpointSettings: settings}, domain.EndpointPaused{}, domain.EndpointDisabled{Reason: "r"}, domain.EndpointEnabled{}, domain.EndpointDeleted{}}[chance.IntN(5)]
				if state.Deleted {
					continue
				}
			}
			made++
			name, data, err := domain.Encode(e)
			s.must(err)
			_, _, err = draft.fold(id, eventstore.Record{Entry: eventstore.Entry{Type: name, Data: data, Meta: []byte(`{}`)}})
			s.must(err)
			state := model[id]
			state.Apply(e)
			model[id] = state
		}
		kept := chance.IntN(2) == 0
		if kept {
			draft.commit()
			draft = s.endpoints.draft()
		}
		for _, kind := range domain.MessageTypes {
			for _, organization := range []string{"", "acme.example", "else.example", "nobody.example"} {
				var want []string
				for id, state := range model {
					if state.Wants(kind, organization) {
						want = append(want, id)
					}
				}
				slices.SortFunc(want, cmp.Compare[string])
				if got := draft.wanting(kind, organization); !slices.Equal(got, want) {
					t.Fatalf("%v want %s of %q, not %v", got, kind, organization, want)
				}
			}
		}
		if !kept {
			draft.commit()
		}
	}
	if made < 100 {
		t.Errorf("only %d events", made)
	}
}

// idle adds endpoints of other organizations, which want nothing of what happens here.
func (s *sending) idle(n int) {
	s.Helper()
	for i := range n {
		s.append(fmt.Sprint("endpoint-idle", i), domain.EndpointCreated{EndpointSettings: domain.EndpointSettings{
			Name: "idle", URL: "https://idle.example", EventCodes: []string{"all"}, Organization: fmt.Sprint("idle", i, ".example")}})
	}
	b := s.batch()
	s.must(s.Apply(s.Context(), b))
	s.at = b.Position
}

// What a change takes in memory, and whom it wakes, does not follow the number of endpoints that do not want it.
func TestIdleEndpointsCostNothing(t *testing.T) {
	measure := func(idle int) (bytes uint64, told int) {
		s := newSending(t)
		s.endpoint("e", "all")
		s.idle(idle)
		f := s.follow()
		f.news()
		for range 20 { // caches fill
			s.change("a")
		}
		f.news()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 20 {
			s.change("a")
			told += len(f.news())
		}
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) / 20, told
	}
	few, toldFew := measure(10)
	many, toldMany := measure(10_000)
	if many > few+few/2 {
		t.Errorf("a change takes %d bytes beside 10 idle endpoints, and %d beside 10,000", few, many)
	}
	if toldFew != 20 || toldMany != 20 {
		t.Errorf("20 changes told of %d and %d endpoints", toldFew, toldMany)
	}
}

// BenchmarkIdle turns changes into messages for one endpoint, in turn beside 10 and beside 10,000 endpoints that want none of it, and reports
// the ratio of the medians.
func BenchmarkIdle(b *testing.B) {
	beside := func(idle int) *sending {
		s := newSending(b)
		s.endpoint("e", "all")
		s.idle(idle)
		return s
	}
	few, many := beside(10), beside(10_000)
	timed := func(s *sending) time.Duration {
		began := time.Now()
		s.change("a")
		return time.Since(began)
	}
	var tookFew, tookMany []time.Duration
	for b.Loop() {
		tookFew, tookMany = append(tookFew, timed(few)), append(tookMany, timed(many))
	}
	slices.Sort(tookFew)
	slices.Sort(tookMany)
	a, z := tookFew[len(tookFew)/2], tookMany[len(tookMany)/2]
	b.ReportMetric(float64(a.Microseconds()), "few-µs")
	b.ReportMetric(float64(z.Microseconds()), "many-µs")
	b.ReportMetric(float64(z)/float64(a), "many/few")
}
