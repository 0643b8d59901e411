package scim

import (
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

func (s *SCIM) createGroup(w http.ResponseWriter, r *request) error {
	wanted, err := selectionOf(domain.GroupType, r.URL.Query())
	if err != nil {
		return err
	}
	attributes, members, err := readGroup(w, r)
	if err != nil {
		return err
	}
	g, err := s.Commands.CreateGroup(r.Context(), r.caller(), r.directory, attributes, members)
	if err != nil {
		return err
	}
	return s.showGroup(w, r, http.StatusCreated, wanted, g)
}

// readGroup reads a whole group. One that says nothing about members leaves them as they are: a PUT that only renames must not
// empty the group.
func readGroup(w http.ResponseWriter, r *request) (domain.Attributes, domain.MembersPlan, error) {
	object, err := readResource(w, r)
	if err != nil {
		return nil, domain.MembersPlan{}, err
	}
	var plan domain.MembersPlan
	if members, given := take(object, "members"); given {
		if plan, err = domain.PlanMembers(members); err != nil {
			return nil, plan, err
		}
	}
	attributes, err := domain.GroupType.Canonical(object)
	if err != nil {
		return nil, plan, err
	}
	return attributes, plan, validate(groupResource, attributes)
}

func (s *SCIM) getGroup(w http.ResponseWriter, r *request) error {
	wanted, err := selectionOf(domain.GroupType, r.URL.Query())
	if err != nil {
		return err
	}
	g, err := s.Read.Group(r.Context(), r.directory.ID, r.PathValue("id"))
	if err != nil {
		return missing(err, "group")
	}
	return s.showGroup(w, r, http.StatusOK, wanted, g)
}

// showGroup answers with a group; its members are read only if they are shown.
func (s *SCIM) showGroup(w http.ResponseWriter, r *request, status int, wanted selection, g projections.Group) error {
	members, err := s.members(r, wanted, g)
	if err != nil {
		return err
	}
	return answer(w, status, wanted, s.group(r.directory.ID, g, members))
}

func (s *SCIM) members(r *request, wanted selection, g projections.Group) ([]projections.Member, error) {
	if g.Count == 0 || !wanted.shows("members") {
		return nil, nil
	}
	return s.Read.Members(r.Context(), r.directory.ID, g.ID, "", -1)
}

func (s *SCIM) replaceGroup(w http.ResponseWriter, r *request) error {
	wanted, err := selectionOf(domain.GroupType, r.URL.Query())
	if err != nil {
		return err
	}
	attributes, members, err := readGroup(w, r)
	if err != nil {
		return err
	}
	g, err := s.Commands.ReplaceGroup(r.Context(), r.caller(), r.directory, r.PathValue("id"), attributes, members)
	if err != nil {
		return err
	}
	return s.showGroup(w, r, http.StatusOK, wanted, g)
}

// patchGroup answers without a body, as providers advise: a group may be large.
func (s *SCIM) patchGroup(w http.ResponseWriter, r *request) error {
	wanted, err := selectionOf(domain.GroupType, r.URL.Query())
	if err != nil {
		return err
	}
	operations, err := readPatch(w, r)
	if err != nil {
		return err
	}
	g, err := s.Commands.PatchGroup(r.Context(), r.caller(), r.directory, r.PathValue("id"), operations)
	if err != nil {
		return err
	}
	if wanted.some {
		return s.showGroup(w, r, http.StatusOK, wanted, g)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *SCIM) deleteGroup(w http.ResponseWriter, r *request) error {
	if err := s.Commands.DeleteGroup(r.Context(), r.caller(), r.directory, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *SCIM) listGroups(w http.ResponseWriter, r *request) error {
	params := r.URL.Query()
	wanted, err := selectionOf(domain.GroupType, params)
	if err != nil {
		return err
	}
	q, err := queryOf(domain.GroupType, params)
	if err != nil {
		return err
	}
	page, err := s.Read.Groups(r.Context(), r.directory.ID, q)
	if err != nil {
		return err
	}
	resources := make([]map[string]any, len(page.Items))
	for i, g := range page.Items {
		members, err := s.members(r, wanted, g)
		if err != nil {
			return err
		}
		resources[i] = wanted.of(s.group(r.directory.ID, g, members))
	}
	return listResponse(w, q.Start, page.Total, resources)
}
