package command

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

// CreateEndpoint makes a webhook endpoint that signs with the key; its secret and the headers are stored sealed.
func (s *Service) CreateEndpoint(ctx context.Context, c Caller, wanted domain.EndpointSettings, headers map[string]string, key keys.Signing) (projections.Endpoint, error) {
	id := newID()
	stream := projections.KindEndpoint.Stream(id)
	wanted, err := s.withHeaders(stream, wanted, headers)
	if err != nil {
		return projections.Endpoint{}, err
	}
	event, err := domain.CreateEndpoint(wanted, s.sealed(stream, key))
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
	return projections.Endpoint{ID: id, Endpoint: f.State, Created: f.Created, Updated: f.Modified}
}

// sealed is a signing key as it is stored.
func (s *Service) sealed(stream string, key keys.Signing) domain.SigningKey {
	return domain.SigningKey{Secret: domain.Sealed(s.Keys.Seal(stream, key.Secret())), Public: key.Public()}
}

// headersOf is where headers are sealed, apart from the signing secret of the same endpoint.
func headersOf(stream string) string { return stream + " headers" }

// withHeaders are the settings with these headers, nil for none.
func (s *Service) withHeaders(stream string, settings domain.EndpointSettings, headers map[string]string) (domain.EndpointSettings, error) {
	settings.Headers, settings.HeaderNames = "", nil
	if len(headers) == 0 {
		return settings, nil
	}
	if err := domain.CheckHeaders(headers); err != nil {
		return settings, err
	}
	text, err := json.Marshal(headers)
	if err != nil {
		return settings, fmt.Errorf("encode the headers: %w", err)
	}
	settings.Headers, settings.HeaderNames = domain.Sealed(s.Keys.Seal(headersOf(stream), text)), slices.Sorted(maps.Keys(headers))
	return settings, nil
}

// OpenKey opens a signing key of an endpoint, to sign with it.
func (s *Service) OpenKey(id string, key domain.SigningKey) (keys.Signing, error) {
	secret, err := s.Keys.Open(projections.KindEndpoint.Stream(id), string(key.Secret))
	if err != nil {
		return keys.Signing{}, err
	}
	return keys.SigningFrom(secret, key.Public != "")
}

// OpenHeaders opens the headers that an endpoint wants with each message.
func (s *Service) OpenHeaders(id string, sealed domain.Sealed) (map[string]string, error) {
	if sealed == "" {
		return nil, nil
	}
	text, err := s.Keys.Open(headersOf(projections.KindEndpoint.Stream(id)), string(sealed))
	if err != nil {
		return nil, err
	}
	var headers map[string]string
	if err := json.Unmarshal(text, &headers); err != nil {
		return nil, fmt.Errorf("the sealed headers of webhook %s are damaged", id)
	}
	return headers, nil
}

// UpdateEndpoint changes an endpoint's settings. change is given those that stand, and answers the headers as they are to be; it may be called again.
func (s *Service) UpdateEndpoint(ctx context.Context, c Caller, id string, change func(settings *domain.EndpointSettings, headers map[string]string) (map[string]string, error)) (projections.Endpoint, error) {
	return s.changeEndpoint(ctx, c, id, func(p *domain.Endpoint) (domain.Event, error) {
		stood, err := s.OpenHeaders(id, p.Headers)
		if err != nil {
			return nil, err
		}
		settings := p.EndpointSettings
		headers, err := change(&settings, maps.Clone(stood))
		if err != nil {
			return nil, err
		}
		if !maps.Equal(stood, headers) { // sealed anew, the same headers would look like others
			if settings, err = s.withHeaders(projections.KindEndpoint.Stream(id), settings, headers); err != nil {
				return nil, err
			}
		}
		return p.Update(settings)
	})
}

// RotateKey gives an endpoint another signing key of the same scheme, and answers it. The one before lives on for the overlap.
func (s *Service) RotateKey(ctx context.Context, c Caller, id string, overlap time.Duration) (p projections.Endpoint, key keys.Signing, err error) {
	p, err = s.changeEndpoint(ctx, c, id, func(p *domain.Endpoint) (domain.Event, error) {
		key = keys.NewSigning(p.Key.Public != "")
		return p.RotateKey(s.sealed(projections.KindEndpoint.Stream(id), key), s.Now().UTC().Truncate(time.Millisecond), overlap)
	})
	return p, key, err
}

// PauseEndpoint holds an endpoint's deliveries back; what happens meanwhile is kept for it.
func (s *Service) PauseEndpoint(ctx context.Context, c Caller, id string) (projections.Endpoint, error) {
	return s.changeEndpoint(ctx, c, id, (*domain.Endpoint).Pause)
}

// EnableEndpoint lets an endpoint's deliveries go on.
func (s *Service) EnableEndpoint(ctx context.Context, c Caller, id string) (projections.Endpoint, error) {
	return s.changeEndpoint(ctx, c, id, (*domain.Endpoint).Enable)
}

// DisableEndpoint stops an endpoint's deliveries for the reason given: it is taken for gone.
func (s *Service) DisableEndpoint(ctx context.Context, c Caller, id, reason string) (projections.Endpoint, error) {
	return s.changeEndpoint(ctx, c, id, func(p *domain.Endpoint) (domain.Event, error) { return p.Disable(reason), nil })
}

// TestEndpoint asks for test messages to the endpoint, of the types that the codes select.
func (s *Service) TestEndpoint(ctx context.Context, c Caller, id string, codes []string) (projections.Endpoint, error) {
	return s.changeEndpoint(ctx, c, id, func(p *domain.Endpoint) (domain.Event, error) { return p.Test(codes) })
}

// DeleteEndpoint deletes an endpoint and what waits to be delivered to it.
func (s *Service) DeleteEndpoint(ctx context.Context, c Caller, id string) error {
	_, err := s.changeEndpoint(ctx, c, id, func(*domain.Endpoint) (domain.Event, error) { return domain.EndpointDeleted{}, nil })
	return err
}

// changeEndpoint appends what change decides about an endpoint that exists.
func (s *Service) changeEndpoint(ctx context.Context, c Caller, id string, change func(*domain.Endpoint) (domain.Event, error)) (projections.Endpoint, error) {
	stream := projections.KindEndpoint.Stream(id)
	return decide(ctx, s, stream, func() (projections.Endpoint, error) {
		f, err := load[domain.Endpoint](ctx, s, stream)
		if err != nil {
			return projections.Endpoint{}, err
		}
		if !f.State.Exists() {
			return projections.Endpoint{}, domain.Refuse(domain.NotFound, "there is no such webhook")
		}
		event, err := change(&f.State)
		if err != nil || event == nil {
			return endpointOf(id, f), err
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
