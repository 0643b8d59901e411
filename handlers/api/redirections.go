package api

import (
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

type redirection struct {
	Type  string `json:"__type__"`
	ID    string `json:"id"`
	AppID string `json:"app_id"`
	IDPID string `json:"idp_id"`
	SPID  string `json:"sp_id"`
	URI   string `json:"uri"`
}

// showRedirection shows a connection's default redirection.
func showRedirection(c projections.Connection) redirection {
	return redirection{"Redirection", c.Default.ID, c.Default.Application, c.ID, c.ServiceProvider, c.Default.URI}
}

// createRedirection makes another default redirection; the ones before stay selectable by an update of the connection.
func (a *API) createRedirection(w http.ResponseWriter, r *request, c projections.Connection) error {
	var application, organization, uri string
	if err := (fields{"application_id": &application, "organization_id": &organization, "uri": &uri}).read(w, r); err != nil {
		return err
	}
	switch {
	case application == "":
		return domain.RefuseField("application_id", "is required")
	case organization == "":
		return domain.RefuseField("organization_id", "is required")
	}
	o, err := a.Read.Organization(r.Context(), c.OrganizationID)
	if err != nil {
		return unlessFound(err, "there is no such connection")
	}
	if organization != o.ID && organization != o.Domain {
		return domain.RefuseField("organization_id", "is not the organization of this connection")
	}
	if c, err = a.Commands.AddRedirection(r.Context(), r.caller(), c.ID, application, uri); err != nil {
		return err
	}
	return answer(w, http.StatusCreated, showRedirection(c))
}

func (a *API) getRedirection(w http.ResponseWriter, r *request, c projections.Connection) error {
	if c.Default.ID == "" {
		return domain.Refuse(domain.NotFound, "the connection has no default redirection; POST to its default-redirection first")
	}
	return answer(w, http.StatusOK, showRedirection(c))
}
