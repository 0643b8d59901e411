package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/broker"
	"github.com/rollcall-sync/rollcall/handlers/command"
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
			from, err := c.publishedFrom(ctx, s.log, s.read)
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
func (c *serverConfig) publishedFrom(ctx context.Context, log projections.Past, marks projections.Marks) (eventstore.Position, error) {
	at, err := projections.Locate(ctx, log, marks, c.PublishFrom)
	if err != nil {
		err = fmt.Errorf("--publish-from: %w", err)
	}
	return at, err
}

// publish hands every change to the brokers until the context ends; held ends when this server may not do so any more.
func (s *server) publish(ctx, held context.Context) error {
	if len(s.publications) == 0 {
		return nil
	}
	var relays []projections.Projection
	var places []relayPlace
	for _, p := range s.publications {
		place, begin, err := s.place(ctx, p)
		if err != nil {
			return err
		}
		relay, err := projections.NewRelay(held, p.Name(), s.log, begin, p.Publish, place.Keep)
		if err != nil {
			return err
		}
		relays, places = append(relays, relay), append(places, place)
	}
	runner := projections.NewRunner(s.log, s.logger, s.metrics, relays...)
	s.publishing.Store(runner)
	defer s.publishing.Store(nil)
	err := runner.Run(ctx)
	for _, p := range places {
		err = errors.Join(err, p.flush(held))
	}
	return err
}

// relayPlace is where a relay keeps how far it has come.
type relayPlace interface {
	Keep(ctx context.Context, at eventstore.Position) error
	flush(ctx context.Context) error
}

// place is the place of a publication, and how far it has come.
func (s *server) place(ctx context.Context, p publication) (place relayPlace, begin eventstore.Position, err error) {
	if p.file != nil {
		return filePlace{p.file}, p.file.Begun(), nil
	}
	begin, known, err := s.outbox.Relayed(ctx, p.Name())
	if err == nil && !known {
		if begin, err = s.config.publishedFrom(ctx, s.log, s.read); err == nil {
			err = s.tenure.Relayed(ctx, p.Name(), begin)
		}
	}
	return &logPlace{tenure: s.tenure, name: p.Name()}, begin, err
}

// filePlace is a file, which always knows.
type filePlace struct{ *projections.RelayFile }

func (filePlace) flush(context.Context) error { return nil }

// relayedEvery is how often a shared log is told how far a broker has come; who takes over from a server that was killed hands on again what came since.
const relayedEvery = time.Second

// logPlace is a shared log, which is told now and then.
type logPlace struct {
	tenure   *command.Tenure
	name     string
	at, told eventstore.Position
	when     time.Time
}

// Keep tells the log if it is time to.
func (l *logPlace) Keep(ctx context.Context, at eventstore.Position) error {
	l.at = at
	if time.Since(l.when) < relayedEvery {
		return nil
	}
	return l.flush(ctx)
}

func (l *logPlace) flush(ctx context.Context) error {
	if l.at == l.told {
		return nil
	}
	if err := l.tenure.Relayed(ctx, l.name, l.at); err != nil {
		return err
	}
	l.told, l.when = l.at, time.Now()
	return nil
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
