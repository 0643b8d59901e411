package projections

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// readers tells of each read of a stream.
type readers struct {
	Streams
	read func(stream string)
}

func (r readers) Read(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error] {
	r.read(stream)
	return r.Streams.Read(ctx, stream, after)
}

// batch is what was appended and not applied.
func (s *sending) batch() eventstore.Batch {
	s.Helper()
	var b eventstore.Batch
	for r, err := range s.log.All(s.Context(), s.at) {
		s.must(err)
		b.Records, b.Position = append(b.Records, r), r.Position
	}
	return b
}

// bodies are all messages in the order of the log.
func (s *sending) bodies() []string {
	s.Helper()
	out, err := rowsOf(s.Context(), s.db.read, func(r row) (body string, err error) { return body, r.Scan(&body) }, `SELECT body FROM messages ORDER BY event`) // the test's ids count
	s.must(err)
	return out
}

// Outcomes are recorded while the log is read, however long that takes.
func TestReadingTheLogHoldsUpNoOutcome(t *testing.T) {
	s := newSending(t)
	s.change("a")
	s.change("b")
	s.endpoint("e", "all")
	reads := 0
	s.changes.log = readers{s.log, func(stream string) {
		reads++
		if !s.db.writing.TryLock() {
			t.Errorf("%s is read within a transaction", stream)
			return
		}
		s.db.writing.Unlock()
	}}
	s.event("group-g", domain.GroupCreated{Directory: "d", Attributes: domain.Attributes{"displayName": "g"}, Members: []domain.Member{{ID: "a"}, {ID: "b"}}})
	if reads != 2 {
		t.Errorf("%d streams were read", reads)
	}
	if bodies := s.bodies(); len(bodies) != 1 || !strings.Contains(bodies[0], `"userName":"b"`) {
		t.Errorf("messages %s", bodies)
	}
}

// A batch that could not be written gives the same messages when it comes again: each tells names as they were at its position.
func TestBatchThatComesAgainGivesTheSameMessages(t *testing.T) {
	s := newSending(t)
	s.change("a")
	s.endpoint("e", "all")
	f := s.follow()
	f.news()
	s.append("group-g", domain.GroupCreated{Directory: "d", Attributes: domain.Attributes{"displayName": "g"}, Members: []domain.Member{{ID: "a"}}})
	s.append("user-a", domain.UserUpdated{Edit: domain.Edit{Set: domain.Attributes{"userName": "renamed"}}})
	s.append("endpoint-f", domain.EndpointCreated{EndpointSettings: domain.EndpointSettings{Name: "f", URL: "https://f.example", EventCodes: []string{"all"}}})
	b := s.batch()
	s.must(s.db.update(t.Context(), func(b *batch) error {
		return b.exec(`CREATE TRIGGER full BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'no room'); END`)
	}))
	if err := s.Apply(t.Context(), b); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Fatalf("got %v", err)
	}
	if targets := s.follow().news(); len(targets) != 1 || len(s.bodies()) != 0 {
		t.Errorf("half of it is there: endpoints %+v, messages %s", targets, s.bodies())
	}
	if news := f.news(); len(news) != 0 {
		t.Errorf("news of what was taken back: %+v", news)
	}
	s.must(s.db.update(t.Context(), func(b *batch) error { return b.exec(`DROP TRIGGER full`) }))
	s.must(s.Apply(t.Context(), b))
	bodies := s.bodies()
	if len(bodies) != 2 || !strings.Contains(bodies[0], `"userName":"a"`) || !strings.Contains(bodies[1], `"renamed"`) {
		t.Errorf("messages %s", bodies)
	}
	if news := f.news(); len(news) != 2 || news[0].ID != "e" || news[0].Made != 2 || news[1].ID != "f" {
		t.Errorf("news of %+v", news)
	}
}

// A message goes with the last endpoint that was to get it.
func TestMessagesOfDeletedEndpointsGo(t *testing.T) {
	s := newSending(t)
	s.endpoint("users", "directory.user.*")
	s.endpoint("all", "all")
	s.change("a")
	s.event("group-g", domain.GroupCreated{Directory: "d", Attributes: domain.Attributes{"displayName": "g"}})
	s.event("endpoint-all", domain.EndpointTested{})
	if bodies := s.bodies(); len(bodies) != 3 {
		t.Fatalf("messages %s", bodies)
	}
	s.event("endpoint-all", domain.EndpointDeleted{})
	s.sweep(someTime)
	if bodies := s.bodies(); len(bodies) != 1 || !strings.Contains(bodies[0], `"userName":"a"`) {
		t.Errorf("messages %s", bodies)
	}
	s.event("endpoint-users", domain.EndpointDeleted{})
	s.sweep(someTime)
	if bodies := s.bodies(); len(bodies) != 0 {
		t.Errorf("messages %s", bodies)
	}
}
