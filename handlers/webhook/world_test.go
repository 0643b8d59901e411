package webhook_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/webhook"
	"github.com/rollcall-sync/rollcall/projections"
)

// patience bounds every wait; only a test that fails comes near it.
const patience = 2 * time.Minute

// news tells those who wait for a condition when to look again.
type news struct {
	mu sync.Mutex
	ch chan struct{}
}

func (n *news) watch() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch == nil {
		n.ch = make(chan struct{})
	}
	return n.ch
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
}

// world is a log with an outbox on disk, which delivers to sinks.
type world struct {
	t      testing.TB
	news   news
	secret keys.Signing
	folder string
	log    *eventstore.Memory
	lines  lines

	delivered atomic.Int64 // outcomes of this kind that were recorded

	applying sync.Mutex // Apply is for one goroutine
	at       eventstore.Position
	count    uint64
	versions map[string]eventstore.Version

	outbox *watched
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, secret: keys.NewSigning(false), folder: t.TempDir(), log: eventstore.NewMemory(), versions: map[string]eventstore.Version{}}
	w.open()
	t.Cleanup(func() { _ = w.outbox.Close() })
	return w
}

func (w *world) open() {
	outbox, err := projections.OpenOutbox(w.folder, w.log, "a log")
	if err != nil {
		w.t.Fatal(err)
	}
	w.outbox = &watched{Outbox: outbox, world: w}
}

// reopen closes the outbox and opens it again, as a restart does.
func (w *world) reopen() {
	if err := w.outbox.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// watched is an outbox that tells when outcomes were recorded, and can be made to fail.
type watched struct {
	*projections.Outbox
	world *world

	mu      sync.Mutex
	broken  error // what Record answers
	refused int   // how often it did
	largest int   // the largest page that was asked for
	asked   int   // how often a page was
	kept    []projections.Outcome

	told atomic.Int64 // endpoints that had news
}

func (o *watched) Record(ctx context.Context, outcomes ...projections.Outcome) error {
	defer o.world.news.tell()
	o.mu.Lock()
	broken := o.broken
	if broken != nil {
		o.refused++
	}
	o.mu.Unlock()
	if broken != nil {
		return broken
	}
	if err := o.Outbox.Record(ctx, outcomes...); err != nil {
		return err
	}
	o.mu.Lock()
	o.kept = append(o.kept, outcomes...)
	o.mu.Unlock()
	for _, out := range outcomes {
		if out.Fate == projections.Delivered {
			o.world.delivered.Add(1)
		}
	}
	return nil
}

// Follow counts what is told of endpoints.
func (o *watched) Follow(ctx context.Context) iter.Seq[[]projections.Target] {
	return func(yield func([]projections.Target) bool) {
		for targets := range o.Outbox.Follow(ctx) {
			o.told.Add(int64(len(targets)))
			if !yield(targets) {
				return
			}
			o.world.news.tell()
		}
	}
}

// target is an endpoint as it stands.
func (w *world) target(id string) (found projections.Target) {
	for targets := range w.outbox.Outbox.Follow(context.Background()) {
		for _, t := range targets {
			if t.ID == id {
				found = t
			}
		}
		break
	}
	return found
}

// pages is how often a page was asked for.
func (o *watched) pages() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked
}

// attempts are those that were recorded.
func (o *watched) attempts() []projections.Attempt {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []projections.Attempt
	for _, outcome := range o.kept {
		out = append(out, outcome.Attempt)
	}
	return out
}

func (o *watched) Due(ctx context.Context, endpoint string, now time.Time, limit int) (projections.Due, error) {
	o.mu.Lock()
	o.largest = max(o.largest, limit)
	o.asked++
	o.mu.Unlock()
	defer o.world.news.tell()
	return o.Outbox.Due(ctx, endpoint, now, limit)
}

func (o *watched) breakRecording(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken = err
}

// append writes events to a stream and turns the log into messages.
func (w *world) append(stream string, events ...domain.Event) {
	w.applying.Lock()
	defer w.applying.Unlock()
	w.write(stream, events...)
	w.apply()
}

func (w *world) write(stream string, events ...domain.Event) {
	meta, err := domain.EncodeMeta(domain.Meta{Actor: "token:t", Source: domain.SourceSCIM, Organization: "acme.example", Directory: "d",
		Provider: "okta", Request: "r", RecordedAt: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), Schema: domain.SchemaVersion})
	if err != nil {
		w.t.Fatal(err)
	}
	write := eventstore.Write{Stream: stream, Expected: w.versions[stream]}
	for _, e := range events {
		name, data, err := domain.Encode(e)
		if err != nil {
			w.t.Fatal(err)
		}
		w.count++
		entry := eventstore.Entry{Type: name, Data: data, Meta: meta}
		binary.BigEndian.PutUint64(entry.ID[8:], w.count)
		write.Entries = append(write.Entries, entry)
		w.versions[stream]++
	}
	if _, err := w.log.Append(context.Background(), write); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) apply() {
	var batch eventstore.Batch
	for r, err := range w.log.All(context.Background(), w.at) {
		if err != nil {
			w.t.Fatal(err)
		}
		batch.Records = append(batch.Records, r)
		batch.Position = r.Position
	}
	if err := w.outbox.Apply(context.Background(), batch); err != nil {
		w.t.Error(err)
	}
	w.at = batch.Position
}

