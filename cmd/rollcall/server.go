package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/api"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/mail"
	"github.com/rollcall-sync/rollcall/handlers/onboarding"
	"github.com/rollcall-sync/rollcall/handlers/scim"
	"github.com/rollcall-sync/rollcall/handlers/webhook"
	"github.com/rollcall-sync/rollcall/projections"
)

// server is everything that runs in `rollcall serve`, wired.
type server struct {
	config       *serverConfig
	logger       *slog.Logger
	metrics      *prometheus.Registry
	log          eventLog
	read         *projections.ReadModel
	outbox       *projections.Outbox
	replies      *projections.Replies
	runner       *projections.Runner
	commands     *command.Service
	lease        *esdb.Lease     // of who delivers; nil where this server alone writes the log
	tenure       *command.Tenure // where lease is
	deliverer    *webhook.Deliverer
	mailer       *mail.Mailer // nil where mails are kept
	replayer     *projections.Replayer
	sweeper      *projections.Sweeper
	publications []publication
	publishing   atomic.Pointer[projections.Runner] // while this server publishes
	lastUsed     *handlers.LastUsed
	handler      http.Handler
	listener     net.Listener
	url          string        // where providers reach it
	current      chan struct{} // closed once it has caught up
	ready        chan struct{} // closed once it may be told so
	stopping     chan struct{} // closed when it is about to stop
}

// system is who acts when nobody asks.
var system = command.Caller{Actor: "system", Source: domain.SourceSystem}

// open opens the files and wires the parts. Nothing runs before run, but the port is taken: what cannot start fails here.
func open(ctx context.Context, c *serverConfig, logger *slog.Logger) (s *server, err error) {
	s = &server{config: c, logger: logger, metrics: prometheus.NewRegistry(), current: make(chan struct{}), ready: make(chan struct{}), stopping: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	log, err := c.open(ctx, logger)
	if err != nil {
		return s, err
	}
	s.log = measured(log, s.metrics)
	head, err := s.log.Head(ctx)
	if err != nil {
		return s, err
	}
	master, err := c.master(head)
	if err != nil {
		return s, err
	}
	if err = s.project(ctx, c, head); err != nil {
		return s, err
	}
	if s.replies, err = projections.OpenReplies(c.Data, s.log, s.log.ID(), head); err != nil {
		return s, err
	}
	if err = s.openPublications(ctx, c); err != nil {
		return s, err
	}
	if s.commands, err = command.New(command.Config{Log: s.log, Read: s.read, Keys: master, Invite: c.InvitationLife, Shared: c.shared(), MailsKept: c.SMTPURL == ""}); err != nil {
		return s, err
	}
	if err = s.commands.Install(ctx, system); err != nil {
		return s, err
	}
	if shared, is := log.(*esdb.Store); is {
		if err = s.share(shared); err != nil {
			return s, err
		}
	}
	if s.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return s, fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	if s.url = strings.TrimRight(c.PublicURL, "/"); s.url == "" {
		s.url = "http://" + s.listener.Addr().String()
	}
	return s, s.wire(c)
}

// master is the master key: the one given, else the one in the data folder, else a new one if there is no log yet that was written
// with another.
func (c *serverConfig) master(head eventstore.Position) (*keys.Master, error) {
	if c.MasterKey != "" {
		return keys.Parse(string(c.MasterKey))
	}
	m, err := keys.ReadFile(c.Data)
	if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if head != (eventstore.Position{}) {
		return nil, fmt.Errorf("%s is missing beside a log that was written with it; restore it from a backup, or give the key in ROLLCALL_MASTER_KEY", filepath.Join(c.Data, keys.FileName))
	}
	return keys.CreateFile(c.Data)
}

// project opens the read model and the outbox.
func (s *server) project(ctx context.Context, c *serverConfig, head eventstore.Position) (err error) {
	if s.read, err = projections.OpenReadModel(c.Data, s.log.ID(), head); err != nil {
		return err
	}
	if c.shared() {
		s.read.ShareLog(s.log)
	}
	s.outbox, err = outboxPlace{c.Data, c.shared(), c.DeliveriesFrom, s.read}.open(ctx, s.log, head)
	return err
}

func (s *server) wire(c *serverConfig) error {
	s.runner = projections.NewRunner(s.log, s.logger, s.metrics, s.read, s.outbox)
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), lag{s.log, s.states})
	allowed, err := c.allowed()
	if err := errors.Join(err, s.wireDeliveries(c, allowed), s.wireMails(c)); err != nil {
		return err
	}
	mux := http.NewServeMux()
	throttle := handlers.NewThrottle(handlers.Failures, nil)
	s.lastUsed = handlers.OpenLastUsed(filepath.Join(c.Data, handlers.LastUsedFile), s.logger)
	providers, err := scim.New(scim.Config{Commands: s.commands, Read: s.read, PublicURL: s.url, MaxBody: c.SCIMMaxBody, Throttle: throttle, LastUsed: s.lastUsed})
	if err != nil {
		return err
	}
	management, err := api.New(api.Config{Commands: s.commands, Read: s.read, Log: s.log, Feed: projections.NewFeed(s.log, s.log.ID(), s.read), Outbox: s.outbox, Replies: s.replies,
		PublicURL: s.url, Service: c.ServiceName, SendsMail: s.mailer != nil, WebhookAllow: allowed, Spool: c.Data, Stopping: s.stopping, Throttle: throttle, LastUsed: s.lastUsed, Pace: handlers.NewPace(c.APIRate, nil), OrganizationPace: handlers.NewPace(c.APIOrgRate, nil)})
	if err != nil {
		return err
	}
	administrators, err := onboarding.New(onboarding.Config{Commands: s.commands, Read: s.read, PublicURL: s.url, Service: c.ServiceName, Throttle: throttle})
	if err != nil {
		return err
	}
	providers.Mount(mux)
	management.Mount(mux)
	administrators.Mount(mux)
	s.mountHealth(mux)
	s.handler = handlers.Serve(scim.Tidy(mux), s.logger, s.metrics)
	return nil
}

