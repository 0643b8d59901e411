package api

import (
	"cmp"
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

type directory struct {
	Type         string          `json:"__type__"`
	ID           string          `json:"id"`
	Active       bool            `json:"active"`
	ProviderType domain.Provider `json:"provider_type"`
	Interop      string          `json:"interop"` // lenient or strict
	SCIMBaseURL  string          `json:"scim_base_url"`
	Token        directoryToken  `json:"auth_secret_token"`
	Organization named           `json:"organization"`
	Onboarding   setUp           `json:"onboarding"`
	InsertedAt   string          `json:"inserted_at"`
	UpdatedAt    string          `json:"updated_at"`
}

type directoryToken struct {
	Value              string `json:"value"`                          // "hidden" but in the answer that made it
	LastUsedAt         string `json:"last_used_at,omitempty"`         // absent until it is used
	PreviousValidUntil string `json:"previous_valid_until,omitempty"` // of the token before, while it lives
}

// setUp is an administrator setting the directory up at its provider.
type setUp struct {
	Email            *string `json:"it_admin_email"` // null while nobody was invited
	InvitationSentAt *string `json:"invitation_sent_at"`
}

// named is an organization inside something else.
type named struct {
	Type   string `json:"__type__"`
	ID     string `json:"id"`
	Domain string `json:"domain"`
	Name   string `json:"name"`
}

// hidden stands where a secret was shown once.
const hidden = "hidden"

// showDirectory shows a directory with its token if that was made just now, "" otherwise.
func (a *API) showDirectory(o projections.Organization, d projections.Directory, token string) directory {
	shown := directory{
		Type: "DirectorySync", ID: d.ID, Active: d.Active, ProviderType: d.Provider, Interop: d.Dialect().String(),
		SCIMBaseURL:  a.PublicURL + "/scim/v2/" + d.ID,
		Token:        directoryToken{Value: cmp.Or(token, hidden)},
		Organization: named{"Organization", o.ID, o.Domain, o.Name},
		Onboarding:   setUp{orNull(d.Onboarding.Email), timeOrNull(d.Onboarding.Invited.SentAt)},
		InsertedAt:   formatTime(d.Created), UpdatedAt: formatTime(d.Updated),
	}
	if at := a.LastUsed.At(d.ID, d.Token.ID); !at.IsZero() {
		shown.Token.LastUsedAt = formatTime(at)
	}
	if a.Commands.Now().Before(d.PreviousUntil) {
		shown.Token.PreviousValidUntil = formatTime(d.PreviousUntil)
	}
	return shown
}

// readFeed reads the provider and the dialect from the query or the body; provider is "" and dialect nil if they are in neither.
func readFeed(w http.ResponseWriter, r *request) (provider string, dialect *domain.Dialect, err error) {
	var interop string
	if err := (fields{"provider": &provider, "interop": &interop}).read(w, r); err != nil {
		return "", nil, err
	}
	provider = cmp.Or(r.params.Get("provider"), provider)
	if interop = cmp.Or(r.params.Get("interop"), interop); interop == "" {
		return provider, nil, nil
	}
	d, err := domain.ParseDialect(interop)
	return provider, &d, err
}

func (a *API) createDirectory(w http.ResponseWriter, r *request) error {
	name, dialect, err := readFeed(w, r)
	if err != nil {
		return err
	}
	provider, err := domain.ParseProvider(name)
	if err != nil {
		return err
	}
	if dialect == nil {
		dialect = &domain.Dialect{}
	}
	d, token, err := a.Commands.ActivateDirectory(r.Context(), r.caller(), r.organization, provider, *dialect)
	if err != nil {
		return unlessTaken(err, "", "the organization has a directory already; PUT changes its provider, DELETE ends it")
	}
	w.Header().Set("Location", pathOf(r.organization)+"/directory-sync")
	return answer(w, http.StatusCreated, a.showDirectory(r.organization, d, token))
}

func (a *API) getDirectory(w http.ResponseWriter, r *request) error {
	return answer(w, http.StatusOK, a.showDirectory(r.organization, r.directory, ""))
}

func (a *API) updateDirectory(w http.ResponseWriter, r *request) error {
	name, dialect, err := readFeed(w, r)
	if err != nil {
		return err
	}
	if name == "" && dialect == nil {
		return domain.RefuseField("provider", "is required, in the query or the body, unless interop is given")
	}
	var provider domain.Provider // "" keeps it with its token
	if name != "" {
		if provider, err = domain.ParseProvider(name); err != nil {
			return err
		}
	}
	d, token, err := a.Commands.UpdateDirectory(r.Context(), r.caller(), r.directory, provider, dialect)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.showDirectory(r.organization, d, token))
}

func (a *API) resetToken(w http.ResponseWriter, r *request) error {
	overlap, err := duration(r.params, "overlap", 0)
	if err != nil {
		return err
	}
	d, token, err := a.Commands.ResetToken(r.Context(), r.caller(), r.directory, overlap)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.showDirectory(r.organization, d, token))
}

func (a *API) setActive(active bool) handler {
	return func(w http.ResponseWriter, r *request) error {
		d, err := a.Commands.SetDirectoryActive(r.Context(), r.caller(), r.directory, active)
		if err != nil {
			return err
		}
		return answer(w, http.StatusOK, a.showDirectory(r.organization, d, ""))
	}
}

func (a *API) deleteDirectory(w http.ResponseWriter, r *request) error {
	if err := a.Commands.DeleteDirectory(r.Context(), r.caller(), r.directory); err != nil {
		return err
	}
	return done(w)
}

// inviteDirectoryAdmin invites whoever sets the directory up at its provider.
func (a *API) inviteDirectoryAdmin(w http.ResponseWriter, r *request) error {
	var it, sso string
	if err := (fields{"it_admin_email": &it, "sso_admin_email": &sso}).read(w, r); err != nil {
		return err
	}
	email, err := oneEmail(sso, it)
	if err != nil {
		return err
	}
	d, err := a.Commands.InviteDirectoryAdmin(r.Context(), r.caller(), r.directory, email)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.showDirectory(r.organization, d, ""))
}

func (a *API) resetDirectoryOnboarding(w http.ResponseWriter, r *request) error {
	d, err := a.Commands.ResetDirectoryOnboarding(r.Context(), r.caller(), r.directory)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.showDirectory(r.organization, d, ""))
}
