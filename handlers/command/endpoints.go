package command

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// CreateEndpoint makes a webhook endpoint that signs with the secret; the secret is stored sealed.
func (s *Service) CreateEndpoint(ctx context.Context, c Caller, wanted domain.EndpointCreated, secret []byte) (projections.Endpoint, error) {
	id := newID()
	stream := projections.KindEndpoint.Stream(id)
	wanted.Secret = domain.Sealed(s.Keys.Seal(stream, secret))
	event, err := domain.CreateEndpoint(wanted)
	if err != nil {
		return projections.Endpoint{}, err
	}
	var draft draft
	meta := s.meta(c, wanted.Organization)
	draft.add(stream, eventstore.NoStream, meta, event)
	if err := s.append(ctx, draft); err != nil {
		return projections.Endpoint{}, err
	}
	return endpointOf(id, keep(s, stream, folded[domain.Endpoint]{}, meta.RecordedAt, event)), nil
}

func endpointOf(id string, f folded[domain.Endpoint]) projections.Endpoint {
	e := f.State
	return projections.Endpoint{ID: id, Name: e.Name, URL: e.URL, EventCodes: e.EventCodes, Organization: e.Organization, Disabled: e.Disabled, Created: f.Created, Updated: f.Modified}
}

// OpenSecret opens an endpoint's sealed secret, to sign with it.
func (s *Service) OpenSecret(id string, sealed domain.Sealed) ([]byte, error) {
	return s.Keys.Open(projections.KindEndpoint.Stream(id), string(sealed))
}

// DisableEndpoint stops an endpoint's deliveries for the reason given.
func (s *Service) DisableEndpoint(ctx context.Context, c Caller, id, reason string) (projections.Endpoint, error) {
	return s.changeEndpoint(ctx, c, id, func(e *domain.Endpoint) domain.Event { return e.Disable(reason) })
}

// TestEndpoint asks for a test message to the endpoint.
func (s *Service) TestEndpoint(ctx context.Context, c Caller, id string) (projections.Endpoint, error) {
	return s.changeEndpoint(ctx, c, id, func(*domain.Endpoint) domain.Event { return domain.EndpointTested{} })
}

// DeleteEndpoint deletes an endpoint and what waits to be delivered to it.
func (s *Service) DeleteEndpoint(ctx context.Context, c Caller, id string) error {
	_, err := s.changeEndpoint(ctx, c, id, func(*domain.Endpoint) domain.Event { return domain.EndpointDeleted{} })
	return err
}

func (s *Service) changeEndpoint(ctx context.Context, c Caller, id string, change func(*domain.Endpoint) domain.Event) (projections.Endpoint, error) {
	stream := projections.KindEndpoint.Stream(id)
	return decide(ctx, s, stream, func() (projections.Endpoint, error) {
		f, err := load[domain.Endpoint](ctx, s, stream)
		if err != nil {
			return projections.Endpoint{}, err
		}
		if !f.State.Exists() {
			return projections.Endpoint{}, domain.Refuse(domain.NotFound, "there is no such webhook")
		}
		event := change(&f.State)
		if event == nil {
			return endpointOf(id, f), nil
		}
		var draft draft
		meta := s.meta(c, f.State.Organization)
		draft.add(stream, f.Version, meta, event)
		if err := s.append(ctx, draft); err != nil {
			return projections.Endpoint{}, err
		}
		return endpointOf(id, keep(s, stream, f, meta.RecordedAt, event)), nil
	})
}
