package scim

import (
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

func (s *SCIM) createGroup(w http.ResponseWriter, r *request) error {
	attributes, members, err := readGroup(w, r)
	if err != nil {
		return err
	}
	g, err := s.Commands.CreateGroup(r.Context(), r.caller(), r.directory, attributes, members)
	if err != nil {
		return err
	}
	return s.showGroup(w, r, http.StatusCreated, g)
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
		if plan, err = r.directory.Dialect().PlanMembers(members); err != nil {
			return nil, plan, err
		}
	}
	attributes, err := r.directory.Dialect().Canonical(domain.GroupType, object)
	if err != nil {
		return nil, plan, err
	}
	return attributes, plan, validate(groupResource, attributes)
}

func (s *SCIM) getGroup(w http.ResponseWriter, r *request) error {
	g, err := s.Read.Group(r.Context(), r.directory.ID, r.PathValue("id"))
	if err != nil {
		return missing(err, "group")
	}
	if unchanged(w, r, groupETag(g)) {
		return nil
	}
	return s.showGroup(w, r, http.StatusOK, g)
}

// showGroup answers with a group; its members are read only if they are shown.
func (s *SCIM) showGroup(w http.ResponseWriter, r *request, status int, g projections.Group) error {
	members, err := s.members(r, g)
	if err != nil {
		return err
	}
	return answer(w, r, status, s.group(r.directory.ID, g, members))
}

func (s *SCIM) members(r *request, g projections.Group) ([]projections.Member, error) {
	if g.Count == 0 || !r.wanted.shows("members") {
		return nil, nil
	}
	return s.Read.Members(r.Context(), r.directory.ID, g.ID, "", -1)
}

func (s *SCIM) replaceGroup(w http.ResponseWriter, r *request) error {
	attributes, members, err := readGroup(w, r)
	if err != nil {
		return err
	}
	if err := s.ifMatchGroup(r); err != nil {
		return err
	}
	g, err := s.Commands.ReplaceGroup(r.Context(), r.caller(), r.directory, r.PathValue("id"), attributes, members)
	if err != nil {
		return err
	}
	return s.showGroup(w, r, http.StatusOK, g)
}

// patchGroup answers without a body unless attributes are asked for, as providers advise: a group may be large.
func (s *SCIM) patchGroup(w http.ResponseWriter, r *request) error {
	operations, err := readPatch(w, r)
	if err != nil {
		return err
	}
	if err := s.ifMatchGroup(r); err != nil {
		return err
	}
	g, err := s.Commands.PatchGroup(r.Context(), r.caller(), r.directory, r.PathValue("id"), operations)
	if err != nil {
		return err
	}
	if r.wanted.some {
		return s.showGroup(w, r, http.StatusOK, g)
	}
	w.Header().Set("ETag", groupETag(g))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *SCIM) deleteGroup(w http.ResponseWriter, r *request) error {
	if err := s.ifMatchGroup(r); err != nil {
		return err
	}
	if err := s.Commands.DeleteGroup(r.Context(), r.caller(), r.directory, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *SCIM) listGroups(w http.ResponseWriter, r *request) error {
	return listed(w, r, domain.GroupType, s.groupPage)
}

// groupPage reads groups as they are shown.
func (s *SCIM) groupPage(r *request, q projections.Query) (projections.Page[map[string]any], error) {
	page, err := s.Read.Groups(r.Context(), r.directory.ID, q)
	if err != nil {
		return projections.Page[map[string]any]{}, err
	}
	shown := projections.Page[map[string]any]{Items: make([]map[string]any, len(page.Items)), Total: page.Total, Last: page.Last}
	for i, g := range page.Items {
		members, err := s.members(r, g)
		if err != nil {
			return shown, err
		}
		shown.Items[i] = r.wanted.of(s.group(r.directory.ID, g, members))
	}
	return shown, nil
}
