package api

import (
	"net/http"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

type apiKey struct {
	Type         string              `json:"__type__"`
	ID           string              `json:"id"`
	Name         string              `json:"name"`
	ClientID     string              `json:"client_id"`
	ClientSecret string              `json:"client_secret"` // "hidden" but in the answer that made it
	Permissions  []domain.Permission `json:"permissions"`
	Organization *string             `json:"organization"` // the domain of the only one that it is for, null for all
	CreatedBy    *string             `json:"created_by"`   // the id of the key that made it, which may be gone; null for one that the server made
	LastUsedAt   *string             `json:"last_used_at"` // by itself or by a token made for it; null if it was not, as far as is known
	InsertedAt   string              `json:"inserted_at"`
	UpdatedAt    string              `json:"updated_at"`
}

// holder is what LastUsed knows a key by.
func holder(k projections.APIKey) string { return projections.KindAPIKey.Stream(k.ID) }

func (a *API) showAPIKey(k projections.APIKey) apiKey {
	return apiKey{"ApiKey", k.ID, k.Name, k.ID, hidden, k.Permissions, orNull(k.Organization), orNull(k.CreatedBy), timeOrNull(a.LastUsed.At(holder(k), k.ID)), formatTime(k.Created), formatTime(k.Created)}
}

// createAPIKey makes a key. None gives away more than it has itself.
func (a *API) createAPIKey(w http.ResponseWriter, r *request) error {
	var name, organization string
	var permissions []string
	if err := (fields{"name": &name, "permissions": &permissions, "organization": &organization}).read(w, r); err != nil {
		return err
	}
	wanted, err := domain.ParsePermissions(permissions)
	if err != nil {
		return err
	}
	o, err := a.given(r, "organization", organization)
	if err != nil {
		return err
	}
	if !r.key.Cover(domain.Rights{Permissions: wanted, OrganizationID: o.ID}) {
		return domain.Refuse(domain.Forbidden, "an API key makes keys of no more rights than its own; name permissions and an organization that it has")
	}
	k, token, err := a.Commands.CreateAPIKey(r.Context(), r.caller(), name, wanted, o)
	if err != nil {
		return err
	}
	shown := a.showAPIKey(k)
	shown.ClientSecret = strings.TrimPrefix(token, k.ID+".")
	return answer(w, http.StatusCreated, shown)
}

func (a *API) listAPIKeys(w http.ResponseWriter, r *request) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	found, total, err := a.Read.APIKeys(r.Context(), r.key.OrganizationID, r.params.Get("descends_from"), p.page, p.perPage)
	if err != nil {
		return err
	}
	return answerPage(w, p, found, total, a.showAPIKey)
}

// deleteAPIKey deletes a key with its descendants, unless they are to be kept: who made one with a stolen key would otherwise stay. A key that is replaced by one
// that it made asks to keep it, and is told so rather than deleted.
func (a *API) deleteAPIKey(w http.ResponseWriter, r *request) error {
	id, descendants := r.PathValue("id"), r.params.Get("descendants") != "keep"
	if descendants {
		own, err := a.Read.APIKeyDescends(r.Context(), r.key.ID, id)
		if err != nil {
			return err
		}
		if own {
			return domain.Refuse(domain.Conflict, "the API key of this request descends from that one, and would be deleted with it; send descendants=keep, or another key")
		}
	}
	if err := a.Commands.DeleteAPIKey(r.Context(), r.caller(), id, descendants); err != nil {
		return err
	}
	return done(w)
}
