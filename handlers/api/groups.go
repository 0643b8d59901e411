package api

import (
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

func showGroup(_ domain.Provider, g projections.Group) map[string]any {
	out := resource("Group", g.ID, g.Attributes(), g.Created, g.Modified)
	out["members_count"] = g.Count
	return out
}

func (a *API) listGroups(w http.ResponseWriter, r *request) error {
	return answerAll(w, r, domain.GroupType, a.Read.Groups, showGroup)
}

func (a *API) getGroup(w http.ResponseWriter, r *request) error {
	g, err := a.group(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, showGroup(r.directory.Provider, g))
}

func (a *API) group(r *request) (projections.Group, error) {
	g, err := a.Read.Group(r.Context(), r.directory.ID, r.PathValue("id"))
	return g, unlessFound(err, "there is no such group; its history may still be there")
}

type member struct {
	Type       string  `json:"__type__"`
	ID         string  `json:"id"`
	MemberType *string `json:"type"` // User or Group; null for an id that names nobody, or nobody yet
	Display    *string `json:"display"`
}

func showMember(m projections.Member) member {
	return member{"Member", m.ID, orNull(m.Type), orNull(m.Display)}
}

// cursor is the pagination of members: pages of a list that long are found by where the one before ended.
type cursor struct {
	NextAfter *string `json:"next_after"` // ?after= of the next page, null at the end
	PerPage   int     `json:"per_page"`
}

func (a *API) listMembers(w http.ResponseWriter, r *request) error {
	wrong := map[string]string{}
	perPage := number(r.params, "per_page", defaultPerPage, maxPerPage, wrong)
	if err := refuseFields(wrong); err != nil {
		return err
	}
	g, err := a.group(r)
	if err != nil {
		return err
	}
	found, err := a.Read.MembersAfter(r.Context(), r.directory.ID, g.ID, r.params.Get("after"), perPage+1)
	if err != nil {
		return err
	}
	c := cursor{PerPage: perPage}
	if len(found) > perPage {
		found = found[:perPage]
		c.NextAfter = &found[perPage-1].ID
	}
	return answer(w, http.StatusOK, list{"List", shown(found, showMember), c, g.Count})
}
