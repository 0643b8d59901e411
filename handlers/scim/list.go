package scim

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// queryOf reads filter, sortBy, sortOrder, startIndex and count (RFC 7644 §3.4.2).
func queryOf(r *request, t *domain.ResourceType) (projections.Query, error) {
	params := r.params
	q := projections.Query{Start: 1, Count: defaultCount}
	var err error
	if q.Start, err = number(params, "startIndex", q.Start, domain.InvalidValue); err != nil {
		return q, err
	}
	reason := domain.InvalidValue
	if params.Has("cursor") {
		reason = invalidCount
	}
	if q.Count, err = number(params, "count", q.Count, reason); err != nil {
		return q, err
	}
	q.Start, q.Count = max(q.Start, 1), min(max(q.Count, 0), maxCount)
	if text := params.Get("filter"); strings.TrimSpace(text) != "" {
		if q.Filter, err = r.directory.Dialect().ParseFilter(t, text); err != nil {
			return q, err
		}
	}
	q.Sort, err = sortOf(t, params)
	return q, err
}

func sortOf(t *domain.ResourceType, params url.Values) (*projections.Sort, error) {
	name := params.Get("sortBy")
	if name == "" {
		return nil, nil
	}
	by, known := t.Resolve(name)
	if leaf := by.Leaf(); !known || leaf != nil && leaf.Never {
		return nil, domain.RefuseFor(domain.Invalid, domain.InvalidPath, "sortBy names an attribute that is not known")
	}
	switch order := params.Get("sortOrder"); {
	case order == "" || strings.EqualFold(order, "ascending"):
		return &projections.Sort{By: by}, nil
	case strings.EqualFold(order, "descending"):
		return &projections.Sort{By: by, Descending: true}, nil
	}
	return nil, domain.RefuseFor(domain.Invalid, domain.InvalidValue, "sortOrder is ascending or descending")
}

func number(params url.Values, name string, otherwise int, reason domain.Reason) (int, error) {
	text := params.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, domain.RefuseFor(domain.Invalid, reason, "%s is not a number", name)
	}
	return n, nil
}

// shown is a page of resources as they are sent.
type shown struct {
	resources writer // without the brackets of their list
	ends      []int  // of each
	total     int
	last      int64 // the place of the last one
	cut       bool  // there are fewer than were asked for, though more exist
}

// add writes one of the page, with the attributes that the client wants.
func (p *shown) add(wanted selection, one func(*writer)) error {
	if wanted.all() {
		one(&p.resources)
	} else {
		var whole writer
		one(&whole)
		body, err := wanted.of(whole)
		if err != nil {
			return err
		}
		p.resources.json(body)
	}
	p.ends = append(p.ends, len(p.resources))
	return nil
}

// cutTo leaves out all but the first resources.
func (p *shown) cutTo(count int) {
	p.ends = p.ends[:count]
	end := 0
	if count > 0 {
		end = p.ends[count-1]
	}
	p.resources = p.resources[:end]
}

// join adds a page behind this one.
func (p *shown) join(next shown) {
	if len(next.ends) > 0 {
		p.resources.json(next.resources)
	}
	shift := len(p.resources) - len(next.resources)
	for _, end := range next.ends {
		p.ends = append(p.ends, end+shift)
	}
	p.total, p.cut = p.total+next.total, next.cut
}

// pages reads pages of one type.
type pages func(*request, projections.Query) (shown, error)

// listed answers a list, by index (RFC 7644 §3.4.2.4) or, if the client gives a cursor, by cursor (RFC 9865).
func listed(w http.ResponseWriter, r *request, t *domain.ResourceType, read pages) error {
	q, err := queryOf(r, t)
	if err != nil {
		return err
	}
	if r.params.Has("cursor") {
		return listedByCursor(w, r, t, q, read)
	}
	page, err := read(r, q)
	if err != nil {
		return err
	}
	return answerList(w, r, page, func(head *writer) { head.number("startIndex", q.Start) })
}

// answerList sends a page (RFC 7644 §3.4.2); more adds what else there is to say of it.
func answerList(w http.ResponseWriter, r *request, page shown, more func(head *writer)) error {
	body := make(writer, 0, len(page.resources)+512)
	body.begin('{')
	body.name("schemas")
	body.begin('[')
	body.text("urn:ietf:params:scim:api:messages:2.0:ListResponse")
	body.end(']')
	body.number("totalResults", page.total)
	body.number("itemsPerPage", len(page.ends))
	more(&body)
	body.name("Resources")
	body.begin('[')
	body = append(body, page.resources...)
	body.end(']')
	body.end('}')
	write(w, r.Request, http.StatusOK, body)
	return nil
}
