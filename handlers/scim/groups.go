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
	return s.showWritten(w, r, http.StatusCreated, g)
}

// readGroup reads a whole group. One that says nothing about members, or null, leaves them as they are: a PUT that only renames must not
// empty the group.
func readGroup(w http.ResponseWriter, r *request) (domain.Attributes, domain.MembersPlan, error) {
	object, err := readResource(w, r)
	if err != nil {
		return nil, domain.MembersPlan{}, err
	}
	if object, err = r.directory.Dialect().Lift(domain.GroupType, object); err != nil {
		return nil, domain.MembersPlan{}, err
	}
	var plan domain.MembersPlan
	if members, _ := take(object, "members"); members != nil {
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
	if same, err := unchanged(w, r, groupETag(g)); same || err != nil {
		return err
	}
	members, err := s.members(r, g)
	if err != nil {
		return err
	}
	return s.answer(w, r, http.StatusOK, func(w *writer) frame { return s.group(w, r.directory.ID, g, members) })
}

// showWritten answers with a group that is stored. If the read model cannot show its members yet, the answer is without them: an error would
// make the client send again what is done.
func (s *SCIM) showWritten(w http.ResponseWriter, r *request, status int, g projections.Group) error {
	members, err := s.members(r, g)
	if err != nil && domain.Shown(err).Code != domain.Unavailable {
		return err
	}
	return s.answer(w, r, status, func(w *writer) frame { return s.group(w, r.directory.ID, g, members) })
}

func (s *SCIM) members(r *request, g projections.Group) ([]projections.Member, error) {
	if g.Count == 0 || !r.wanted.shows("members") {
		return nil, nil
	}
	return s.Read.Members(r.Context(), r.directory.ID, g.ID)
}

func (s *SCIM) replaceGroup(w http.ResponseWriter, r *request) error {
	attributes, members, err := readGroup(w, r)
	if err != nil {
		return err
	}
	if err := s.mayChangeGroup(r); err != nil {
		return err
	}
	g, err := s.Commands.ReplaceGroup(r.Context(), r.caller(), r.directory, r.PathValue("id"), attributes, members)
	if err != nil {
		return err
	}
	return s.showWritten(w, r, http.StatusOK, g)
}

// patchGroup answers without a body unless attributes are asked for, as providers advise: a group may be large.
func (s *SCIM) patchGroup(w http.ResponseWriter, r *request) error {
	operations, err := readPatch(w, r)
	if err != nil {
		return err
	}
	if err := s.mayChangeGroup(r); err != nil {
		return err
	}
	g, err := s.Commands.PatchGroup(r.Context(), r.caller(), r.directory, r.PathValue("id"), operations)
	if err != nil {
		return err
	}
	if r.wanted.some {
		return s.showWritten(w, r, http.StatusOK, g)
	}
	w.Header().Set("ETag", groupETag(g))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *SCIM) deleteGroup(w http.ResponseWriter, r *request) error {
	if err := s.mayChangeGroup(r); err != nil {
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

// membersPerPage bounds the members in one page of groups: a page is cut short, as RFC 7644 §3.4.2.4 allows, before it holds more, but
// never below one group.
const membersPerPage = 100_000

// groupPage reads groups as they are shown.
func (s *SCIM) groupPage(r *request, q projections.Query) (shown, error) {
	page, err := s.Read.Groups(r.Context(), r.directory.ID, q)
	if err != nil {
		return shown{}, err
	}
	cut := false
	if n := s.fitting(r, page.Items); n < len(page.Items) {
		q.Count, cut = n, true
		if page, err = s.Read.Groups(r.Context(), r.directory.ID, q); err != nil {
			return shown{}, err
		}
	}
	one := func(w *writer, i int) error {
		g := page.Items[i]
		members, err := s.members(r, g)
		if err != nil {
			return err
		}
		return r.wanted.write(w, func(w *writer) { s.group(w, r.directory.ID, g, members) })
	}
	return shown{count: len(page.Items), one: one, total: page.Total, last: page.Last, cut: cut}, nil
}

// fitting is how many of the groups fit into one page with their members.
func (s *SCIM) fitting(r *request, groups []projections.Group) int {
	if !r.wanted.shows("members") {
		return len(groups)
	}
	total := 0
	for i, g := range groups {
		if total += g.Count; total > membersPerPage && i > 0 {
			return i
		}
	}
	return len(groups)
}
