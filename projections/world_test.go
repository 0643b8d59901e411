package projections_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

var system = command.Caller{Actor: "system", Source: domain.SourceSystem, Request: "r1"}

// world is a log with a read model that follows it, and commands.
type world struct {
	testing.TB
	log      eventstore.Store
	folder   string
	read     *projections.ReadModel
	commands *command.Service
	stop     func() // ends the runner and closes the read model; twice is harmless
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, log: eventstore.NewMemory(), folder: t.TempDir()}
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// start opens the read model and lets it follow the log, beside other projections.
func (w *world) start(others ...projections.Projection) {
	w.Helper()
	head, err := w.log.Head(w.Context())
	w.must(err)
	w.read, err = projections.OpenReadModel(w.folder, "a log", head)
	w.must(err)
	read := w.read
	_, end := run(w, w.log, append(others, read)...)
	w.stop = sync.OnceFunc(func() {
		end()
		if err := read.Close(); err != nil {
			w.Error(err)
		}
	})
	master, err := keys.New(make([]byte, keys.Size))
	w.must(err)
	w.commands, err = command.New(command.Config{Log: w.log, Read: w.read, Keys: master})
	w.must(err)
	w.must(read.Progress().Wait(w.Context(), head)) // longer than a query would
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// lines is a log that many may write to.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

// list is what was logged, without what is for debugging.
func (l *lines) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSuffix(l.all.String(), "\n"), "\n")
}

// runs is a Runner under way.
type runs struct {
	*projections.Runner
	lines lines
}

// run starts a Runner; end stops it and returns when Run has.
func run(t testing.TB, log projections.Log, all ...projections.Projection) (r *runs, end func()) {
	t.Helper()
	r = &runs{}
	r.Runner = projections.NewRunner(log, slog.New(slog.NewTextHandler(&r.lines, nil)), prometheus.NewRegistry(), all...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(end)
	return r, end
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func registry() prometheus.Registerer { return prometheus.NewRegistry() }

func (w *world) directory(name string) projections.Directory {
	w.Helper()
	o, err := w.commands.CreateOrganization(w.Context(), system, name)
	w.must(err)
	d, _, err := w.commands.ActivateDirectory(w.Context(), system, o, domain.Okta, domain.Dialect{})
	w.must(err)
	return d
}

func (w *world) user(d projections.Directory, a domain.Attributes) projections.User {
	w.Helper()
	u, err := w.commands.CreateUser(w.Context(), system, d, a)
	w.must(err)
	return u
}

func (w *world) group(d projections.Directory, name string, members ...string) projections.Group {
	w.Helper()
	g, err := w.commands.CreateGroup(w.Context(), system, d, domain.Attributes{"displayName": name}, plan(w, members...))
	w.must(err)
	return g
}

// plan wants these members and no others.
func plan(t testing.TB, members ...string) domain.MembersPlan {
	t.Helper()
	values := make([]any, len(members))
	for i, id := range members {
		values[i] = map[string]any{"value": id}
	}
	p, err := domain.PlanMembers(values)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// op is a PATCH operation on a group's members.
func op(verb string, members ...string) []domain.PatchOp {
	values := make([]any, len(members))
	for i, id := range members {
		values[i] = map[string]any{"value": id}
	}
	return []domain.PatchOp{{Op: verb, Path: "members", Value: values}}
}

func (w *world) filter(t *domain.ResourceType, text string) domain.Filter {
	w.Helper()
	f, err := t.ParseFilter(text)
	if err != nil {
		w.Fatalf("%s: %v", text, err)
	}
	return f
}

// records are all records of the log.
func (w *world) records() []eventstore.Record {
	w.Helper()
	var out []eventstore.Record
	for r, err := range w.log.All(w.Context(), eventstore.Position{}) {
		w.must(err)
		out = append(out, r)
	}
	return out
}
