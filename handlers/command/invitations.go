package command

import (
	"context"
	"errors"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// InviteDirectoryAdmin asks for an invitation to whoever sets a directory up. Where no address is given it goes to where the last one went, else to the
// organization's administrator if it has one alone.
func (s *Service) InviteDirectoryAdmin(ctx context.Context, c Caller, d projections.Directory, email string) (projections.Directory, error) {
	invitation := newID()
	return s.changeDirectory(ctx, c, d, func(state *domain.Directory) (domain.Event, error) {
		if email == "" && state.Onboarding.Email == "" {
			o, err := s.organization(ctx, d.OrganizationID)
			if err != nil {
				return nil, err
			}
			if len(o.State.Administrators) == 1 {
				return state.InviteAdmin(invitation, o.State.Administrators[0].Email, s.Now().Add(s.Invite))
			}
		}
		return state.InviteAdmin(invitation, email, s.Now().Add(s.Invite))
	})
}

// ResetDirectoryOnboarding ends the invitation into a directory's set-up; the address stays for the next one.
func (s *Service) ResetDirectoryOnboarding(ctx context.Context, c Caller, d projections.Directory) (projections.Directory, error) {
	return s.changeDirectory(ctx, c, d, (*domain.Directory).ResetOnboarding)
}

// AcceptInvitation uses the link of an invitation up; domain.ErrDeadLink if it leads nowhere.
func (s *Service) AcceptInvitation(ctx context.Context, c Caller, m projections.Mail) error {
	var err error
	if m.Of == projections.KindConnection {
		_, err = s.changeConnection(ctx, c, m.Subject, func(state *domain.Connection) (domain.Event, error) { return state.AcceptInvitation(m.ID, s.Now()) })
	} else {
		var d projections.Directory
		if d, err = s.Read.Directory(ctx, m.Subject); err == nil {
			_, err = s.changeDirectory(ctx, c, d, func(state *domain.Directory) (domain.Event, error) { return state.AcceptInvitation(m.ID, s.Now()) })
		}
	}
	if errors.Is(err, projections.ErrNotFound) || domain.Shown(err).Code == domain.NotFound {
		return domain.ErrDeadLink // also where what it led to is no more
	}
	return err
}
