package domain

import "time"

// DirectoryAdminInvited asks for an invitation to whoever sets the directory up at its provider. It replaces the one before.
type DirectoryAdminInvited struct{ Invitation }

// DirectoryInvitationSent tells that the mail of an invitation went.
type DirectoryInvitationSent struct{ InvitationSent }

// DirectoryInvitationAccepted tells that the link of an invitation was used.
type DirectoryInvitationAccepted struct{ InvitationAccepted }

// DirectoryOnboardingReset ends the invitation. The administrator stays.
type DirectoryOnboardingReset struct{}

// DirectoryAdminRemoved tells that the administrator is none of the organization's any more: the address is known no longer, and the invitation ends.
type DirectoryAdminRemoved struct{}

func (DirectoryAdminInvited) EventName() string       { return "directory.admin_invited" }
func (DirectoryInvitationSent) EventName() string     { return "directory.invitation_sent" }
func (DirectoryInvitationAccepted) EventName() string { return "directory.invitation_accepted" }
func (DirectoryOnboardingReset) EventName() string    { return "directory.onboarding_reset" }
func (DirectoryAdminRemoved) EventName() string       { return "directory.admin_removed" }

// DirectoryOnboarding is an administrator setting a directory up at its provider.
type DirectoryOnboarding struct {
	Email   string // the administrator's; "" while nobody is to be invited
	Invited Invited
}

// Apply folds an event into the state.
func (o *DirectoryOnboarding) Apply(e Event) {
	switch e := e.(type) {
	case DirectoryAdminInvited:
		if e.Email != o.Email {
			*o = DirectoryOnboarding{Email: e.Email}
		}
		o.Invited = o.Invited.invite(e.Invitation)
	case DirectoryInvitationSent:
		o.Invited = o.Invited.send(e.InvitationSent)
	case DirectoryInvitationAccepted:
		o.Invited = o.Invited.accept()
	case DirectoryOnboardingReset:
		o.Invited = Invited{}
	case DirectoryAdminRemoved:
		*o = DirectoryOnboarding{}
	}
}

// InviteAdmin decides on an invitation. It goes to the address given, else to where the last one went.
func (d *Directory) InviteAdmin(i Invitation, email string) (Event, error) {
	if !d.Exists() {
		return nil, Refuse(NotFound, "there is no such directory")
	}
	if email == "" {
		email = d.Onboarding.Email
	}
	if err := CheckEmail("it_admin_email", email); err != nil {
		return nil, err
	}
	return DirectoryAdminInvited{i.goes(email)}, nil
}

// ResetOnboarding decides to end the invitation: nil if there is none.
func (d *Directory) ResetOnboarding() (Event, error) {
	switch {
	case !d.Exists():
		return nil, Refuse(NotFound, "there is no such directory")
	case d.Onboarding.Invited == Invited{}:
		return nil, nil
	}
	return DirectoryOnboardingReset{}, nil
}

// RemoveAdmin decides that the organization's administrator with this address sets nothing up here any more: nil if another one does, or nobody.
func (d *Directory) RemoveAdmin(email string) Event {
	if !d.Exists() || FoldKey(d.Onboarding.Email) != FoldKey(email) {
		return nil
	}
	return DirectoryAdminRemoved{}
}

// InvitationSent decides that the mail of an invitation went: nil if it was told already, or another one took its place meanwhile.
func (d *Directory) InvitationSent(id string, at time.Time) Event {
	if !d.Exists() || !d.Onboarding.Invited.waits(id) {
		return nil
	}
	return DirectoryInvitationSent{sent(id, at)}
}

// AcceptInvitation decides that the link of an invitation was used.
func (d *Directory) AcceptInvitation(id string, now time.Time) (Event, error) {
	if !d.Exists() || !d.Onboarding.Invited.Leads(id, now) {
		return nil, ErrDeadLink
	}
	return DirectoryInvitationAccepted{InvitationAccepted{id}}, nil
}
