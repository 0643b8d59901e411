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

// shown is a page of resources that are to be sent.
type shown struct {
	count int
	one   func(w *writer, i int) error // writes one of them
	total int
	last  int64 // the place of the last one
	cut   bool  // there are fewer than were asked for, though more exist
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
	return answerList(w, r, func(head *writer) { head.number("startIndex", q.Start) }, page)
}

// answerList sends a list of what is on the pages (RFC 7644 §3.4.2); more adds what else there is to say of it.
func answerList(w http.ResponseWriter, r *request, more func(head *writer), on ...shown) error {
	count, total := 0, 0
	for _, page := range on {
		count, total = count+page.count, total+page.total
	}
	body := bodies.Get().(*writer)
	defer giveBack(body)
	body.begin('{')
	body.name("schemas")
	body.begin('[')
	body.text("urn:ietf:params:scim:api:messages:2.0:ListResponse")
	body.end(']')
	body.number("totalResults", total)
	body.number("itemsPerPage", count)
	more(body)
	body.name("Resources")
	body.begin('[')
	for _, page := range on {
		for i := range page.count {
			if err := page.one(body, i); err != nil {
				return err
			}
		}
	}
	body.end(']')
	body.end('}')
	write(w, r.Request, http.StatusOK, *body)
	return nil
}
