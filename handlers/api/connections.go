package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/saml"
	"github.com/rollcall-sync/rollcall/projections"
)

type connection struct {
	Access             string                    `json:"__access__"`
	Domain             string                    `json:"__domain__"`
	ManagedBy          string                    `json:"__managed_by__"`
	Type               string                    `json:"__type__"`
	ID                 string                    `json:"id"`
	IDPID              string                    `json:"idp_id"` // the same, by its older name
	SPID               string                    `json:"sp_id"`
	OrganizationID     string                    `json:"organization_id"`
	Active             bool                      `json:"active"`
	State              domain.ConnectionState    `json:"state"`
	ProviderType       domain.Provider           `json:"provider_type"`
	Metadata           []domain.EntityDescriptor `json:"metadata"` // what was understood of them; empty while there are none
	SeatsLimit         int                       `json:"seats_limit"`
	UserSecurityType   domain.Policy             `json:"user_security_type"`
	UserPolicy         string                    `json:"user_policy"` // the same in other words
	UpdateUsers        bool                      `json:"update_user_new_connection"`
	DefaultRedirection any                       `json:"default_redirection"` // its id, or all of it; null if there is none
	Onboarding         any                       `json:"onboarding"`          // its id, or all of it
	InsertedAt         string                    `json:"inserted_at"`
	UpdatedAt          string                    `json:"updated_at"`
}

const (
	unset     = "unset"                           // a provider that is not chosen
	saveUsers = "save_user_when_first_connection" // the policy none
)

func providerOf(c projections.Connection) domain.Provider {
	if c.Provider == "" {
		return unset
	}
	return c.Provider
}

func (a *API) showConnection(c projections.Connection, nested preloaded) connection {
	shown := connection{
		Access: "all_organizations_of:" + a.Service, Domain: a.Service, ManagedBy: a.Service, Type: "SsoConnection",
		ID: c.ID, IDPID: c.ID, SPID: c.ServiceProvider, OrganizationID: c.OrganizationID, Active: c.Active, State: c.State(), ProviderType: providerOf(c),
		Metadata: append([]domain.EntityDescriptor{}, c.Metadata...), SeatsLimit: c.SeatsLimit, UserSecurityType: c.Policy, UserPolicy: string(c.Policy), UpdateUsers: c.UpdateUsers,
		DefaultRedirection: orNull(c.Default.ID), Onboarding: c.Onboarding.ID,
		InsertedAt: formatTime(c.Created), UpdatedAt: formatTime(c.Updated),
	}
	if c.Policy == domain.PolicyNone {
		shown.UserPolicy = saveUsers
	}
	if nested.redirection && c.Default.ID != "" {
		shown.DefaultRedirection = showRedirection(c)
	}
	if nested.onboarding {
		shown.Onboarding = showOnboarding(c)
	}
	return shown
}

// preloaded tells what is shown whole within a connection.
type preloaded struct{ redirection, onboarding bool }

// preload reads preload_associations of the query, as a list, several times, or with commas, and of a body.
func preload(r *request, more ...string) (p preloaded, err error) {
	for _, list := range slices.Concat(r.params["preload_associations"], r.params["preload_associations[]"], more) {
		for name := range strings.SplitSeq(list, ",") {
			switch name {
			case "default_redirection":
				p.redirection = true
			case "onboarding", "enterprise_connection_onboarding":
				p.onboarding = true
			case "":
			default:
				return p, domain.RefuseField("preload_associations", "are of default_redirection and onboarding, which is also called enterprise_connection_onboarding")
			}
		}
	}
	return p, nil
}

// ofConnection finds the connection that the path names.
func (a *API) ofConnection(h func(w http.ResponseWriter, r *request, c projections.Connection) error) handler {
	return func(w http.ResponseWriter, r *request) error {
		c, err := a.Read.Connection(r.Context(), r.PathValue("idp_id"))
		if err == nil && !r.key.Sees(c.OrganizationID) {
			err = projections.ErrNotFound
		}
		if err != nil {
			return unlessFound(err, "there is no such connection")
		}
		r.about(c.OrganizationID)
		return h(w, r, c)
	}
}

// changed is a route that changes a connection and shows it.
func (a *API) changed(change func(r *request, id string) (projections.Connection, error)) handler {
	return a.ofConnection(func(w http.ResponseWriter, r *request, c projections.Connection) error {
		nested, err := preload(r)
		if err != nil {
			return err
		}
		if c, err = change(r, c.ID); err != nil {
			return err
		}
		return answer(w, http.StatusOK, a.showConnection(c, nested))
	})
}

