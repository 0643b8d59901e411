package api

import (
	"net/http"

	"github.com/rollcall-sync/rollcall/projections"
)

type administrator struct {
	Type         string `json:"__type__"`
	ID           string `json:"id"`
	Email        string `json:"email"`
	Organization named  `json:"organization"`
	InsertedAt   string `json:"inserted_at"`
}

func showAdministrator(o projections.Organization, a projections.Administrator) administrator {
	return administrator{"Administrator", a.ID, a.Email, named{"Organization", o.ID, o.Domain, o.Name}, formatTime(a.Created)}
}

func (a *API) createAdministrator(w http.ResponseWriter, r *request) error {
	var email string
	if err := (fields{"email": &email}).read(w, r); err != nil {
		return err
	}
	added, err := a.Commands.AddAdministrator(r.Context(), r.caller(), r.organization, email)
	if err != nil {
		return unlessTaken(err, "email", "this address is an administrator's of the organization already")
	}
	return answer(w, http.StatusCreated, showAdministrator(r.organization, added))
}

func (a *API) listAdministrators(w http.ResponseWriter, r *request) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	all, err := a.Read.Administrators(r.Context(), r.organization.ID)
	if err != nil {
		return err
	}
	page := all[min((p.page-1)*p.perPage, len(all)):min(p.page*p.perPage, len(all))]
	return answerPage(w, p, page, len(all), func(of projections.Administrator) administrator { return showAdministrator(r.organization, of) })
}

func (a *API) deleteAdministrator(w http.ResponseWriter, r *request) error {
	if err := a.Commands.RemoveAdministrator(r.Context(), r.caller(), r.organization, r.PathValue("id")); err != nil {
		return err
	}
	return done(w)
}
