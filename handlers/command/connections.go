package command

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// NewConnection is what a connection is made of.
type NewConnection struct {
	Service     string // whose users sign in: the name that the identity provider knows us by begins with it
	Application string // the id of the one that users are sent to; "" for none yet
	URI         string // where to, "" for where the application would rather have them
	Email       string // of the administrator, "" if it is not known
	Invite      bool   // the administrator
}

// CreateConnection makes a connection of an organization.
func (s *Service) CreateConnection(ctx context.Context, c Caller, o projections.Organization, wanted NewConnection) (projections.Connection, error) {
	event := domain.ConnectionCreated{OrganizationID: o.ID, ServiceProvider: newSlug(wanted.Service), Onboarding: domain.Onboarding{ID: newID(), Email: wanted.Email}}
	if wanted.Invite {
		invitation := s.invitation()
		event.Invitation = &invitation
	}
	many := connectionsOf(o.ID)
	return decide(ctx, s, s.claimStream(many), func() (projections.Connection, error) {
		id := newSlug(domain.ConnectionName(o.Domain)) // another one in each attempt: the last one's stream may have been fenced
		stream := projections.KindConnection.Stream(id)
		var draft draft
		meta := s.meta(c, o.Domain)
		if err := s.touch(ctx, &draft, meta, many, stream); err != nil { // so that it is not made while its organization is deleted
			return projections.Connection{}, err
		}
		if _, err := s.organization(ctx, o.ID); err != nil {
			return projections.Connection{}, err
		}
		standing, err := s.Read.ConnectionsOf(ctx, o.ID)
		if err != nil {
			return projections.Connection{}, err
		}
		if len(standing) >= domain.MaxConnections {
			return projections.Connection{}, domain.Refuse(domain.Conflict, "the organization has %d connections already; delete one first", domain.MaxConnections)
		}
		if wanted.Invite {
			if err := s.mayInvite(ctx, &draft, meta, o.ID); err != nil {
				return projections.Connection{}, err
			}
		}
		arrived := func() {}
		if wanted.Application != "" {
			if arrived, err = s.lead(ctx, &draft, meta, wanted.Application, stream); err != nil {
				return projections.Connection{}, err
			}
			r, err := s.redirection(ctx, wanted.Application, wanted.URI)
			if err != nil {
				return projections.Connection{}, err
			}
			event.Redirection = &r
		}
		decided, err := domain.CreateConnection(event)
		if err != nil {
			return projections.Connection{}, err
		}
		draft.add(stream, eventstore.NoStream, meta, decided)
		arrived()
		if err := s.append(ctx, draft); err != nil {
			return projections.Connection{}, err
		}
		return connectionOf(id, keep(s, stream, folded[domain.Connection]{}, meta.RecordedAt, decided)), nil
	})
}

// connectionsOf is the claim that whoever makes or ends connections of an organization touches.
func connectionsOf(organizationID string) name { return name{organizationID, "sso-connections", ""} }

// newSlug is a name with 22 random characters behind it, which nobody guesses.
func newSlug(name string) string { return name + "_" + rand.Text()[:22] }

func connectionOf(id string, f folded[domain.Connection]) projections.Connection {
	return projections.Connection{ID: id, Connection: f.State, Created: f.Created, Updated: f.Modified}
}

// ConnectionChange is what is wanted of a connection; what is nil or empty stays.
type ConnectionChange struct {
	Active *bool
	domain.ConnectionEdit
}

// UpdateConnection changes what is given of a connection.
func (s *Service) UpdateConnection(ctx context.Context, c Caller, id string, wanted ConnectionChange) (projections.Connection, error) {
	return s.changeConnection(ctx, c, id, func(state *domain.Connection) (domain.Event, error) {
		if r, known := state.Redirection(wanted.DefaultRedirection); known && r.ID != state.Default.ID {
			if err := s.stillAllowed(ctx, r); err != nil {
				return nil, err
			}
		}
		return state.Change(wanted.Active, wanted.ConnectionEdit)
	})
}

// StartOnboarding begins another onboarding, of the administrator with this address.
func (s *Service) StartOnboarding(ctx context.Context, c Caller, id, email string, provider domain.Provider) (projections.Connection, error) {
	onboarding := newID()
	return s.changeConnection(ctx, c, id, func(state *domain.Connection) (domain.Event, error) {
		return state.StartOnboarding(onboarding, email, provider)
	})
}

