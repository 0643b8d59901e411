package api

import (
	"errors"
	"maps"
	"net/http"
	"slices"
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

// showUser shows a user, and of one whom the organization's application made says so.
func showUser(of domain.Provider, u projections.User) map[string]any {
	out := resource("User", u.ID, u.Attributes(), u.Created, u.Modified)
	if !of.Pushes() {
		out["source"] = domain.SourceAPI
	}
	return out
}

// ofDirectories finds the organization that the path names, and its directories: first the one that an identity provider feeds.
func (a *API) ofDirectories(h handler) handler {
	return a.ofOrganization(func(w http.ResponseWriter, r *request) (err error) {
		if r.directories, err = a.Read.DirectoriesOf(r.Context(), r.organization.ID); err != nil {
			return err
		}
		return h(w, r)
	})
}

// ofUser finds the user that the path names, and the directory that it is in.
func (a *API) ofUser(h func(w http.ResponseWriter, r *request, u projections.User) error) handler {
	return a.ofDirectories(func(w http.ResponseWriter, r *request) error {
		for _, d := range r.directories {
			u, err := a.Read.User(r.Context(), d.ID, r.PathValue("id"))
			if err == nil {
				r.directory = d
				return h(w, r, u)
			}
			if !errors.Is(err, projections.ErrNotFound) {
				return err
			}
		}
		return domain.Refuse(domain.NotFound, "there is no such user; its history may still be there")
	})
}

func (a *API) listUsers(w http.ResponseWriter, r *request) error {
	switch domain.Source(r.params.Get("source")) {
	case domain.SourceSCIM:
		r.directories = slices.DeleteFunc(r.directories, func(d projections.Directory) bool { return !d.Provider.Pushes() })
	case domain.SourceAPI:
		r.directories = slices.DeleteFunc(r.directories, func(d projections.Directory) bool { return d.Provider.Pushes() })
	}
	return answerAll(w, r, domain.UserType, a.Read.Users, showUser)
}

func (a *API) getUser(w http.ResponseWriter, r *request, u projections.User) error {
	return answer(w, http.StatusOK, showUser(r.directory.Provider, u))
}

func (a *API) createUser(w http.ResponseWriter, r *request) error {
	said, err := readProfile(w, r)
	if err != nil {
		return err
	}
	u, err := a.Commands.MakeUser(r.Context(), r.caller(), r.organization, said)
	if err != nil {
		return err
	}
	w.Header().Set("Location", pathOf(r.organization)+"/users/"+u.ID)
	return answer(w, http.StatusCreated, showUser(domain.API, u))
}

func (a *API) updateUser(w http.ResponseWriter, r *request, u projections.User) error {
	said, err := readProfile(w, r)
	if err != nil {
		return err
	}
	if u, err = a.Commands.EditUser(r.Context(), r.caller(), r.directory, u.ID, said); err != nil {
		return err
	}
	return answer(w, http.StatusOK, showUser(r.directory.Provider, u))
}

func (a *API) deleteUser(w http.ResponseWriter, r *request, u projections.User) error {
	if err := a.Commands.RemoveUser(r.Context(), r.caller(), r.directory, u.ID); err != nil {
		return err
	}
	return done(w)
}

func readProfile(w http.ResponseWriter, r *request) (domain.Profile, error) {
	object, err := readObject(w, r)
	if err != nil {
		return domain.Profile{}, err
	}
	return domain.ReadProfile(object)
}
