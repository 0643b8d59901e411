package scim

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// queryOf reads filter, startIndex and count (RFC 7644 §3.4.2).
func queryOf(t *domain.ResourceType, params url.Values) (projections.Query, error) {
	q := projections.Query{Start: 1, Count: defaultCount}
	var err error
	if q.Start, err = number(params, "startIndex", q.Start); err != nil {
		return q, err
	}
	if q.Count, err = number(params, "count", q.Count); err != nil {
		return q, err
	}
	q.Start, q.Count = max(q.Start, 1), min(max(q.Count, 0), maxCount)
	if text := params.Get("filter"); strings.TrimSpace(text) != "" {
		q.Filter, err = t.ParseFilter(text)
	}
	return q, err
}

func number(params url.Values, name string, otherwise int) (int, error) {
	text := params.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, domain.RefuseFor(domain.Invalid, domain.InvalidValue, "%s is not a number", name)
	}
	return n, nil
}

// listResponse sends one page (RFC 7644 §3.4.2).
func listResponse(w http.ResponseWriter, start, total int, resources []map[string]any) error {
	body, err := encode(map[string]any{
		"schemas":      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": total,
		"startIndex":   start,
		"itemsPerPage": len(resources),
		"Resources":    resources,
	})
	if err != nil {
		return err
	}
	write(w, http.StatusOK, body)
	return nil
}