// endpoint creates one that wants everything.
func (w *world) endpoint(id, target string) {
	w.endpointWith(id, domain.EndpointSettings{URL: target})
}

func (w *world) endpointWith(id string, s domain.EndpointSettings) {
	s.Name, s.EventCodes = id, []string{"all"}
	w.append("endpoint-"+id, domain.EndpointCreated{EndpointSettings: s, SigningKey: domain.SigningKey{Secret: domain.Sealed("sealed-" + id)}})
}

// idle creates endpoints of other organizations, which want nothing of what happens here.
func (w *world) idle(n int) {
	w.applying.Lock()
	defer w.applying.Unlock()
	for i := range n {
		w.write(fmt.Sprint("endpoint-idle", i), domain.EndpointCreated{EndpointSettings: domain.EndpointSettings{
			Name: "idle", URL: "https://idle.example", EventCodes: []string{"all"}, Organization: fmt.Sprint("idle", i, ".example")}})
	}
	w.apply()
}

// users makes so many changes to each of so many users, in turn, and turns them into messages at once.
func (w *world) users(prefix string, users, changes int) {
	w.applying.Lock()
	defer w.applying.Unlock()
	for range changes {
		for u := range users {
			id := fmt.Sprintf("%s%d", prefix, u)
			w.write("user-"+id, w.change(id))
		}
	}
	w.apply()
}

func (w *world) change(id string) domain.Event {
	version := w.versions["user-"+id]
	if version == 0 {
		return domain.UserProvisioned{Directory: "d", Attributes: domain.Attributes{"userName": id + "@acme.example", "active": true}}
	}
	return domain.UserUpdated{Edit: domain.Edit{Set: domain.Attributes{"displayName": fmt.Sprintf("%s the %d. <&>", id, version)}}}
}

// running is a Deliverer at work.
type running struct {
	stop context.CancelFunc
	done chan struct{}
}

// end stops it and waits for it.
func (r *running) end() {
	r.stop()
	<-r.done
}

// quick is a schedule for tests: as many tries as anybody needs, at once.
var quick = webhook.Schedule{Retries: slices.Repeat([]time.Duration{time.Millisecond}, 1000), ProbeMin: time.Millisecond, ProbeMax: 4 * time.Millisecond}

func (w *world) config() webhook.Config {
	return webhook.Config{
		Outbox: w.outbox,
		OpenKey: func(id string, key domain.SigningKey) (keys.Signing, error) {
			if string(key.Secret) != "sealed-"+id {
				return keys.Signing{}, errors.New("not sealed for this endpoint")
			}
			return w.secret, nil
		},
		OpenHeaders: func(id string, sealed domain.Sealed) (headers map[string]string, err error) {
			if sealed != "" {
				err = json.Unmarshal([]byte(sealed), &headers)
			}
			return headers, err
		},
		Disable: func(_ context.Context, id, reason string) error {
			w.append("endpoint-"+id, domain.EndpointDisabled{Reason: reason})
			w.news.tell()
			return nil
		},
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Version: "1.2.3", Schedule: quick, Timeout: patience,
		Logger: slog.New(slog.NewJSONHandler(&w.lines, nil)),
	}
}

// deliver runs a Deliverer until the test or the caller ends it.
func (w *world) deliver(change ...func(*webhook.Config)) *running {
	return w.deliverWhile(context.Background(), change...)
}

// deliverWhile is deliver by a server that may send while held goes on.
func (w *world) deliverWhile(held context.Context, change ...func(*webhook.Config)) *running {
	c := w.config()
	for _, f := range change {
		f(&c)
	}
	d, err := webhook.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel, make(chan struct{})}
	go func() {
		defer close(r.done)
		if err := d.Run(ctx, held); err != nil {
			w.t.Error(err)
		}
	}()
	w.t.Cleanup(r.end)
	return r
}

// until waits for a condition, which is looked at again whenever something came in or was recorded.
func (w *world) until(what string, condition func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		changed := w.news.watch()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			w.t.Fatalf("waited in vain until %s; the last lines are\n%s", what, w.lines.tail())
		}
	}
}

func (w *world) counts() projections.DeliveryCounts {
	c, err := w.outbox.Counts(context.Background())
	if err != nil {
		w.t.Error(err)
	}
	return c
}

func (w *world) untilDelivered(n int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d are delivered", n), func() bool { return w.delivered.Load() >= int64(n) && w.counts().Delivered >= n })
}