// UpdateOnboarding changes the administrator's address or the provider; "" leaves what is.
func (s *Service) UpdateOnboarding(ctx context.Context, c Caller, id, email string, provider domain.Provider) (projections.Connection, error) {
	return s.changeConnection(ctx, c, id, func(state *domain.Connection) (domain.Event, error) { return state.UpdateOnboarding(email, provider) })
}

// ResetOnboarding begins the onboarding anew with the same administrator.
func (s *Service) ResetOnboarding(ctx context.Context, c Caller, id string) (projections.Connection, error) {
	return s.changeConnection(ctx, c, id, (*domain.Connection).ResetOnboarding)
}

// InviteAdmin asks for an invitation to the administrator.
func (s *Service) InviteAdmin(ctx context.Context, c Caller, id string) (projections.Connection, error) {
	invitation := s.invitation()
	return s.changeConnectionBeside(ctx, c, id, func(draft *draft, meta domain.Meta, state *domain.Connection) (domain.Event, error) {
		event, err := state.InviteAdmin(invitation)
		if err != nil {
			return nil, err
		}
		return event, s.mayInvite(ctx, draft, meta, state.OrganizationID)
	})
}

// DeleteConnection deletes a connection.
func (s *Service) DeleteConnection(ctx context.Context, c Caller, id string) error {
	_, err := s.changeConnection(ctx, c, id, func(*domain.Connection) (domain.Event, error) { return domain.ConnectionDeleted{}, nil })
	return err
}

// endConnections adds to the draft that all connections of an organization are deleted.
func (s *Service) endConnections(ctx context.Context, d *draft, meta domain.Meta, organizationID, organization string) error {
	if err := s.touch(ctx, d, meta, connectionsOf(organizationID), organization); err != nil {
		return err
	}
	standing, err := s.Read.ConnectionsOf(ctx, organizationID)
	if err != nil {
		return err
	}
	for _, c := range standing {
		f, err := s.connection(ctx, c.ID)
		if errors.Is(err, errNoConnection) {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return err
		}
		d.add(projections.KindConnection.Stream(c.ID), f.Version, meta, domain.ConnectionDeleted{})
	}
	return nil
}

// changeConnection appends what change decides about a connection that exists.
func (s *Service) changeConnection(ctx context.Context, c Caller, id string, change func(*domain.Connection) (domain.Event, error)) (projections.Connection, error) {
	return s.changeConnectionBeside(ctx, c, id, func(_ *draft, _ domain.Meta, state *domain.Connection) (domain.Event, error) { return change(state) })
}

// changeConnectionBeside appends what change decides about a connection that exists, after what it adds to the draft.
func (s *Service) changeConnectionBeside(ctx context.Context, c Caller, id string, change func(*draft, domain.Meta, *domain.Connection) (domain.Event, error)) (projections.Connection, error) {
	stream := projections.KindConnection.Stream(id)
	return decide(ctx, s, stream, func() (projections.Connection, error) {
		f, err := s.connection(ctx, id)
		if err != nil {
			return projections.Connection{}, err
		}
		o, err := s.organization(ctx, f.State.OrganizationID)
		if err != nil {
			return projections.Connection{}, err
		}
		var draft draft
		meta := s.meta(c, o.State.Domain)
		event, err := change(&draft, meta, &f.State)
		if err != nil || event == nil {
			return connectionOf(id, f), err
		}
		arrived, err := s.redirect(ctx, &draft, meta, stream, f.State, event)
		if err != nil {
			return projections.Connection{}, err
		}
		draft.add(stream, f.Version, meta, event)
		arrived()
		if err := s.append(ctx, draft); err != nil {
			return projections.Connection{}, err
		}
		return connectionOf(id, keep(s, stream, f, meta.RecordedAt, event)), nil
	})
}

var errNoConnection = domain.Refuse(domain.NotFound, "there is no such connection")

func (s *Service) connection(ctx context.Context, id string) (folded[domain.Connection], error) {
	f, err := load[domain.Connection](ctx, s, projections.KindConnection.Stream(id))
	if err == nil && !f.State.Exists() {
		err = errNoConnection
	}
	return f, err
}
