package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/api"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// world is a server with everything real but the log, which is in memory, and the clock.
type world struct {
	t        testing.TB
	outbox   *projections.Outbox
	log      *eventstore.Memory
	commands *command.Service
	read     *projections.ReadModel
	folder   string // of the replies, which outlive a server
	replies  *projections.Replies
	before   func() error // is called before each append, nil for nothing
	after    func() error // and after it
	door     *api.API
	handler  http.Handler
	lines    *buffer // what the server logged
	key      string  // the API key that do sends
	clock    *clock
	rate     float64 // of each key, 0 for any
	together float64 // of the keys of an organization
	failures int     // with wrong keys that are let through at once
	lastUsed *handlers.LastUsed
	spool    string        // where imports are kept
	stopping chan struct{} // closed when the server is about to stop
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var system = command.Caller{Actor: "system", Source: domain.SourceSystem}

func newWorld(t testing.TB, allow ...string) *world {
	t.Helper()
	w := &world{t: t, log: eventstore.NewMemory(), lines: &buffer{}, failures: 1 << 20, clock: &clock{now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}, spool: t.TempDir(), stopping: make(chan struct{})}
	w.folder = t.TempDir()
	t.Cleanup(func() { w.replies.Close() })
	w.start(allow...)
	key, token, err := w.commands.CreateAPIKey(t.Context(), system, "test", domain.Permissions, projections.Organization{})
	if err != nil {
		t.Fatal(err)
	}
	if w.key = token; !strings.HasPrefix(token, key.ID+".") {
		t.Fatalf("the key %s has the token %s", key.ID, token)
	}
	return w
}

// caughtUp waits until the outbox has all that stands in the log, longer than a request would.
func (w *world) caughtUp() {
	w.t.Helper()
	head, err := w.log.Head(w.t.Context())
	if err == nil {
		err = w.outbox.Progress().Wait(w.t.Context(), head)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// start makes a server over the log, with a read model of its own; the master key is always the same.
func (w *world) start(allow ...string) {
	w.t.Helper()
	read, err := projections.OpenReadModel(w.t.TempDir(), "a log", eventstore.Position{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { read.Close() })
	logger := slog.New(slog.NewJSONHandler(w.lines, nil))
	outbox, err := projections.OpenOutbox(w.t.TempDir(), w.log, "a log")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { outbox.Close() })
	w.outbox = outbox
	if w.replies != nil {
		w.replies.Close()
	}
	head, err := w.log.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if w.replies, err = projections.OpenReplies(w.folder, w.log, "a log", head); err != nil {
		w.t.Fatal(err)
	}
	runner := projections.NewRunner(w.log, logger, prometheus.NewRegistry(), read, outbox)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { defer close(stopped); _ = runner.Run(ctx) }()
	w.t.Cleanup(func() { cancel(); <-stopped })
	master, err := keys.New(make([]byte, keys.Size))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.commands, err = command.New(command.Config{Log: watched{w.log, w}, Read: read, Keys: master, Now: w.clock.Now, MailsKept: true}); err != nil {
		w.t.Fatal(err)
	}
	w.lastUsed = handlers.OpenLastUsed("", logger)
	var prefixes []netip.Prefix
	for _, p := range allow {
		prefixes = append(prefixes, netip.MustParsePrefix(p))
	}
	door, err := api.New(api.Config{Commands: w.commands, Read: read, Log: w.log, Feed: projections.NewFeed(w.log, "a log", read), Outbox: outbox, Replies: w.replies, PublicURL: "https://rollcall.example", WebhookAllow: prefixes, Spool: w.spool, Stopping: w.stopping,
		Throttle: handlers.NewThrottle(w.failures, w.clock.Now), LastUsed: w.lastUsed, Pace: handlers.NewPace(w.rate, w.clock.Now), OrganizationPace: handlers.NewPace(w.together, w.clock.Now)})
	if err != nil {
		w.t.Fatal(err)
	}
	read.Expect(head)
	mux := http.NewServeMux()
	door.Mount(mux)
	w.read, w.door, w.handler = read, door, w.held(handlers.Serve(mux, logger, prometheus.NewRegistry()))
}

// watched is the log with a hook on its appends.
type watched struct {
	*eventstore.Memory
	world *world
}

func (l watched) Append(ctx context.Context, batch ...eventstore.Write) (eventstore.Position, error) {
	if f := l.world.before; f != nil {
		if err := f(); err != nil {
			return eventstore.Position{}, err
		}
	}
	at, err := l.Memory.Append(ctx, batch...)
	if f := l.world.after; f != nil && err == nil {
		err = f()
	}
	return at, err
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// at is what stands in the answer at a path of names and indexes; nil if there is nothing.
func (a answer) at(path ...any) any {
	var v any
	if json.Unmarshal([]byte(a.body), &v) != nil {
		return nil
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

func (a answer) text(path ...any) string {
	s, _ := a.at(path...).(string)
	return s
}

// do sends a request with the world's key; a header that is given empty is not sent.
func (w *world) do(method, path, body string, headers ...string) answer {
	w.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, reader)
	r.Header.Set("Authorization", "Bearer "+w.key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	return answer{recorder.Code, recorder.Header(), recorder.Body.String()}
}

// must is do that wants a status.
func (w *world) must(status int, method, path, body string, headers ...string) answer {
	w.t.Helper()
	a := w.do(method, path, body, headers...)
	if a.status != status {
		w.t.Fatalf("%s %s = %d, want %d: %s", method, path, a.status, status, a.body)
	}
	return a
}

// head is the position of the log: what was refused must not move it.
func (w *world) head() eventstore.Position {
	w.t.Helper()
	at, err := w.log.Head(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}

// tenant makes an organization with a directory.
func (w *world) tenant(name string) projections.Directory {
	w.t.Helper()
	o, err := w.commands.CreateOrganization(w.t.Context(), system, name)
	if err != nil {
		w.t.Fatal(err)
	}
	d, _, err := w.commands.ActivateDirectory(w.t.Context(), system, o, domain.Okta, domain.Dialect{})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// okta is the caller of what an identity provider does.
func okta(request string) command.Caller {
	return command.Caller{Actor: "token:okta", Source: domain.SourceSCIM, Request: request}
}

func (w *world) user(d projections.Directory, attributes domain.Attributes) string {
	w.t.Helper()
	u, err := w.commands.CreateUser(w.t.Context(), okta("made"), d, attributes)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.ID
}

func (w *world) group(d projections.Directory, name string, members ...string) string {
	w.t.Helper()
	list := []any{}
	for _, m := range members {
		list = append(list, map[string]any{"value": m})
	}
	plan, err := domain.PlanMembers(list)
	if err != nil {
		w.t.Fatal(err)
	}
	g, err := w.commands.CreateGroup(w.t.Context(), okta("made"), d, domain.Attributes{"displayName": name}, plan)
	if err != nil {
		w.t.Fatal(err)
	}
	return g.ID
}

// deliver lets every mail go that waits.
func (w *world) deliver() {
	w.t.Helper()
	due, _, err := w.read.DueMails(w.t.Context(), w.clock.Now(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range due {
		if err := w.commands.MailSent(w.t.Context(), m, w.clock.Now()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// invite invites to the set-up of a directory.
func (w *world) invite(d projections.Directory, email string) projections.Mail {
	w.t.Helper()
	d, err := w.commands.InviteDirectoryAdmin(w.t.Context(), system, d, email)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := w.read.Mail(w.t.Context(), d.Onboarding.Invited.Last.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}
