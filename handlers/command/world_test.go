package command_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/eventstore/local"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

var caller = command.Caller{Actor: "token:t", Source: domain.SourceSCIM, Request: "r1"}

// world is commands over a log and a read model that follows it.
type world struct {
	testing.TB
	log      *eventful
	read     *projections.ReadModel
	keys     *keys.Master
	commands *command.Service
	d        projections.Directory
}

// onStores runs a test over each store that is in this process.
func onStores(t *testing.T, f func(t *testing.T, w *world)) {
	for name, open := range map[string]func() (eventstore.Store, error){
		"memory": func() (eventstore.Store, error) { return eventstore.NewMemory(), nil },
		"local":  func() (eventstore.Store, error) { return local.Open(t.TempDir()) },
	} {
		t.Run(name, func(t *testing.T) {
			log, err := open()
			if err != nil {
				t.Fatal(err)
			}
			f(t, newWorldOn(t, log))
		})
	}
}

func newWorld(t testing.TB) *world { return newWorldOn(t, eventstore.NewMemory()) }

func newWorldOn(t testing.TB, log eventstore.Store) *world {
	t.Helper()
	w := &world{TB: t, log: &eventful{Store: log}}
	var err error
	w.read, err = projections.OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
	w.must(err)
	runner := projections.NewRunner(log, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), w.read)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, w.read.Close(), log.Close()); err != nil {
			t.Error(err)
		}
	})
	w.keys, err = keys.New(make([]byte, keys.Size))
	w.must(err)
	w.commands = w.service()
	w.d = w.directory("Acme")
	return w
}

// service is commands as another process would have them: they remember nothing.
func (w *world) service() *command.Service {
	w.Helper()
	s, err := command.New(command.Config{Log: w.log, Read: w.read, Keys: w.keys})
	w.must(err)
	return s
}

// eventful is a store to which things happen.
type eventful struct {
	eventstore.Store
	before   func(batch []eventstore.Write) error // may answer instead of the store
	after    func() error                         // may lose the answer
	reading  func(stream string)
	appended atomic.Int64
}

func (e *eventful) Append(ctx context.Context, batch ...eventstore.Write) (eventstore.Position, error) {
	if e.before != nil {
		if err := e.before(batch); err != nil {
			return eventstore.Position{}, err
		}
	}
	e.appended.Add(1)
	at, err := e.Store.Append(ctx, batch...)
	if err == nil && e.after != nil {
		err = e.after()
	}
	return at, err
}

func (e *eventful) Read(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error] {
	if e.reading != nil {
		e.reading(stream)
	}
	return e.Store.Read(ctx, stream, after)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// refused wants an error of this code and reason: "conflict uniqueness".
func (w *world) refused(err error, want string) {
	w.Helper()
	var e *domain.Error
	if !errors.As(err, &e) || strings.TrimSpace(fmt.Sprint(e.Code, " ", e.Reason)) != want {
		w.Errorf("got %v, want %s", err, want)
	}
}

func (w *world) directory(name string) projections.Directory {
	w.Helper()
	o, err := w.commands.CreateOrganization(w.Context(), caller, name)
	w.must(err)
	d, _, err := w.commands.ActivateDirectory(w.Context(), caller, o, domain.Okta, domain.Dialect{})
	w.must(err)
	return d
}

func (w *world) user(name string) projections.User {
	w.Helper()
	u, err := w.commands.CreateUser(w.Context(), caller, w.d, domain.Attributes{"userName": name})
	w.must(err)
	return u
}

func (w *world) group(name string, members ...string) projections.Group {
	w.Helper()
	g, err := w.commands.CreateGroup(w.Context(), caller, w.d, domain.Attributes{"displayName": name}, w.plan(members...))
	w.must(err)
	return g
}

func (w *world) plan(members ...string) domain.MembersPlan {
	w.Helper()
	values := make([]any, len(members))
	for i, id := range members {
		values[i] = id
	}
	p, err := domain.PlanMembers(values)
	w.must(err)
	return p
}

func replace(path string, value any) []domain.PatchOp {
	return []domain.PatchOp{{Op: "replace", Path: path, Value: value}}
}

func members(op string, ids ...string) []domain.PatchOp {
	values := make([]any, len(ids))
	for i, id := range ids {
		values[i] = map[string]any{"value": id}
	}
	return []domain.PatchOp{{Op: op, Path: "members", Value: values}}
}

// since answers what was appended after a position: stream kind, version and type of each record.
func (w *world) since(at eventstore.Position) []string {
	w.Helper()
	var out []string
	for r := range all(w, w.log.All(w.Context(), at)) {
		kind, _, _ := strings.Cut(r.Stream, "-")
		out = append(out, fmt.Sprint(kind, " ", r.Version, " ", r.Type))
	}
	return out
}

func (w *world) head() eventstore.Position {
	w.Helper()
	at, err := w.log.Head(w.Context())
	w.must(err)
	return at
}

// caughtUp waits until the read model shows the log, longer than a query would.
func (w *world) caughtUp() {
	w.Helper()
	w.must(w.read.Progress().Wait(w.Context(), w.head()))
}

func all(w *world, records iter.Seq2[eventstore.Record, error]) iter.Seq[eventstore.Record] {
	return func(yield func(eventstore.Record) bool) {
		for r, err := range records {
			w.must(err)
			if !yield(r) {
				return
			}
		}
	}
}

var written atomic.Uint64

// write makes a write by hand, as another process would.
func (w *world) write(stream string, expected eventstore.Version, e domain.Event) eventstore.Write {
	w.Helper()
	meta, err := domain.EncodeMeta(domain.Meta{Directory: w.d.ID})
	w.must(err)
	name, data, err := domain.Encode(e)
	w.must(err)
	var id eventstore.ID
	copy(id[:], fmt.Sprintf("test%012d", written.Add(1)))
	return eventstore.Write{Stream: stream, Expected: expected, Entries: []eventstore.Entry{{ID: id, Type: name, Data: data, Meta: meta}}}
}

func (w *world) append(batch ...eventstore.Write) {
	w.Helper()
	at, err := w.log.Store.Append(w.Context(), batch...)
	w.must(err)
	w.read.Expect(at)
}

// claimed is the stream of the claim of a userName.
func (w *world) claimed(userName string) string {
	w.Helper()
	key, err := domain.NameKey(userName)
	w.must(err)
	return "name-" + w.keys.Name(w.d.ID, "userName", key)
}

// together runs f n times at once.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() { <-start; f(i) })
	}
	close(start)
	all.Wait()
}
