package api

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

type organization struct {
	Type       string `json:"__type__"`
	ID         string `json:"id"`
	Domain     string `json:"domain"`
	Name       string `json:"name"`
	InsertedAt string `json:"inserted_at"`
	UpdatedAt  string `json:"updated_at"`
}

func showOrganization(o projections.Organization) organization {
	return organization{"Organization", o.ID, o.Domain, o.Name, formatTime(o.Created), formatTime(o.Updated)}
}

func pathOf(o projections.Organization) string { return "/api/v2/org/" + url.PathEscape(o.Domain) }

// given finds the organization that a field names by its domain or id; "" is none, the zero one.
func (a *API) given(r *request, field, organization string) (projections.Organization, error) {
	if organization == "" {
		return projections.Organization{}, nil
	}
	o, err := a.Read.Organization(r.Context(), organization)
	if errors.Is(err, projections.ErrNotFound) || err == nil && !r.key.Sees(o.ID) {
		return projections.Organization{}, domain.RefuseField(field, "is no organization's domain or id")
	}
	r.about(o.ID)
	return o, err
}

func (a *API) createOrganization(w http.ResponseWriter, r *request) error {
	var name string
	if err := (fields{"name": &name}).read(w, r); err != nil {
		return err
	}
	o, err := a.Commands.CreateOrganization(r.Context(), r.caller(), name)
	if err != nil {
		return unlessTaken(err, "name", "another organization has the domain that comes from this name")
	}
	r.about(o.ID)
	w.Header().Set("Location", pathOf(o))
	return answer(w, http.StatusCreated, showOrganization(o))
}

func (a *API) listOrganizations(w http.ResponseWriter, r *request) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	found, total, err := a.Read.Organizations(r.Context(), r.key.OrganizationID, p.page, p.perPage)
	if err != nil {
		return err
	}
	return answerPage(w, p, found, total, showOrganization)
}

func (a *API) getOrganization(w http.ResponseWriter, r *request) error {
	return answer(w, http.StatusOK, showOrganization(r.organization))
}

func (a *API) updateOrganization(w http.ResponseWriter, r *request) error {
	var name string
	if err := (fields{"name": &name}).read(w, r); err != nil {
		return err
	}
	o, err := a.Commands.RenameOrganization(r.Context(), r.caller(), r.organization.ID, name)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, showOrganization(o))
}

func (a *API) deleteOrganization(w http.ResponseWriter, r *request) error {
	if err := a.Commands.DeleteOrganization(r.Context(), r.caller(), r.organization.ID); err != nil {
		return err
	}
	return done(w)
}
