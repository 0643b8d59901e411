package domain

import "time"

// Onboarding is the organization's administrator setting up a connection.
type Onboarding struct {
	ID    string `json:"id"`
	Email string `json:"sso_admin_email,omitempty"` // the administrator's; "" while it is not known
}

// ConnectionOnboardingStarted begins another onboarding, in place of the one before. Without a provider none is chosen any more.
type ConnectionOnboardingStarted struct {
	Onboarding
	Provider Provider `json:"provider_type,omitempty"`
}

// ConnectionOnboardingUpdated changes what is given.
type ConnectionOnboardingUpdated struct {
	Email    string   `json:"sso_admin_email,omitempty"`
	Provider Provider `json:"provider_type,omitempty"`
}

// ConnectionOnboardingReset begins the onboarding anew with the same administrator.
type ConnectionOnboardingReset struct{}

// ConnectionAdminInvited asks for an invitation. It replaces the one before.
type ConnectionAdminInvited struct{ Invitation }

// ConnectionInvitationSent tells that the mail of an invitation went.
type ConnectionInvitationSent struct{ InvitationSent }

// ConnectionInvitationAccepted tells that the link of an invitation was used.
type ConnectionInvitationAccepted struct{ InvitationAccepted }

// ConnectionAdminRemoved tells that the administrator is none of the organization's any more: the address is known no longer, and the invitation ends.
type ConnectionAdminRemoved struct{}

func (ConnectionOnboardingStarted) EventName() string { return "connection.onboarding_started" }
func (ConnectionOnboardingUpdated) EventName() string { return "connection.onboarding_updated" }
func (ConnectionOnboardingReset) EventName() string   { return "connection.onboarding_reset" }
func (ConnectionAdminInvited) EventName() string      { return "connection.admin_invited" }
func (ConnectionInvitationSent) EventName() string    { return "connection.invitation_sent" }
func (ConnectionInvitationAccepted) EventName() string {
	return "connection.invitation_accepted"
}
func (ConnectionAdminRemoved) EventName() string { return "connection.admin_removed" }

// OnboardingState is the step at which an onboarding is.
type OnboardingState string

// The steps of an onboarding.
const (
	OnboardingNotInitialized OnboardingState = "not_initialized"
	OnboardingProviderChosen OnboardingState = "provider_type_chosen"
	OnboardingXMLProvided    OnboardingState = "xml_provided"
)

// OnboardingState is the step at which the connection's onboarding is.
func (c *Connection) OnboardingState() OnboardingState {
	switch {
	case c.XMLProvided:
		return OnboardingXMLProvided
	case c.Provider != "":
		return OnboardingProviderChosen
	}
	return OnboardingNotInitialized
}

// StartOnboarding decides on another onboarding, of the administrator with this address.
func (c *Connection) StartOnboarding(id, email string, provider Provider) (Event, error) {
	if err := c.must(); err != nil {
		return nil, err
	}
	if err := CheckEmail("sso_admin_email", email); err != nil {
		return nil, err
	}
	return ConnectionOnboardingStarted{Onboarding{ID: id, Email: email}, provider}, nil
}

// UpdateOnboarding decides on another administrator or provider; "" leaves what is. Nil if both are so already.
func (c *Connection) UpdateOnboarding(email string, provider Provider) (Event, error) {
	if err := c.must(); err != nil {
		return nil, err
	}
	if email != "" {
		if err := CheckEmail("sso_admin_email", email); err != nil {
			return nil, err
		}
	}
	e := ConnectionOnboardingUpdated{email, provider}
	if email == c.Onboarding.Email {
		e.Email = ""
	}
	if provider == c.Provider {
		e.Provider = ""
	}
	if e == (ConnectionOnboardingUpdated{}) {
		return nil, nil
	}
	return e, nil
}

// ResetOnboarding decides to begin the onboarding anew, without an invitation: nil if it has not begun. Metadata stay in force until others are given, so
// that nobody who can sign in is locked out meanwhile.
func (c *Connection) ResetOnboarding() (Event, error) {
	if err := c.must(); err != nil || c.OnboardingState() == OnboardingNotInitialized && c.Invited == (Invited{}) {
		return nil, err
	}
	return ConnectionOnboardingReset{}, nil
}

// RemoveAdmin decides that the organization's administrator with this address sets nothing up here any more: nil if the onboarding is another one's.
func (c *Connection) RemoveAdmin(email string) Event {
	if !c.Exists() || FoldKey(c.Onboarding.Email) != FoldKey(email) {
		return nil
	}
	return ConnectionAdminRemoved{}
}

// InviteAdmin decides on an invitation to the administrator.
func (c *Connection) InviteAdmin(i Invitation) (Event, error) {
	if err := c.must(); err != nil {
		return nil, err
	}
	if c.Onboarding.Email == "" {
		return nil, RefuseField("sso_admin_email", "is not known; give it by the connection's admin-onboarding first")
	}
	return ConnectionAdminInvited{i.goes(c.Onboarding.Email)}, nil
}

// InvitationSent decides that the mail of an invitation went: nil if it was told already, or another invitation or administrator took its place meanwhile.
func (c *Connection) InvitationSent(id string, at time.Time) Event {
	if !c.Exists() || !c.Invited.waits(id) {
		return nil
	}
	return ConnectionInvitationSent{sent(id, at)}
}

// AcceptInvitation decides that the link of an invitation was used.
func (c *Connection) AcceptInvitation(id string, now time.Time) (Event, error) {
	if !c.Exists() || !c.Invited.Leads(id, now) {
		return nil, ErrDeadLink
	}
	return ConnectionInvitationAccepted{InvitationAccepted{id}}, nil
}
