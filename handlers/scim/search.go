package scim

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
)

// search is a list that is asked for by POST (RFC 7644 §3.4.3): the body holds what the query string holds otherwise.
func search(t *domain.ResourceType, list inDirectory) inDirectory {
	return func(w http.ResponseWriter, r *request) error {
		if err := readSearch(w, r); err != nil {
			return err
		}
		return about(t, list)(w, r)
	}
}

func readSearch(w http.ResponseWriter, r *request) error {
	object, err := readResource(w, r)
	if err != nil {
		return err
	}
	r.params = url.Values{}
	for _, name := range []string{"filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes"} {
		value, given := take(object, name)
		if !given || value == nil {
			continue
		}
		text, ok := searchText(value)
		if !ok {
			return domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "%s is not as a SearchRequest has it", name)
		}
		r.params.Set(name, text)
	}
	return nil
}

// searchText is a member of a SearchRequest as the query string writes it.
func searchText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	case []any:
		var names []string
		for _, e := range value {
			name, ok := e.(string)
			if !ok {
				return "", false
			}
			names = append(names, name)
		}
		return strings.Join(names, ","), true
	}
	return "", false
}

// searchAll searches users and groups together, the users first. A filter on an attribute that one of the types does not have matches none of
// that type.
func (s *SCIM) searchAll(w http.ResponseWriter, r *request) error {
	if err := readSearch(w, r); err != nil {
		return err
	}
	if r.params.Has("cursor") || r.params.Has("sortBy") {
		return domain.RefuseFor(domain.Invalid, domain.InvalidValue, "sort or page by cursor at /Users/.search and /Groups/.search")
	}
	var found []shown
	var refused []error
	start, count, total := 1, 0, 0
	cut := false // then the rest is for the next page
	for _, t := range []*domain.ResourceType{domain.UserType, domain.GroupType} {
		of := *r
		var err error
		if of.wanted, err = selectionOf(t, r.params); err != nil {
			return err
		}
		q, err := queryOf(r, t)
		if e := (*domain.Error)(nil); errors.As(err, &e) && e.Reason == domain.InvalidFilter {
			refused = append(refused, err)
			continue
		} else if err != nil {
			return err
		}
		left := q.Count - count
		if cut {
			left = 0
		}
		start, q.Start, q.Count = q.Start, max(1, q.Start-total), left
		page, err := s.page(t)(&of, q)
		if err != nil {
			return err
		}
		found, count, total, cut = append(found, page), count+page.count, total+page.total, page.cut
	}
	if len(refused) == 2 {
		return refused[0]
	}
	return answerList(w, r, func(head *writer) { head.number("startIndex", start) }, found...)
}

func (s *SCIM) page(t *domain.ResourceType) pages {
	if t == domain.GroupType {
		return s.groupPage
	}
	return s.userPage
}
