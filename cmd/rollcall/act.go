package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb"
	"github.com/rollcall-sync/rollcall/handlers/letter"
	"github.com/rollcall-sync/rollcall/handlers/mail"
	"github.com/rollcall-sync/rollcall/handlers/webhook"
	"github.com/rollcall-sync/rollcall/projections"
)

// What a server does besides answering: it acts on what stands in the log. Of several that share a log each does some of it, and exactly one
// delivers and publishes, as long as it holds the lease.

// share makes ready for the other servers of a log.
func (s *server) share(log *esdb.Store) (err error) {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("ask for this machine's name: %w", err)
	}
	if s.lease, err = log.NewLease(esdb.LeaseConfig{Name: "deliveries", Holder: host + " " + eventstore.RandomID().String(), Term: leaseTerm}); err != nil {
		return err
	}
	s.tenure = s.commands.NewTenure(s.outbox)
	s.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rollcall_delivering", Help: "Whether this server is the one that delivers (1) or another may be (0).",
	}, func() float64 {
		if s.lease.State().Mine {
			return 1
		}
		return 0
	}))
	return nil
}

// wireDeliveries makes what delivers; webhooks may reach the allowed ranges.
func (s *server) wireDeliveries(c *serverConfig, allowed []netip.Prefix) (err error) {
	var outbox webhook.Outbox = s.outbox
	var journal projections.Journal
	if s.tenure != nil {
		outbox, journal = s.tenure, s.tenure
	}
	s.replayer = projections.NewReplayer(s.outbox, s.log, journal, s.logger)
	s.sweeper = projections.NewSweeper(s.outbox, projections.Retention{Delivered: c.KeepDelivered, Failed: c.KeepFailed}, s.logger)
	s.deliverer, err = webhook.New(webhook.Config{
		Outbox: outbox, Allow: allowed, Version: version(), Timeout: c.WebhookTimeout, Logger: s.logger, Metrics: s.metrics,
		OpenKey: s.commands.OpenKey, OpenHeaders: s.commands.OpenHeaders,
		Disable: func(ctx context.Context, endpoint, reason string) error {
			_, err := s.commands.DisableEndpoint(ctx, system, endpoint, reason)
			return err
		},
	})
	return err
}

func (s *server) wireMails(c *serverConfig) error {
	to, from, err := c.mailServer()
	if err != nil || from.Address == "" {
		return err
	}
	s.mailer, err = mail.New(mail.Config{
		Commands: s.commands, Read: s.read, Server: to, From: from, Logger: s.logger, Metrics: s.metrics,
		Letters: letter.Writer{Keys: s.commands.Keys, PublicURL: s.url, Service: c.ServiceName},
	})
	return err
}

// act acts until the context ends, or a part of it cannot go on.
func (s *server) act(ctx context.Context) error {
	if s.lease == nil {
		return together(ctx, s.sweeper.Run, func(ctx context.Context) error { return s.deliver(ctx, context.Background()) })
	}
	return together(ctx, s.sweeper.Run,
		func(ctx context.Context) error { return s.commands.Departures(ctx, s.logger) },
		func(ctx context.Context) error { return s.commands.Withdrawals(ctx, s.logger) },
		s.takeTurns)
}

// leaseTerm is how long the others wait for a server that was killed; one that is stopped longer has lost its turn.
const leaseTerm = 6 * time.Second

// respite is how long a server leaves the turn to others that could not do with it what it is for.
const respite = 5 * leaseTerm

// takeTurns delivers whenever it is this server's turn, once it has caught up with the log. One whose outbox has stopped leaves that to the
// others, and one whose outbox cannot be written for now does for a while.
func (s *server) takeTurns(ctx context.Context) error {
	select {
	case <-s.current:
	case <-ctx.Done():
		return nil
	}
	for {
		err := s.lease.Run(ctx, s.hold)
		switch {
		case ctx.Err() != nil:
			return nil
		case s.outbox.Progress().Failure() != nil:
			s.logger.LogAttrs(ctx, slog.LevelError, "this server does not deliver any more and leaves it to the others", slog.String("error", err.Error()))
			return nil
		case !errors.Is(err, errTroubled):
			return err
		}
		s.logger.LogAttrs(ctx, slog.LevelError, "this server cannot deliver for now and leaves it to the others", slog.String("error", err.Error()))
		select {
		case <-time.After(respite):
		case <-ctx.Done():
			return nil
		}
	}
}

// errTroubled tells that a server cannot do what it has the lease for.
var errTroubled = errors.New("the outbox cannot go on")

// hold is a tenure as the server that delivers: first the outbox takes what the one before did.
func (s *server) hold(work, held context.Context, _ uint64) error {
	defer s.tenure.End()
	return together(work,
		func(ctx context.Context) error {
			if insist(ctx, s.logger, "begin to deliver", s.begin) {
				return s.deliver(ctx, held)
			}
			return nil
		},
		func(ctx context.Context) error {
			if err := s.outbox.Progress().Troubled(ctx, leaseTerm); err != nil {
				return fmt.Errorf("%w: %w", errTroubled, err)
			}
			return nil
		})
}

func (s *server) begin(ctx context.Context) error {
	head, err := s.log.Head(ctx)
	if err == nil {
		err = s.outbox.Progress().Wait(ctx, head)
	}
	if err != nil {
		return err
	}
	return s.tenure.Begin(ctx)
}

// deliver does what only one server may do: it sends messages and mails, makes what replays send, and publishes.
func (s *server) deliver(ctx, held context.Context) error {
	return together(ctx, s.replayer.Run, func(ctx context.Context) error { return s.deliverer.Run(ctx, held) }, func(ctx context.Context) error {
		insist(ctx, s.logger, "publish", func(ctx context.Context) error { return s.publish(ctx, held) })
		return nil
	}, func(ctx context.Context) error {
		if s.mailer == nil {
			return nil
		}
		return s.mailer.Run(ctx, held)
	})
}

// insist does something again and again until it is done, and tells whether it was before the context ended.
func insist(ctx context.Context, logger *slog.Logger, what string, f func(context.Context) error) bool {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(10*time.Second), backoff.WithMaxElapsedTime(0))
	return backoff.RetryNotify(func() error { return f(ctx) }, backoff.WithContext(pauses, ctx), func(err error, pause time.Duration) {
		if ctx.Err() == nil {
			logger.LogAttrs(ctx, slog.LevelWarn, "this server cannot "+what+" for now and tries again", slog.Duration("pause", pause), slog.String("error", err.Error()))
		}
	}) == nil
}

// together runs parts until the context ends, or one of them fails, and all have returned.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(parts))
	var running sync.WaitGroup
	for i, part := range parts {
		running.Go(func() {
			if errs[i] = part(ctx); errs[i] != nil {
				cancel()
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}
