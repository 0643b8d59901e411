package scim

import (
	"errors"
	"net/http"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

func (s *SCIM) createUser(w http.ResponseWriter, r *request) error {
	attributes, err := readUser(w, r)
	if err != nil {
		return err
	}
	u, err := s.Commands.CreateUser(r.Context(), r.caller(), r.directory, attributes)
	if err != nil {
		return err
	}
	var in []projections.Membership
	if u.Version > 1 { // it was brought back
		if in, err = s.Read.MembershipsOf(r.Context(), r.directory.ID, u.ID); err != nil {
			return err
		}
	}
	return s.showUser(w, r, http.StatusCreated, u, in)
}

func readUser(w http.ResponseWriter, r *request) (domain.Attributes, error) {
	object, err := readResource(w, r)
	if err != nil {
		return nil, err
	}
	attributes, err := r.directory.Dialect().Canonical(domain.UserType, object)
	if err != nil {
		return nil, err
	}
	return attributes, validate(userResource, attributes)
}

func (s *SCIM) getUser(w http.ResponseWriter, r *request) error {
	u, in, err := s.userAndGroups(r)
	if err != nil {
		return err
	}
	if same, err := unchanged(w, r, userETag(u, in)); same || err != nil {
		return err
	}
	return s.answer(w, r, http.StatusOK, func(w *writer) frame { return s.user(w, r.directory.ID, u, in) })
}

// userAndGroups reads the user in the path.
func (s *SCIM) userAndGroups(r *request) (projections.User, []projections.Membership, error) {
	u, err := s.Read.User(r.Context(), r.directory.ID, r.PathValue("id"))
	if err != nil {
		return u, nil, missing(err, "user")
	}
	in, err := s.Read.MembershipsOf(r.Context(), r.directory.ID, u.ID)
	return u, in, err
}

// missing tells what was not found.
func missing(err error, what string) error {
	if errors.Is(err, projections.ErrNotFound) {
		return domain.Refuse(domain.NotFound, "there is no such %s", what)
	}
	return err
}

// showUser answers with a user that was written, and the groups that it is in.
func (s *SCIM) showUser(w http.ResponseWriter, r *request, status int, u projections.User, in []projections.Membership) error {
	return s.answer(w, r, status, func(w *writer) frame { return s.user(w, r.directory.ID, u, in) })
}

func (s *SCIM) replaceUser(w http.ResponseWriter, r *request) error {
	attributes, err := readUser(w, r)
	if err != nil {
		return err
	}
	return s.changeUser(w, r, func() (projections.User, error) {
		return s.Commands.ReplaceUser(r.Context(), r.caller(), r.directory, r.PathValue("id"), attributes)
	})
}

func (s *SCIM) patchUser(w http.ResponseWriter, r *request) error {
	operations, err := readPatch(w, r)
	if err != nil {
		return err
	}
	return s.changeUser(w, r, func() (projections.User, error) {
		return s.Commands.PatchUser(r.Context(), r.caller(), r.directory, r.PathValue("id"), operations)
	})
}

// changeUser changes a user and shows it. Its groups, which the change leaves as they are, are read before: what cannot be shown is refused while
// nothing is done, and the answer does not wait for the read model to show the change.
func (s *SCIM) changeUser(w http.ResponseWriter, r *request, change func() (projections.User, error)) error {
	if err := s.mayChangeUser(r); err != nil {
		return err
	}
	in, err := s.Read.MembershipsOf(r.Context(), r.directory.ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	u, err := change()
	if err != nil {
		return err
	}
	return s.showUser(w, r, http.StatusOK, u, in)
}

func (s *SCIM) deleteUser(w http.ResponseWriter, r *request) error {
	if err := s.mayChangeUser(r); err != nil {
		return err
	}
	if err := s.Commands.DeleteUser(r.Context(), r.caller(), r.directory, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *SCIM) listUsers(w http.ResponseWriter, r *request) error {
	return listed(w, r, domain.UserType, s.userPage)
}

// userPage reads users as they are shown.
func (s *SCIM) userPage(r *request, q projections.Query) (shown, error) {
	page, err := s.Read.Users(r.Context(), r.directory.ID, q)
	if err != nil {
		return shown{}, err
	}
	in, fitting, err := s.groupsOf(r, page.Items)
	if err != nil {
		return shown{}, err
	}
	cut := fitting < len(page.Items)
	if cut {
		q.Count = fitting
		if page, err = s.Read.Users(r.Context(), r.directory.ID, q); err != nil {
			return shown{}, err
		}
	}
	one := func(w *writer, i int) error {
		u := page.Items[i]
		return r.wanted.write(w, func(w *writer) { s.user(w, r.directory.ID, u, in[u.ID]) })
	}
	return shown{count: len(page.Items), one: one, total: page.Total, last: page.Last, cut: cut}, nil
}

const (
	usersTogether = 100    // whose groups are one query
	groupsPerPage = 20_000 // that a page of users shows: some megabytes
)

// groupsOf are the groups of users, and how many of these fit into one page with them: a page is cut short once it shows more than
// groupsPerPage. Where neither groups are shown nor the version that tells of them, none are read.
func (s *SCIM) groupsOf(r *request, users []projections.User) (map[string][]projections.Membership, int, error) {
	in := map[string][]projections.Membership{}
	if !r.wanted.shows("groups") && !r.wanted.shows("meta") {
		return in, len(users), nil
	}
	if len(users) == 1 {
		groups, err := s.Read.MembershipsOf(r.Context(), r.directory.ID, users[0].ID)
		in[users[0].ID] = groups
		return in, 1, err
	}
	total, fitting := 0, 0
	for some := range slices.Chunk(users, usersTogether) {
		if total > groupsPerPage {
			break
		}
		ids := make([]string, len(some))
		for i, u := range some {
			ids[i] = u.ID
		}
		found, err := s.Read.Memberships(r.Context(), r.directory.ID, ids)
		if err != nil {
			return nil, 0, err
		}
		for id, groups := range found {
			in[id] = groups
			total += len(groups)
		}
		fitting += len(some)
	}
	return in, fitting, nil
}