// lines are what was logged.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func (l *lines) tail() string {
	text := l.text()
	return text[max(0, len(text)-3000):]
}

// line is the one line of an attempt.
type line struct {
	Msg, Endpoint, Type, Subject, Outcome, Fate, Error string
	WebhookID                                          string `json:"webhook_id"`
	Status, Tries                                      int
	Down                                               bool
}

func (l *lines) attempts() []line {
	var out []line
	for d := json.NewDecoder(bytes.NewReader([]byte(l.text()))); ; {
		var one line
		if err := d.Decode(&one); err != nil {
			return out
		}
		if one.Msg == "webhook" {
			out = append(out, one)
		}
	}
}

// call is one request as a sink saw it.
type call struct {
	header  http.Header
	path    string
	body    []byte
	id      string // webhook-id
	subject string
	version int
	nth     int // of this id, from 1
	at      time.Time
}

// sink is an application that receives webhooks. It holds every call against the order that was promised.
type sink struct {
	world  *world
	answer func(w http.ResponseWriter, c call)
	server *httptest.Server

	mu        sync.Mutex
	calls     []call
	tries     map[string]int
	ids       map[string]string // webhook-id of a subject's version
	accepted  map[string]int    // the last version of a subject that was accepted
	skipped   map[string]bool   // versions that are never accepted
	stalls    bool              // calls stay here after their caller has gone
	now, most int               // calls under way
	of        map[string]int    // calls under way of a subject
	twice     int               // versions accepted again
	wrong     []string
}

func (w *world) sink(answer func(http.ResponseWriter, call)) *sink {
	s := &sink{world: w, answer: answer, tries: map[string]int{}, ids: map[string]string{}, accepted: map[string]int{}, skipped: map[string]bool{}, of: map[string]int{}}
	s.server = httptest.NewServer(s)
	w.t.Cleanup(s.server.Close)
	w.t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, problem := range s.wrong {
			w.t.Error(problem)
		}
	})
	return s
}

// watcher sees the status that is answered.
type watcher struct {
	http.ResponseWriter
	status func(int)
}

func (w *watcher) WriteHeader(status int) {
	w.status(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *watcher) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.world.news.tell()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c := call{header: r.Header, path: r.URL.Path, body: body, id: r.Header.Get(webhook.HeaderID), at: time.Now()}
	var m struct {
		Data struct {
			Subject struct {
				ID      string
				Version int
			}
		}
	}
	if err := json.Unmarshal(body, &m); err != nil {
		s.problem("the body is not JSON: %v", err)
	}
	c.subject, c.version = m.Data.Subject.ID, m.Data.Subject.Version
	s.arrive(&c)
	s.world.news.tell()
	var once sync.Once
	// A call has ended for the order's sake when its answer is on its way: the next one may then come at any moment.
	leave := func(status int) { once.Do(func() { s.leave(c, status) }) }
	defer leave(0)
	s.answer(&watcher{w, leave}, c)
}

func (s *sink) arrive(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries[c.id]++
	c.nth = s.tries[c.id]
	s.calls = append(s.calls, *c)
	key := fmt.Sprintf("%s/%d", c.subject, c.version)
	if known, ok := s.ids[key]; ok && known != c.id {
		s.wrong = append(s.wrong, fmt.Sprintf("%s came as %s and as %s", key, known, c.id))
	}
	s.ids[key] = c.id
	next := s.accepted[c.subject] + 1
	for s.skipped[fmt.Sprintf("%s/%d", c.subject, next)] && next < c.version {
		next++
	}
	if c.version > next {
		s.wrong = append(s.wrong, fmt.Sprintf("%s came before version %d was accepted", key, next))
	}
	s.now++
	s.most = max(s.most, s.now)
	if s.of[c.subject]++; s.of[c.subject] > 1 && !s.stalls {
		s.wrong = append(s.wrong, fmt.Sprintf("%d calls of %s at a time", s.of[c.subject], c.subject))
	}
}

func (s *sink) leave(c call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	s.of[c.subject]--
	if status < 200 || status > 299 {
		return
	}
	if c.version <= s.accepted[c.subject] {
		s.twice++
		return
	}
	s.accepted[c.subject] = c.version
}

func (s *sink) problem(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

func (s *sink) seen() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// underWay is how many calls are not answered, and the most that were at a time.
func (s *sink) underWay() (now, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now, s.most
}

// complete holds that of so many changes to so many users each was accepted, and answers how many were accepted again.
func (s *sink) complete(prefix string, users, changes int) (twice int) {
	s.world.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for u := range users {
		if id := fmt.Sprintf("%s%d", prefix, u); s.accepted[id] != changes {
			s.world.t.Errorf("of %s %d versions were accepted, want %d", id, s.accepted[id], changes)
		}
	}
	return s.twice
}

func status(code int) func(http.ResponseWriter, call) {
	return func(w http.ResponseWriter, _ call) { w.WriteHeader(code) }
}
