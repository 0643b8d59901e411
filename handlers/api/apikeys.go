package api

import (
	"net/http"
	"strings"

	"github.com/rollcall-sync/rollcall/projections"
)

type apiKey struct {
	Type         string `json:"__type__"`
	ID           string `json:"id"`
	Name         string `json:"name"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"` // "hidden" but in the answer that made it
	InsertedAt   string `json:"inserted_at"`
	UpdatedAt    string `json:"updated_at"`
}

func showAPIKey(k projections.APIKey) apiKey {
	return apiKey{"ApiKey", k.ID, k.Name, k.ID, hidden, formatTime(k.Created), formatTime(k.Created)}
}

func (a *API) createAPIKey(w http.ResponseWriter, r *request) error {
	var name string
	if err := (fields{"name": &name}).read(w, r); err != nil {
		return err
	}
	k, token, err := a.Commands.CreateAPIKey(r.Context(), r.caller(), name)
	if err != nil {
		return err
	}
	shown := showAPIKey(k)
	shown.ClientSecret = strings.TrimPrefix(token, k.ID+".")
	return answer(w, http.StatusCreated, shown)
}

func (a *API) listAPIKeys(w http.ResponseWriter, r *request) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	found, total, err := a.Read.APIKeys(r.Context(), p.page, p.perPage)
	if err != nil {
		return err
	}
	return answerPage(w, p, found, total, showAPIKey)
}

func (a *API) deleteAPIKey(w http.ResponseWriter, r *request) error {
	if err := a.Commands.DeleteAPIKey(r.Context(), r.caller(), r.PathValue("id")); err != nil {
		return err
	}
	return done(w)
}
