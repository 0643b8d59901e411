package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/broker"
	"github.com/rollcall-sync/rollcall/projections"
)

// publication is a broker that is to get every change. Its file says how far that has come; where the log is shared, the log does.
type publication struct {
	*broker.Publisher
	file *projections.RelayFile
}

// openPublications opens what is to be published to. None is connected yet.
func (s *server) openPublications(ctx context.Context, c *serverConfig) error {
	publishers, err := c.publishers(s.logger)
	if err != nil {
		return err
	}
	for _, p := range publishers {
		one := publication{Publisher: p}
		if !c.shared() {
			from, err := c.publishedFrom(ctx, s.log)
			if err != nil {
				return err
			}
			if one.file, err = projections.OpenRelayFile(ctx, c.Data, p.Name(), s.log, s.log.ID(), from); err != nil {
				return err
			}
		}
		s.publications = append(s.publications, one)
	}
	return nil
}

// publishedFrom is where a broker that is new begins.
func (c *serverConfig) publishedFrom(ctx context.Context, log projections.Past) (eventstore.Position, error) {
	at, err := projections.Locate(ctx, log, c.PublishFrom)
	if err != nil {
		err = fmt.Errorf("--publish-from: %w", err)
	}
	return at, err
}

// publish hands every change to the brokers until the context ends.
func (s *server) publish(ctx context.Context) error {
	if len(s.publications) == 0 {
		return nil
	}
	var relays []projections.Projection
	for _, p := range s.publications {
		begin, keep, err := s.relayed(ctx, p)
		if err != nil {
			return err
		}
		relay, err := projections.NewRelay(p.Name(), s.log, begin, p.Publish, keep)
		if err != nil {
			return err
		}
		relays = append(relays, relay)
	}
	runner := projections.NewRunner(s.log, s.logger, s.metrics, relays...)
	s.publishing.Store(runner)
	defer s.publishing.Store(nil)
	return runner.Run(ctx)
}

// relayedEvery is how often a shared log is told how far a broker has come; who takes over hands on again what came since.
const relayedEvery = time.Second

// relayed is how far a publication has come, and what keeps that.
func (s *server) relayed(ctx context.Context, p publication) (begin eventstore.Position, keep func(context.Context, eventstore.Position) error, err error) {
	if p.file != nil {
		return p.file.Begun(), p.file.Keep, nil
	}
	begin, known, err := s.outbox.Relayed(ctx, p.Name())
	if err == nil && !known {
		if begin, err = s.config.publishedFrom(ctx, s.log); err == nil {
			err = s.tenure.Relayed(ctx, p.Name(), begin)
		}
	}
	var kept time.Time
	return begin, func(ctx context.Context, at eventstore.Position) error {
		if time.Since(kept) < relayedEvery {
			return nil
		}
		kept = time.Now()
		return s.tenure.Relayed(ctx, p.Name(), at)
	}, err
}

// publicationStates tell how the publications stand, if this server is the one that publishes.
func (s *server) publicationStates() []projections.State {
	if runner := s.publishing.Load(); runner != nil {
		return runner.States()
	}
	return nil
}

func (p publication) close() error {
	if p.file == nil {
		return p.Close()
	}
	return errors.Join(p.file.Close(), p.Close())
}
