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
	invitation := s.invitation()
	return s.changeDirectoryBeside(ctx, c, d, func(draft *draft, state *domain.Directory) (domain.Event, error) {
		to := email
		if to == "" && state.Onboarding.Email == "" {
			var err error
			if to, err = s.onlyAdministrator(ctx, draft, c, d); err != nil {
				return nil, err
			}
		}
		event, err := state.InviteAdmin(invitation, to)
		if err != nil {
			return nil, err
		}
		return event, s.mayInvite(ctx, draft, s.meta(c, d.Organization), d.OrganizationID)
	})
}

// invitation is a new one, to nobody yet.
func (s *Service) invitation() domain.Invitation {
	return domain.Invitation{ID: newID(), ExpiresAt: s.Now().Add(s.Invite), ByHand: s.MailsKept}
}

// mayInvite refuses another invitation where an organization has sent too many. The draft conflicts if it sends another meanwhile.
func (s *Service) mayInvite(ctx context.Context, draft *draft, meta domain.Meta, organizationID string) error {
	if err := s.touch(ctx, draft, meta, name{organizationID, "invitations", ""}, projections.KindOrganization.Stream(organizationID)); err != nil {
		return err
	}
	began, err := s.Read.LastMails(ctx, organizationID, domain.MaxInvitations)
	if err != nil {
		return err
	}
	return domain.CheckInvitations(began, s.Now())
}

// onlyAdministrator is the address of an organization's administrator, "" if it has not one alone. The draft conflicts if he is removed meanwhile.
func (s *Service) onlyAdministrator(ctx context.Context, draft *draft, c Caller, d projections.Directory) (string, error) {
	stream := projections.KindOrganization.Stream(d.OrganizationID)
	if err := s.touch(ctx, draft, s.meta(c, d.Organization), administratorsOf(d.OrganizationID), stream); err != nil {
		return "", err
	}
	o, err := s.organization(ctx, d.OrganizationID)
	if err != nil || len(o.State.Administrators) != 1 {
		return "", err
	}
	return o.State.Administrators[0].Email, nil
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