func (a *API) createConnection(w http.ResponseWriter, r *request) error {
	wanted := command.NewConnection{Service: a.Service}
	var organization, email string
	if err := (fields{"organization_id": &organization, "application_id": &wanted.Application, "uri": &wanted.URI,
		"sso_admin_email": &wanted.Email, "it_admin_email": &email, "send_email": &wanted.Invite}).read(w, r); err != nil {
		return err
	}
	var err error
	if wanted.Email, err = oneEmail(wanted.Email, email); err != nil {
		return err
	}
	switch {
	case organization == "":
		return domain.RefuseField("organization_id", "is required")
	case wanted.URI != "" && wanted.Application == "":
		return domain.RefuseField("application_id", "is required with uri")
	}
	o, err := a.given(r, "organization_id", organization)
	if err != nil {
		return err
	}
	c, err := a.Commands.CreateConnection(r.Context(), r.caller(), o, wanted)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v2/sso-connections/"+c.ID)
	return answer(w, http.StatusCreated, a.showConnection(c, preloaded{true, true}))
}

func (a *API) listConnections(w http.ResponseWriter, r *request) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	nested, err := preload(r)
	if err != nil {
		return err
	}
	found, total, err := a.Read.Connections(r.Context(), r.key.OrganizationID, p.page, p.perPage)
	if err != nil {
		return err
	}
	return answerPage(w, p, found, total, func(c projections.Connection) connection { return a.showConnection(c, nested) })
}

func (a *API) getConnection(w http.ResponseWriter, r *request, c projections.Connection) error {
	nested, err := preload(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.showConnection(c, nested))
}

// updateConnection changes the fields that are given. A seats_limit of null is no limit.
func (a *API) updateConnection(w http.ResponseWriter, r *request, c projections.Connection) error {
	object, err := readObject(w, r)
	if err != nil {
		return err
	}
	var active, update bool
	var limit int
	var redirection, metadata, provider, policy string
	var nested []string
	if err := (fields{"active": &active, "default_redirection_id": &redirection, "metadata": &metadata, "provider_type": &provider, "seats_limit": &limit,
		"user_security_type": &policy, "update_user_new_connection": &update, "preload_associations": &nested}).take(object); err != nil {
		return err
	}
	shown, err := preload(r, nested...)
	if err != nil {
		return err
	}
	wanted := command.ConnectionChange{Active: ifGiven(object, "active", active), ConnectionEdit: domain.ConnectionEdit{
		DefaultRedirection: redirection, SeatsLimit: seatsLimit(object, limit), UpdateUsers: ifGiven(object, "update_user_new_connection", update)}}
	if ifGiven(object, "provider_type", provider) != nil {
		if wanted.Provider, err = domain.ParseConnectionProvider(provider); err != nil {
			return err
		}
	}
	if ifGiven(object, "user_security_type", policy) != nil {
		if wanted.Policy, err = domain.ParsePolicy(policy); err != nil {
			return err
		}
	}
	if ifGiven(object, "metadata", metadata) != nil {
		if wanted.Metadata, err = saml.ParseMetadata(metadata, a.Commands.Now()); err != nil {
			return err
		}
	}
	if c, err = a.Commands.UpdateConnection(r.Context(), r.caller(), c.ID, wanted); err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.showConnection(c, shown))
}

// ifGiven is the value of a field if the body has it, nil if it has not, or null.
// seatsLimit is the limit that a body gives, nil if it names none; null is no limit, as 0 is.
func seatsLimit(object map[string]any, limit int) *int {
	if _, named := object["seats_limit"]; !named {
		return nil
	}
	return &limit
}

func ifGiven[T any](object map[string]any, name string, value T) *T {
	if object[name] == nil {
		return nil
	}
	return &value
}

func (a *API) setConnectionActive(active bool) handler {
	return a.changed(func(r *request, id string) (projections.Connection, error) {
		return a.Commands.UpdateConnection(r.Context(), r.caller(), id, command.ConnectionChange{Active: &active})
	})
}

func (a *API) deleteConnection(w http.ResponseWriter, r *request, c projections.Connection) error {
	if err := a.Commands.DeleteConnection(r.Context(), r.caller(), c.ID); err != nil {
		return err
	}
	return done(w)
}

// connectionHistory tells what happened to a connection, the newest first.
func (a *API) connectionHistory(w http.ResponseWriter, r *request, c projections.Connection) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	found, err := projections.History(r.Context(), a.Log, c.ID, projections.KindConnection, c.ID, p.page, p.perPage)
	if err != nil {
		return err
	}
	return answerPage(w, p, found.Items, found.Total, showChange)
}
