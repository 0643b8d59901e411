package onboarding_test

import (
	"bytes"
	"context"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/onboarding"
	"github.com/rollcall-sync/rollcall/projections"
)

var system = command.Caller{Actor: "system", Source: domain.SourceSystem}

// world is the door with everything real behind it but the log, which is in memory, and the clock.
type world struct {
	testing.TB
	log      *eventstore.Memory
	read     *projections.ReadModel
	commands *command.Service
	keys     *keys.Master
	handler  http.Handler
	lines    *bytes.Buffer
	o        projections.Organization
	d        projections.Directory
	c        projections.Connection

	mu  sync.Mutex
	now time.Time
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newWorld(t testing.TB, failures int) *world {
	t.Helper()
	w := &world{TB: t, log: eventstore.NewMemory(), lines: &bytes.Buffer{}, now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	var err error
	w.read, err = projections.OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
	w.must(err)
	runner := projections.NewRunner(w.log, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), w.read)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended; _ = w.read.Close() })
	w.keys, err = keys.New(make([]byte, keys.Size))
	w.must(err)
	w.commands, err = command.New(command.Config{Log: w.log, Read: w.read, Keys: w.keys, Now: w.Now})
	w.must(err)
	door, err := onboarding.New(onboarding.Config{Commands: w.commands, Read: w.read, PublicURL: "https://example.org/rollcall", Service: "misapret", Throttle: handlers.NewThrottle(failures, w.Now)})
	w.must(err)
	mux := http.NewServeMux()
	door.Mount(mux)
	w.handler = handlers.Serve(mux, slog.New(slog.NewTextHandler(w.lines, nil)), prometheus.NewRegistry())
	w.o, err = w.commands.CreateOrganization(t.Context(), system, `Acme <b>& Söhne</b>`)
	w.must(err)
	w.d, _, err = w.commands.ActivateDirectory(t.Context(), system, w.o, domain.Okta, domain.Dialect{})
	w.must(err)
	w.c, err = w.commands.CreateConnection(t.Context(), system, w.o, command.NewConnection{Service: "misapret", Email: "it@acme.test"})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// directoryLink invites to the set-up of the directory, and answers the path of the link.
func (w *world) directoryLink() string {
	w.Helper()
	d, err := w.commands.InviteDirectoryAdmin(w.Context(), system, w.d, "it@acme.test")
	w.must(err)
	return "/onboarding/" + w.keys.Link(d.Onboarding.Invited.Last.ID)
}

func (w *world) connectionLink() string {
	w.Helper()
	c, err := w.commands.InviteAdmin(w.Context(), system, w.c.ID)
	w.must(err)
	return "/onboarding/" + w.keys.Link(c.Invited.Last.ID)
}

// browser is somebody with the cookies that it was given.
type browser struct {
	*world
	cookies    []*http.Cookie
	invitation string // whose link was used last: the forms of its pages are for it
}

type answer struct {
	*http.Response
	body string
}

// do sends a request with the browser's cookies; headers are names and values.
func (b *browser) do(method, path string, body string, headers ...string) answer {
	b.Helper()
	if id, _, is := strings.Cut(strings.TrimPrefix(path, "/onboarding/"), "."); is && method == "POST" {
		b.invitation = id
	}
	if strings.HasPrefix(path, setup) && method == "POST" {
		path += "?for=" + b.invitation
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	b.handler.ServeHTTP(recorder, r)
	a := answer{recorder.Result(), recorder.Body.String()}
	b.cookies = append(b.cookies, a.Cookies()...)
	return a
}

func (b *browser) must(status int, method, path string) answer {
	b.Helper()
	a := b.do(method, path, "")
	if a.StatusCode != status {
		b.Fatalf("%s %s = %d, want %d: %s", method, path, a.StatusCode, status, a.body)
	}
	return a
}

// form is a form as browsers send those with files: names and values, a file's name with an @ before it.
func form(t testing.TB, fields ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		name, isFile := strings.CutPrefix(fields[i], "@")
		to, err := m.CreateFormField(name)
		if isFile {
			to, err = m.CreateFormFile(name, "metadata.xml")
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write([]byte(fields[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), m.FormDataContentType()
}

func (b *browser) send(path string, fields ...string) answer {
	b.Helper()
	body, contentType := form(b, fields...)
	return b.do("POST", path, body, "Content-Type", contentType)
}

func (w *world) head() eventstore.Position {
	w.Helper()
	at, err := w.log.Head(w.Context())
	w.must(err)
	return at
}

// types are the types of the last events of a stream with who made them.
func (w *world) last(stream string) (event, actor string, source domain.Source) {
	w.Helper()
	for r, err := range w.log.Read(w.Context(), stream, 0) {
		w.must(err)
		s, err := projections.DecodeRecord(r)
		w.must(err)
		event, actor, source = r.Type, s.Meta.Actor, s.Meta.Source
	}
	return event, actor, source
}
