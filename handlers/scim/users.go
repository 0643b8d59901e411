package scim

import (
	"errors"
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

func (s *SCIM) createUser(w http.ResponseWriter, r *request) error {
	wanted, err := selectionOf(domain.UserType, r.URL.Query())
	if err != nil {
		return err
	}
	attributes, err := readUser(w, r)
	if err != nil {
		return err
	}
	u, err := s.Commands.CreateUser(r.Context(), r.caller(), r.directory, attributes)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, wanted, s.user(r.directory.ID, u, nil))
}

func readUser(w http.ResponseWriter, r *request) (domain.Attributes, error) {
	object, err := readResource(w, r)
	if err != nil {
		return nil, err
	}
	attributes, err := domain.UserType.Canonical(object)
	if err != nil {
		return nil, err
	}
	return attributes, validate(userResource, attributes)
}

func (s *SCIM) getUser(w http.ResponseWriter, r *request) error {
	wanted, err := selectionOf(domain.UserType, r.URL.Query())
	if err != nil {
		return err
	}
	u, err := s.Read.User(r.Context(), r.directory.ID, r.PathValue("id"))
	if err != nil {
		return missing(err, "user")
	}
	return s.showUser(w, r, wanted, u)
}

// missing tells what was not found.
func missing(err error, what string) error {
	if errors.Is(err, projections.ErrNotFound) {
		return domain.Refuse(domain.NotFound, "there is no such %s", what)
	}
	return err
}

// showUser answers with a user and its groups.
func (s *SCIM) showUser(w http.ResponseWriter, r *request, wanted selection, u projections.User) error {
	var in map[string][]projections.Membership
	if wanted.shows("groups") {
		var err error
		if in, err = s.Read.Memberships(r.Context(), r.directory.ID, []string{u.ID}); err != nil {
			return err
		}
	}
	return answer(w, http.StatusOK, wanted, s.user(r.directory.ID, u, in[u.ID]))
}

func (s *SCIM) replaceUser(w http.ResponseWriter, r *request) error {
	wanted, err := selectionOf(domain.UserType, r.URL.Query())
	if err != nil {
		return err
	}
	attributes, err := readUser(w, r)
	if err != nil {
		return err
	}
	u, err := s.Commands.ReplaceUser(r.Context(), r.caller(), r.directory, r.PathValue("id"), attributes)
	if err != nil {
		return err
	}
	return s.showUser(w, r, wanted, u)
}

func (s *SCIM) patchUser(w http.ResponseWriter, r *request) error {
	wanted, err := selectionOf(domain.UserType, r.URL.Query())
	if err != nil {
		return err
	}
	operations, err := readPatch(w, r)
	if err != nil {
		return err
	}
	u, err := s.Commands.PatchUser(r.Context(), r.caller(), r.directory, r.PathValue("id"), operations)
	if err != nil {
		return err
	}
	return s.showUser(w, r, wanted, u)
}

func (s *SCIM) deleteUser(w http.ResponseWriter, r *request) error {
	if err := s.Commands.DeleteUser(r.Context(), r.caller(), r.directory, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *SCIM) listUsers(w http.ResponseWriter, r *request) error {
	params := r.URL.Query()
	wanted, err := selectionOf(domain.UserType, params)
	if err != nil {
		return err
	}
	q, err := queryOf(domain.UserType, params)
	if err != nil {
		return err
	}
	page, err := s.Read.Users(r.Context(), r.directory.ID, q)
	if err != nil {
		return err
	}
	var in map[string][]projections.Membership
	if wanted.shows("groups") && len(page.Items) > 0 {
		ids := make([]string, len(page.Items))
		for i, u := range page.Items {
			ids[i] = u.ID
		}
		if in, err = s.Read.Memberships(r.Context(), r.directory.ID, ids); err != nil {
			return err
		}
	}
	resources := make([]map[string]any, len(page.Items))
	for i, u := range page.Items {
		resources[i] = wanted.of(s.user(r.directory.ID, u, in[u.ID]))
	}
	return listResponse(w, q.Start, page.Total, resources)
}
