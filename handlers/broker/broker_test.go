package broker_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/broker"
	"github.com/rollcall-sync/rollcall/projections"
)

// brokerServer is a broker of a kind that runs for a test.
type brokerServer interface {
	url() string
	stop()                     // ends it; what it has stays
	start()                    // again, at the same place
	received(n int) []received // waits for so many, in the order in which they stand there
}

// received is a message as a consumer finds it.
type received struct{ id, key, kind, position, body string }

// relayed runs a relay over a log to a broker until the test ends; end stops it, as the process does.
type relayed struct {
	testing.TB
	log      *eventstore.Memory
	folder   string
	versions map[string]eventstore.Version
	count    int
	end      func()
	relay    *projections.Relay
}

func newRelayed(t testing.TB) *relayed {
	return &relayed{TB: t, log: eventstore.NewMemory(), folder: t.TempDir(), versions: map[string]eventstore.Version{}}
}

func (r *relayed) run(url string) {
	r.Helper()
	p, err := broker.New(url, slog.New(slog.DiscardHandler))
	r.must(err)
	file, err := projections.OpenRelayFile(r.Context(), r.folder, p.Name(), r.log, "a log", eventstore.Position{})
	r.must(err)
	r.relay, err = projections.NewRelay(context.Background(), p.Name(), r.log, file.Begun(), p.Publish, file.Keep)
	r.must(err)
	runner := projections.NewRunner(r.log, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), r.relay)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	r.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.Error(err)
		}
		r.must(file.Close())
		r.must(p.Close())
	})
	r.Cleanup(r.end)
}

func (r *relayed) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// change changes so many users in turn.
func (r *relayed) change(users, changes int) {
	r.Helper()
	for range changes {
		var batch []eventstore.Write
		for u := range users {
			stream := fmt.Sprint("user-", u)
			var e domain.Event = domain.UserProvisioned{Directory: "d", Attributes: domain.Attributes{"userName": stream}}
			if r.versions[stream] > 0 {
				e = domain.UserUpdated{Edit: domain.Edit{Set: domain.Attributes{"title": fmt.Sprint(r.versions[stream])}}}
			}
			name, data, err := domain.Encode(e)
			r.must(err)
			meta, err := domain.EncodeMeta(domain.Meta{Organization: "acme", Directory: "d"})
			r.must(err)
			r.count++
			var id eventstore.ID
			copy(id[:], fmt.Sprintf("test%012d", r.count))
			batch = append(batch, eventstore.Write{Stream: stream, Expected: r.versions[stream], Entries: []eventstore.Entry{{ID: id, Type: name, Data: data, Meta: meta}}})
			r.versions[stream]++
		}
		_, err := r.log.Append(r.Context(), batch...)
		r.must(err)
	}
}

// caughtUp waits until everything is handed over.
func (r *relayed) caughtUp() {
	r.Helper()
	head, err := r.log.Head(r.Context())
	r.must(err)
	r.must(r.relay.Progress().Wait(r.Context(), head))
}

// holds a broker against what a relay promises: everything at least once, in order for each subject, through the broker's absence and a restart
// of this side.
func holds(t *testing.T, s brokerServer, twice int) {
	const users, changes = 10, 20
	r := newRelayed(t)
	r.change(users, changes)
	r.run(s.url())
	r.caughtUp()
	s.stop()
	r.change(users, changes) // nobody takes them for now
	s.start()
	r.caughtUp()
	r.end()
	r.change(users, changes)
	r.run(s.url())
	r.caughtUp()
	r.end()
	first, again := map[string]bool{}, 0
	last := map[string]int{}
	for i, m := range s.received(3 * users * changes) {
		if first[m.id] {
			again++
			continue
		}
		first[m.id] = true
		version := 0
		if at := strings.Index(m.body, `"version":`); at >= 0 {
			fmt.Sscanf(m.body[at:], `"version":%d`, &version)
		}
		if version != last[m.key]+1 {
			t.Fatalf("message %d: version %d of %s follows %d", i, version, m.key, last[m.key])
		}
		last[m.key] = version
		if !strings.HasPrefix(m.kind, "directory.user.") || m.position == "" || !strings.Contains(m.body, `"organization":"acme"`) {
			t.Fatalf("message %d is %+v", i, m)
		}
	}
	if len(first) != 3*users*changes || again > twice {
		t.Errorf("%d different messages, %d of them again; want %d, and %d", len(first), again, 3*users*changes, twice)
	}
}

func TestURLs(t *testing.T) {
	for url, ok := range map[string]bool{
		"nats://127.0.0.1:4222": true, "tls://nats.example/changes": true, "amqp://u:p@mq.example:5672/changes": true, "amqps://mq.example": true, "redis://:p@r.example/changes?db=2": true, "rediss://r.example": true,
		"": false, "nats://": false, "kafka://k.example": false, "http://x": false, "nats:4222": false, "redis://r.example/a b": false, "redis://r.example/a/b": false, "redis://r.example/" + strings.Repeat("a", 129): false, "nats://%zz": false,
	} {
		if _, err := broker.New(url, slog.Default()); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Credentials stand neither in the name, which files and metrics have, nor in errors; the same broker has the same name whoever asks.
func TestCredentialsAreNotTold(t *testing.T) {
	names := map[string]bool{}
	for _, user := range []string{"ada:s3cret", "bob:0ther"} {
		for _, scheme := range []string{"nats", "amqp", "redis"} {
			p, err := broker.New(scheme+"://"+user+"@127.0.0.1:1/x", slog.Default())
			if err != nil {
				t.Fatal(err)
			}
			names[p.Name()] = true
			err = p.Publish(t.Context(), projections.Relayed{ID: "id", Body: []byte("{}")})
			if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "0ther") {
				t.Errorf("%s: %v", scheme, err)
			}
		}
	}
	if len(names) != 3 || strings.Contains(fmt.Sprint(names), "s3cret") {
		t.Errorf("names %v", names)
	}
}