// Limits on how long a client may keep a connection busy, and with what before its body.
const (
	headerTimeout  = 10 * time.Second
	requestTimeout = 2 * time.Minute
	idleTimeout    = 2 * time.Minute
	headerBytes    = 64 << 10 // a filter is the largest that stands in them
	drainTimeout   = 30 * time.Second
)

// run serves until the context ends and then drains: no new requests, those under way finish, deliveries finish their attempts, and then
// projections stop at a batch. ready is called once everything has caught up.
func (s *server) run(ctx context.Context, ready func() error) error {
	background := context.WithoutCancel(ctx)
	projecting, stopProjecting := context.WithCancel(background)
	defer stopProjecting()
	acting, stopActing := context.WithCancel(background)
	defer stopActing()
	web := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes,
		ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	web.RegisterOnShutdown(func() { close(s.stopping) })
	projected, acted, served := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	go func() { projected <- s.runner.Run(projecting) }()
	go func() { acted <- s.act(acting) }()
	go func() { served <- web.Serve(s.listener) }()
	complete, err := s.caughtUp(ctx)
	if complete {
		close(s.current)
		err = ready()
	}
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-projected:
			projected <- nil
		case err = <-acted:
			acted <- nil
		case err = <-served:
			served <- http.ErrServerClosed
		}
	}
	s.logger.LogAttrs(background, slog.LevelInfo, "draining; a second signal ends at once")
	drain, cancel := context.WithTimeout(background, drainTimeout)
	defer cancel()
	if e := web.Shutdown(drain); e != nil {
		err = errors.Join(err, fmt.Errorf("drain the requests under way: %w", e), web.Close())
	}
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve: %w", e))
	}
	stopActing()
	err = errors.Join(err, <-acted)
	stopProjecting()
	return errors.Join(err, <-projected)
}

// caughtUp waits until the read model and the outbox show what the log holds, and tells whether they do. One that has stopped does
// not end the server: /readyz tells of it, and what can be answered is. Brokers are not waited for.
func (s *server) caughtUp(ctx context.Context) (bool, error) {
	head, err := s.log.Head(ctx)
	if err != nil {
		return false, err
	}
	s.read.Expect(head)
	if errors.Join(s.read.Progress().Wait(ctx, head), s.outbox.Progress().Wait(ctx, head)) != nil { // told where it stopped, or told to stop
		return false, nil
	}
	return true, s.read.RemoveOld()
}

// close closes the files, in the order in which they depend on each other.
func (s *server) close() error {
	var errs []error
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.lastUsed != nil {
		s.lastUsed.Close()
	}
	for _, p := range s.publications {
		errs = append(errs, p.close())
	}
	if s.replies != nil {
		errs = append(errs, s.replies.Close())
	}
	if s.outbox != nil {
		errs = append(errs, s.outbox.Close())
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	return errors.Join(errs...)
}

// isTerminal tells whether a person watches.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
