package command

import (
	"context"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// RequestReplay asks for messages of the past to an endpoint, and answers the id of the replay.
func (s *Service) RequestReplay(ctx context.Context, c Caller, endpoint string, wanted domain.EndpointReplayRequested) (string, error) {
	wanted.Replay = newID()
	_, err := s.changeEndpoint(ctx, c, endpoint, func(p *domain.Endpoint) (domain.Event, error) { return p.Replay(wanted) })
	return wanted.Replay, err
}

// CancelReplay ends a replay of an endpoint.
func (s *Service) CancelReplay(ctx context.Context, c Caller, endpoint, replay string) error {
	_, err := s.changeEndpoint(ctx, c, endpoint, func(*domain.Endpoint) (domain.Event, error) {
		return domain.EndpointReplayCancelled{Replay: replay}, nil
	})
	return err
}

// RecoverDeliveries asks for all deliveries of an endpoint again that were given up since a time.
func (s *Service) RecoverDeliveries(ctx context.Context, c Caller, endpoint string, since time.Time) (projections.Endpoint, error) {
	return s.changeEndpoint(ctx, c, endpoint, func(p *domain.Endpoint) (domain.Event, error) { return p.Recover(since) })
}

// ResendDelivery asks for one delivery of an endpoint again.
func (s *Service) ResendDelivery(ctx context.Context, c Caller, endpoint, delivery string) error {
	_, err := s.changeEndpoint(ctx, c, endpoint, func(p *domain.Endpoint) (domain.Event, error) { return p.Resend(delivery) })
	return err
}

// CancelDelivery gives up one delivery of an endpoint.
func (s *Service) CancelDelivery(ctx context.Context, c Caller, endpoint, delivery string) error {
	_, err := s.changeEndpoint(ctx, c, endpoint, func(*domain.Endpoint) (domain.Event, error) {
		return domain.EndpointDeliveryCancelled{Delivery: delivery}, nil
	})
	return err
}
