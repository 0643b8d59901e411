package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rollcall-sync/rollcall/handlers/broker"
	"github.com/rollcall-sync/rollcall/projections"
)

// publication is a broker with what hands it every change.
type publication struct {
	publisher *broker.Publisher
	relay     *projections.Relay
}

// publish opens the relays to the brokers that are configured. None is connected yet.
func (s *server) publish(ctx context.Context, c *serverConfig) error {
	publishers, err := c.publishers(s.logger)
	if err != nil {
		return err
	}
	for _, p := range publishers {
		from, err := projections.Locate(ctx, s.log, c.PublishFrom)
		if err != nil {
			return fmt.Errorf("--publish-from: %w", err)
		}
		relay, err := projections.OpenRelay(ctx, c.Data, p.Name(), s.log, s.log.ID(), from, p.Publish)
		if err != nil {
			return err
		}
		s.publications = append(s.publications, publication{p, relay})
	}
	return nil
}

func (p publication) close() error { return errors.Join(p.relay.Close(), p.publisher.Close()) }

// publishes tells whether a projection is one to a broker.
func (s *server) publishes(projection string) bool {
	return slices.ContainsFunc(s.publications, func(p publication) bool { return p.relay.Name() == projection })
}
