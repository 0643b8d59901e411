package api

import (
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

type application struct {
	Type               string   `json:"__type__"`
	ID                 string   `json:"id"`
	Name               string   `json:"name"`
	DefaultRedirectURL *string  `json:"default_redirect_url"`
	AllowedRedirects   []string `json:"allowed_redirect_urls"`
	InsertedAt         string   `json:"inserted_at"`
	UpdatedAt          string   `json:"updated_at"`
}

func showApplication(a projections.Application) application {
	return application{"Application", a.ID, a.Name, orNull(a.DefaultRedirectURL), append([]string{}, a.AllowedRedirects...), formatTime(a.Created), formatTime(a.Updated)}
}

// applicationFields are the fields of an application that may be set.
func applicationFields(s *domain.ApplicationSettings) fields {
	return fields{"name": &s.Name, "default_redirect_url": &s.DefaultRedirectURL, "allowed_redirect_urls": &s.AllowedRedirects}
}

func (a *API) createApplication(w http.ResponseWriter, r *request) error {
	var wanted domain.ApplicationSettings
	if err := applicationFields(&wanted).read(w, r); err != nil {
		return err
	}
	made, err := a.Commands.CreateApplication(r.Context(), r.caller(), wanted)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v2/applications/"+made.ID)
	return answer(w, http.StatusCreated, showApplication(made))
}

func (a *API) listApplications(w http.ResponseWriter, r *request) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	found, total, err := a.Read.Applications(r.Context(), p.page, p.perPage)
	if err != nil {
		return err
	}
	return answerPage(w, p, found, total, showApplication)
}

func (a *API) getApplication(w http.ResponseWriter, r *request) error {
	found, err := a.Read.Application(r.Context(), r.PathValue("id"))
	if err != nil {
		return unlessFound(err, "there is no such application")
	}
	return answer(w, http.StatusOK, showApplication(found))
}

// updateApplication changes the fields that are given; an empty default_redirect_url is none.
func (a *API) updateApplication(w http.ResponseWriter, r *request) error {
	object, err := readObject(w, r)
	if err != nil {
		return err
	}
	changed, err := a.Commands.UpdateApplication(r.Context(), r.caller(), r.PathValue("id"), func(s *domain.ApplicationSettings) error {
		return applicationFields(s).take(object)
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, showApplication(changed))
}

func (a *API) deleteApplication(w http.ResponseWriter, r *request) error {
	if err := a.Commands.DeleteApplication(r.Context(), r.caller(), r.PathValue("id")); err != nil {
		return err
	}
	return done(w)
}
