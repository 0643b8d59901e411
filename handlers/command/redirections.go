package command

import (
	"context"
	"errors"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// AddRedirection makes another default redirection, to a URI that the application allows; "" is where it would rather have its users.
func (s *Service) AddRedirection(ctx context.Context, c Caller, id, application, uri string) (projections.Connection, error) {
	return s.changeConnection(ctx, c, id, func(state *domain.Connection) (domain.Event, error) {
		r, err := s.redirection(ctx, application, uri)
		if err != nil {
			return nil, err
		}
		return state.Redirect(r)
	})
}

// redirection makes a redirection to where an application allows it.
func (s *Service) redirection(ctx context.Context, application, uri string) (domain.Redirection, error) {
	a, err := s.Read.Application(ctx, application)
	if errors.Is(err, projections.ErrNotFound) {
		err = domain.RefuseField("application_id", "is no application's id")
	}
	if err != nil {
		return domain.Redirection{}, err
	}
	target, err := a.Target(uri)
	return domain.Redirection{ID: newID(), Application: a.ID, URI: target}, err
}

// stillAllowed refuses a redirection of before whose application is gone, or does not allow its URI any more.
func (s *Service) stillAllowed(ctx context.Context, r domain.Redirection) error {
	allowed, err := s.allowed(ctx, r)
	if err == nil && !allowed {
		err = domain.RefuseField("default_redirection_id", "leads to %s, which no application allows any more; POST to its default-redirection makes another", r.URI)
	}
	return err
}

func (s *Service) allowed(ctx context.Context, r domain.Redirection) (bool, error) {
	a, err := s.Read.Application(ctx, r.Application)
	if errors.Is(err, projections.ErrNotFound) {
		return false, nil
	}
	return err == nil && a.Allows(r.URI), err
}

// leading is the claim of a connection that is about to lead to an application, or of the application that is about to be deleted: who comes between waits for
// it. It is held by nobody between such changes, and by an application that is deleted for good.
func leading(application string) name { return name{application, "default-redirection", ""} }

// lead adds to the draft that the owner, a connection or the application itself, takes the application's claim, so that what is looked up from here on, whether the
// application is there and who leads to it, is so still when the owner's own event is written. A connection gives the claim back once that is in the draft, by arrived.
func (s *Service) lead(ctx context.Context, d *draft, meta domain.Meta, application, owner string) (arrived func(), err error) {
	n := leading(application)
	stream := s.claimStream(n)
	c, err := s.guard(ctx, stream)
	if err != nil {
		return nil, err
	}
	if _, err := s.fence(ctx, meta, n, c.State.Owner, owner); err != nil { // who holds it has arrived, and is seen by those who look
		return nil, err
	}
	d.add(stream, c.Version, meta, domain.NameClaimed{Owner: owner})
	return func() {
		d.add(stream, c.Version+1, meta, domain.NameReleased{})
		d.ends = []end{{stream, c.Version + 1}} // whoever took the claim over saw that the connection had arrived
	}, nil
}

// redirect is lead, for an event after which a connection leads elsewhere than before.
func (s *Service) redirect(ctx context.Context, d *draft, meta domain.Meta, stream string, before domain.Connection, event domain.Event) (arrived func(), err error) {
	after := before
	if after.Apply(event); after.Default == before.Default {
		return func() {}, nil
	}
	if arrived, err = s.lead(ctx, d, meta, after.Default.Application, stream); err != nil {
		return nil, err
	}
	allowed, err := s.allowed(ctx, after.Default)
	if err == nil && !allowed { // it was when the event was decided
		err = &eventstore.ConflictError{Stream: stream}
	}
	return arrived, err
}
