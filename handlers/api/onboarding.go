package api

import (
	"cmp"
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

type onboarding struct {
	Type             string                 `json:"__type__"`
	ID               string                 `json:"id"`
	SSOAdminEmail    *string                `json:"sso_admin_email"` // null while the administrator is not known
	ProviderType     domain.Provider        `json:"provider_type"`
	State            domain.OnboardingState `json:"state"`
	InvitationSentAt *string                `json:"invitation_sent_at"`
}

// showOnboarding shows a connection's onboarding.
func showOnboarding(c projections.Connection) onboarding {
	return onboarding{"SsoAdminOnboarding", c.Onboarding.ID, orNull(c.Onboarding.Email), providerOf(c), c.OnboardingState(), timeOrNull(c.Invited.SentAt)}
}

// readOnboarding reads the administrator's address and the provider; both are "" if they are not given.
func readOnboarding(w http.ResponseWriter, r *request) (email string, provider domain.Provider, err error) {
	var name, itEmail string
	if err := (fields{"sso_admin_email": &email, "it_admin_email": &itEmail, "provider_type": &name}).read(w, r); err != nil {
		return "", "", err
	}
	if name != "" {
		if provider, err = domain.ParseConnectionProvider(name); err != nil {
			return "", "", err
		}
	}
	email, err = oneEmail(email, itEmail)
	return email, provider, err
}

// oneEmail is the address of the administrator, which has two names.
func oneEmail(sso, it string) (string, error) {
	if sso != "" && it != "" && sso != it {
		return "", domain.RefuseField("it_admin_email", "is another address than sso_admin_email, which means the same; give one")
	}
	return cmp.Or(sso, it), nil
}

// createOnboarding begins another onboarding in place of the one that the connection has.
func (a *API) createOnboarding(w http.ResponseWriter, r *request, c projections.Connection) error {
	email, provider, err := readOnboarding(w, r)
	if err != nil {
		return err
	}
	if c, err = a.Commands.StartOnboarding(r.Context(), r.caller(), c.ID, email, provider); err != nil {
		return err
	}
	return answer(w, http.StatusCreated, showOnboarding(c))
}

func (a *API) updateOnboarding(w http.ResponseWriter, r *request, c projections.Connection) error {
	email, provider, err := readOnboarding(w, r)
	if err != nil {
		return err
	}
	if c, err = a.Commands.UpdateOnboarding(r.Context(), r.caller(), c.ID, email, provider); err != nil {
		return err
	}
	return answer(w, http.StatusOK, showOnboarding(c))
}

func (a *API) inviteAdmin() handler {
	return a.changed(func(r *request, id string) (projections.Connection, error) {
		return a.Commands.InviteAdmin(r.Context(), r.caller(), id)
	})
}

func (a *API) resetOnboarding() handler {
	return a.changed(func(r *request, id string) (projections.Connection, error) {
		return a.Commands.ResetOnboarding(r.Context(), r.caller(), id)
	})
}
