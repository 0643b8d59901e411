package command

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// CreateApplication makes an application.
func (s *Service) CreateApplication(ctx context.Context, c Caller, wanted domain.ApplicationSettings) (projections.Application, error) {
	event, err := domain.CreateApplication(wanted)
	if err != nil {
		return projections.Application{}, err
	}
	id := newID()
	stream := projections.KindApplication.Stream(id)
	var draft draft
	meta := s.meta(c, "")
	draft.add(stream, eventstore.NoStream, meta, event)
	if err := s.append(ctx, draft); err != nil {
		return projections.Application{}, err
	}
	return applicationOf(id, keep(s, stream, folded[domain.Application]{}, meta.RecordedAt, event)), nil
}

func applicationOf(id string, f folded[domain.Application]) projections.Application {
	return projections.Application{ID: id, Application: f.State, Created: f.Created, Updated: f.Modified}
}

// UpdateApplication changes an application's settings. change is given those that stand; it may be called again.
func (s *Service) UpdateApplication(ctx context.Context, c Caller, id string, change func(*domain.ApplicationSettings) error) (projections.Application, error) {
	return s.changeApplication(ctx, c, id, func(a *domain.Application) (domain.Event, error) {
		settings := a.ApplicationSettings
		if err := change(&settings); err != nil {
			return nil, err
		}
		return a.Update(settings)
	})
}

// DeleteApplication deletes an application to which no connection leads.
func (s *Service) DeleteApplication(ctx context.Context, c Caller, id string) error {
	stream := projections.KindApplication.Stream(id)
	_, err := decide(ctx, s, stream, func() (none struct{}, err error) {
		var draft draft
		meta := s.meta(c, "")
		if _, err := s.lead(ctx, &draft, meta, id, stream); err != nil { // from here on no connection comes to lead to it
			return none, err
		}
		led, err := s.Read.Leads(ctx, id)
		if err == nil && led {
			err = domain.Refuse(domain.Conflict, "connections send their users to this application; give them another default redirection first")
		}
		if err != nil {
			return none, err
		}
		f, err := s.application(ctx, id)
		if err != nil {
			return none, err
		}
		draft.add(stream, f.Version, meta, domain.ApplicationDeleted{})
		return none, s.append(ctx, draft)
	})
	return err
}

// changeApplication appends what change decides about an application that exists.
func (s *Service) changeApplication(ctx context.Context, c Caller, id string, change func(*domain.Application) (domain.Event, error)) (projections.Application, error) {
	stream := projections.KindApplication.Stream(id)
	return decide(ctx, s, stream, func() (projections.Application, error) {
		f, err := s.application(ctx, id)
		if err != nil {
			return projections.Application{}, err
		}
		event, err := change(&f.State)
		if err != nil || event == nil {
			return applicationOf(id, f), err
		}
		var draft draft
		meta := s.meta(c, "")
		draft.add(stream, f.Version, meta, event)
		if err := s.append(ctx, draft); err != nil {
			return projections.Application{}, err
		}
		return applicationOf(id, keep(s, stream, f, meta.RecordedAt, event)), nil
	})
}

func (s *Service) application(ctx context.Context, id string) (folded[domain.Application], error) {
	f, err := load[domain.Application](ctx, s, projections.KindApplication.Stream(id))
	if err == nil && !f.State.Exists() {
		err = domain.Refuse(domain.NotFound, "there is no such application")
	}
	return f, err
}
