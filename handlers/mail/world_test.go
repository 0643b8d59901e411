package mail_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/letter"
	"github.com/rollcall-sync/rollcall/handlers/mail"
	"github.com/rollcall-sync/rollcall/projections"
)

// patience bounds every wait; only a test that fails comes near it.
const patience = time.Minute

var system = command.Caller{Actor: "system", Source: domain.SourceSystem}

// world is a log with commands and a read model, and a mail server.
type world struct {
	testing.TB
	ctx      context.Context
	log      *faulty
	read     *projections.ReadModel
	commands *command.Service
	keys     *keys.Master
	server   *server
	lines    lines
	stop     func() // of the read model

	d projections.Directory
}

// faulty is a log that may refuse to be written.
type faulty struct {
	*eventstore.Memory
	mu     sync.Mutex
	refuse func([]eventstore.Write) error
}

func (f *faulty) Append(ctx context.Context, batch ...eventstore.Write) (eventstore.Position, error) {
	f.mu.Lock()
	refuse := f.refuse
	f.mu.Unlock()
	if refuse != nil {
		if err := refuse(batch); err != nil {
			return eventstore.Position{}, err
		}
	}
	return f.Memory.Append(ctx, batch...)
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t testing.TB, server *server) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	w := &world{TB: t, ctx: ctx, log: &faulty{Memory: eventstore.NewMemory()}, server: server}
	var err error
	w.keys, err = keys.New(make([]byte, keys.Size))
	w.must(err)
	w.start()
	o, err := w.commands.CreateOrganization(ctx, system, `Bänk <of> "Lille", & Söhne`)
	w.must(err)
	w.d, _, err = w.commands.ActivateDirectory(ctx, system, o, domain.Okta, domain.Dialect{})
	w.must(err)
	return w
}

// start makes a read model of the log, a new one each time.
func (w *world) start() {
	w.Helper()
	head, err := w.log.Head(w.ctx)
	w.must(err)
	w.read, err = projections.OpenReadModel(w.TempDir(), "a log", head)
	w.must(err)
	read := w.read
	runner := projections.NewRunner(w.log, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), read)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, read.Close()); err != nil {
			w.Error(err)
		}
	})
	w.Cleanup(w.stop)
	w.commands, err = command.New(command.Config{Log: w.log, Read: read, Keys: w.keys, Invite: time.Hour})
	w.must(err)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// send lets a mailer run; the function returned stops it.
func (w *world) send(change ...func(*mail.Config)) (stop func()) {
	return w.sendWhile(context.Background(), change...)
}

func (w *world) sendWhile(held context.Context, change ...func(*mail.Config)) (stop func()) {
	w.Helper()
	s, err := mail.ParseServer(w.server.url)
	w.must(err)
	c := mail.Config{
		Commands: w.commands, Read: w.read, Server: s, From: netmail.Address{Name: "Misapret, Inc.", Address: "no-reply@misapret.example"}, TLS: &tls.Config{RootCAs: w.server.roots},
		Letters: letter.Writer{Keys: w.keys, PublicURL: "https://rollcall.example", Service: "misapret"},
		Retries: []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond}, Logger: slog.New(slog.NewTextHandler(&w.lines, nil)), Metrics: prometheus.NewRegistry(),
	}
	for _, f := range change {
		f(&c)
	}
	m, err := mail.New(c)
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx, held) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
	w.Cleanup(stop)
	return stop
}

// invite invites to the set-up of the directory.
func (w *world) invite(email string) projections.Mail {
	w.Helper()
	d, err := w.commands.InviteDirectoryAdmin(w.ctx, system, w.d, email)
	w.must(err)
	return w.mail(d.Onboarding.Invited.Last.ID)
}

// connect makes a connection of an organization, and invites to its set-up.
func (w *world) connect(o projections.Organization, email string) projections.Mail {
	w.Helper()
	c, err := w.commands.CreateConnection(w.ctx, system, o, command.NewConnection{Service: "misapret", Email: email, Invite: true})
	w.must(err)
	return w.mail(c.Invited.Last.ID)
}

// wait waits for what a test waits for.
func (w *world) wait(event <-chan struct{}) {
	select {
	case <-event:
	case <-w.ctx.Done():
		w.Error("it does not happen")
	}
}

func (w *world) mail(id string) projections.Mail {
	w.Helper()
	m, err := w.read.Mail(w.ctx, id)
	w.must(err)
	return m
}

// until waits for an event of a mail, and answers those of the mail up to it.
func (w *world) until(id, event string) (seen []string) {
	w.Helper()
	for batch, err := range w.log.Follow(w.ctx, eventstore.Position{}) {
		if err != nil {
			w.Fatalf("%s of %s does not come after %q: %v\n%s", event, id, seen, err, &w.lines)
		}
		for _, r := range batch.Records {
			if r.Stream != projections.KindMail.Stream(id) {
				continue
			}
			if seen = append(seen, r.Type); r.Type == event {
				w.read.Expect(r.Position)
				return seen
			}
		}
	}
	w.Fatalf("%s of %s does not come after %q\n%s", event, id, seen, &w.lines)
	return nil
}

// server is a mail server, in this process, that takes mails or does what a test wants instead.
type server struct {
	url   string
	roots *x509.CertPool

	mu      sync.Mutex
	taken   []taken
	tried   int // to hand a mail over
	on      func(step, what string, nth int) error
	endings chan struct{} // a connection ended
}

// taken is a mail that was taken.
type taken struct {
	from, to, user string
	encrypted      bool
	text           string
}

const password = "s3cret p@ss/word"

// serve runs a mail server. The URL is a form with %s for the address.
func serve(t testing.TB, form string, change ...func(*smtp.Server)) *server {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	s := &server{roots: x509.NewCertPool(), endings: make(chan struct{}, 100)}
	s.roots.AddCert(web.Certificate())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = strings.Replace(form, "%s", listener.Addr().String(), 1)
	to := smtp.NewServer(s)
	to.Domain, to.TLSConfig, to.ErrorLog = "mx.example", &tls.Config{Certificates: web.TLS.Certificates}, slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	for _, f := range change {
		f(to)
	}
	if strings.HasPrefix(form, "smtps") {
		listener = tls.NewListener(listener, to.TLSConfig)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = to.Serve(listener) }()
	t.Cleanup(func() { to.Close(); <-ended })
	return s
}

// does sets what happens at a step of a conversation: from, to, data or login.
func (s *server) does(on func(step, what string, nth int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = on
}

func (s *server) step(step, what string) error {
	s.mu.Lock()
	if step == "from" {
		s.tried++
	}
	on, nth := s.on, s.tried
	s.mu.Unlock()
	if on == nil {
		return nil
	}
	return on(step, what, nth)
}

func (s *server) all() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]taken{}, s.taken...)
}

// NewSession implements smtp.Backend.
func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &session{server: s, conn: c, mail: taken{encrypted: encrypted}}, nil
}

type session struct {
	*server
	conn *smtp.Conn
	mail taken
}

func (s *session) Reset() {}

func (s *session) Logout() error {
	s.endings <- struct{}{}
	return nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.from = from
	return s.step("from", from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = to
	return s.step("to", to)
}

func (s *session) Data(r io.Reader) error {
	if err := s.step("begin", ""); err != nil {
		_ = s.conn.Conn().Close()
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.step("data", string(text)); err != nil {
		return err
	}
	s.mail.text = string(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, s.mail)
	return nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if pass != password {
			return smtp.ErrAuthFailed
		}
		s.mail.user = user
		return nil
	}), nil
}

// answer is what a server refuses with.
func answer(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: text}
}
