package api

import (
	"maps"
	"net/http"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// resource is SCIM attributes as they are, with what the API says of every object.
func resource(kind, id string, attributes domain.Attributes, created, updated time.Time) map[string]any {
	out := make(map[string]any, len(attributes)+5)
	maps.Copy(out, attributes)
	out["__type__"], out["id"] = kind, id
	out["inserted_at"], out["updated_at"] = formatTime(created), formatTime(updated)
	return out
}

func showUser(u projections.User) map[string]any {
	return resource("User", u.ID, u.Attributes, u.Created, u.Modified)
}

func (a *API) listUsers(w http.ResponseWriter, r *request) error {
	p, q, err := queryOf(r, domain.UserType)
	if err != nil {
		return err
	}
	found, err := a.Read.Users(r.Context(), r.directory.ID, q)
	if err != nil {
		return ofFilter(err)
	}
	return answerPage(w, p, found.Items, found.Total, showUser)
}

func (a *API) getUser(w http.ResponseWriter, r *request) error {
	u, err := a.Read.User(r.Context(), r.directory.ID, r.PathValue("id"))
	if err != nil {
		return unlessFound(err, "there is no such user; its history may still be there")
	}
	return answer(w, http.StatusOK, showUser(u))
}
