package scim_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/eventstore/local"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/scim"
	"github.com/rollcall-sync/rollcall/projections"
)

// world is a server with everything real but the log, which is in memory.
type world struct {
	t        testing.TB
	log      eventstore.Store
	commands *command.Service
	read     *projections.ReadModel
	server   *httptest.Server
	ahead    *atomic.Int64 // how far the server's clock goes ahead, in nanoseconds
}

// later lets time pass.
func (w *world) later(d time.Duration) { w.ahead.Add(int64(d)) }

func newWorld(t testing.TB, with ...func(*scim.Config)) *world {
	t.Helper()
	return worldOver(t, eventstore.NewMemory(), with...)
}

// newDurableWorld keeps its log as serve does.
func newDurableWorld(t testing.TB) *world {
	t.Helper()
	log, err := local.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return worldOver(t, log)
}

func worldOver(t testing.TB, log eventstore.Store, with ...func(*scim.Config)) *world {
	t.Helper()
	return worldIn(t, log, t.TempDir(), slog.New(slog.NewTextHandler(io.Discard, nil)), with...)
}

// worldIn keeps its read model in a folder, and logs.
func worldIn(t testing.TB, log eventstore.Store, folder string, logger *slog.Logger, with ...func(*scim.Config)) *world {
	t.Helper()
	read, err := projections.OpenReadModel(folder, "a log", eventstore.Position{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	runner := projections.NewRunner(log, logger, prometheus.NewRegistry(), read)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { defer close(stopped); _ = runner.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-stopped })
	master, err := keys.New(make([]byte, keys.Size))
	if err != nil {
		t.Fatal(err)
	}
	ahead := &atomic.Int64{}
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	commands, err := command.New(command.Config{Log: log, Read: read, Keys: master, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	config := scim.Config{Commands: commands, Read: read, PublicURL: "https://rollcall.example"}
	for _, change := range with {
		change(&config)
	}
	door, err := scim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	door.Mount(mux)
	server := httptest.NewServer(handlers.Serve(scim.Tidy(mux), logger, prometheus.NewRegistry()))
	t.Cleanup(server.Close)
	return &world{t, log, commands, read, server, ahead}
}

// tenant is a directory and the client that its provider has.
type tenant struct {
	*world
	directory projections.Directory
	token     string
}

func (w *world) tenant(name string, provider domain.Provider) *tenant {
	w.t.Helper()
	return w.tenantIn(domain.Dialect{}, name, provider)
}

func (w *world) tenantIn(dialect domain.Dialect, name string, provider domain.Provider) *tenant {
	w.t.Helper()
	system := command.Caller{Actor: "system", Source: domain.SourceSystem}
	o, err := w.commands.CreateOrganization(context.Background(), system, name)
	if err != nil {
		w.t.Fatal(err)
	}
	d, token, err := w.commands.ActivateDirectory(context.Background(), system, o, provider, dialect)
	if err != nil {
		w.t.Fatal(err)
	}
	return &tenant{w, d, token}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request to a path below the directory's base URL.
func (n *tenant) do(method, path, body string, headers ...string) answer {
	n.t.Helper()
	r, err := http.NewRequest(method, n.server.URL+"/scim/v2/"+n.directory.ID+path, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+n.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answered, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer answered.Body.Close()
	text, err := io.ReadAll(answered.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return answer{answered.StatusCode, answered.Header, string(text)}
}

// must is do that wants a status. Where it is told to come again, as behind a large group on a slow machine, it does so once the read model
// has caught up.
func (n *tenant) must(status int, method, path, body string, headers ...string) answer {
	n.t.Helper()
	a := n.do(method, path, body, headers...)
	for a.status == http.StatusServiceUnavailable {
		if err := n.read.Progress().Wait(n.t.Context(), n.head()); err != nil {
			n.t.Fatal(err)
		}
		a = n.do(method, path, body, headers...)
	}
	if a.status != status {
		n.t.Fatalf("%s %s = %d, want %d: %s", method, path, a.status, status, a.body)
	}
	return a
}

// head is the position of the log: what was refused must not move it.
func (w *world) head() eventstore.Position {
	at, err := w.log.Head(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}
