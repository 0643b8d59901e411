package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

const (
	defaultPerPage = 25
	maxPerPage     = 100
	maxPage        = 1_000_000_000
	pagesShown     = 2 // on each side of the current one
)

// paging is which page of a list is asked for.
type paging struct{ page, perPage int }

// pageOf reads page and per_page.
func pageOf(r *request) (paging, error) {
	wrong := map[string]string{}
	p := paging{
		page:    number(r.params, "page", 1, maxPage, wrong),
		perPage: number(r.params, "per_page", defaultPerPage, maxPerPage, wrong),
	}
	return p, refuseFields(wrong)
}

func number(params url.Values, name string, otherwise, most int, wrong map[string]string) int {
	if !params.Has(name) {
		return otherwise
	}
	n, err := strconv.Atoi(params.Get(name))
	if err != nil || n < 1 || n > most {
		wrong[name] = "is not a number from 1 to " + strconv.Itoa(most)
		return otherwise
	}
	return n
}

func boolean(params url.Values, name string, wrong map[string]string) bool {
	switch {
	case !params.Has(name), params.Get(name) == "false":
	case params.Get(name) == "true":
		return true
	default:
		wrong[name] = "is neither true nor false"
	}
	return false
}

func duration(params url.Values, name string, otherwise time.Duration) (time.Duration, error) {
	if !params.Has(name) {
		return otherwise, nil
	}
	d, err := time.ParseDuration(params.Get(name))
	if err != nil {
		return 0, domain.RefuseField(name, "is not a duration, as 24h or 90m")
	}
	return d, nil
}

// queryOf reads the page and the filter of a list of users or groups.
func queryOf(r *request, t *domain.ResourceType) (paging, projections.Query, error) {
	p, err := pageOf(r)
	if err != nil {
		return p, projections.Query{}, err
	}
	q := projections.Query{Start: (p.page-1)*p.perPage + 1, Count: p.perPage}
	if text := r.params.Get("filter"); text != "" {
		q.Filter, err = t.ParseFilter(text)
	}
	return p, q, ofFilter(err)
}

// ofFilter names the field of an error about a filter.
func ofFilter(err error) error {
	if err == nil {
		return nil
	}
	e := domain.Shown(err)
	if e.Reason != domain.InvalidFilter {
		return err
	}
	named := *e
	named.Fields = map[string]string{"filter": e.Message}
	return &named
}

// answerAll sends a page of the users or groups of all of the organization's directories: those of one directory after those of the one before, so that a page
// costs no more than one of a single directory does.
func answerAll[T any](w http.ResponseWriter, r *request, t *domain.ResourceType, read func(ctx context.Context, directory string, q projections.Query) (projections.Page[T], error),
	show func(of domain.Provider, item T) map[string]any) error {
	p, q, err := queryOf(r, t)
	if err != nil {
		return err
	}
	all, total := []map[string]any{}, 0
	for _, d := range r.directories {
		part := q
		part.Start, part.Count = max(q.Start-total, 1), q.Count-len(all)
		found, err := read(r.Context(), d.ID, part)
		if err != nil {
			return ofFilter(err)
		}
		for _, item := range found.Items {
			all = append(all, show(d.Provider, item))
		}
		total += found.Total
	}
	return answer(w, http.StatusOK, list{"List", all, p.of(total), total})
}

// list is the envelope of all lists.
type list struct {
	Type       string `json:"__type__"`
	Data       any    `json:"data"`
	Pagination any    `json:"pagination"`
	Total      int    `json:"total"`
}

type pagination struct {
	CurrentPage  int   `json:"current_page"`
	CurrentPages []int `json:"current_pages"` // the current one and its neighbours
	NextPage     *int  `json:"next_page"`
	PerPage      int   `json:"per_page"`
	PrevPage     *int  `json:"prev_page"`
	TotalPages   int   `json:"total_pages"`
}

// answerPage sends one page of a list, each item in the form that show gives it.
func answerPage[T, S any](w http.ResponseWriter, p paging, items []T, total int, show func(T) S) error {
	return answer(w, http.StatusOK, list{"List", shown(items, show), p.of(total), total})
}

func shown[T, S any](items []T, show func(T) S) []S {
	out := make([]S, len(items))
	for i, item := range items {
		out[i] = show(item)
	}
	return out
}

// of describes the page among all; an empty list has one page.
func (p paging) of(total int) pagination {
	pages := max(1, (total+p.perPage-1)/p.perPage)
	out := pagination{CurrentPage: p.page, CurrentPages: []int{}, PerPage: p.perPage, TotalPages: pages}
	for n := max(1, p.page-pagesShown); n <= min(pages, p.page+pagesShown); n++ {
		out.CurrentPages = append(out.CurrentPages, n)
	}
	if p.page < pages {
		out.NextPage = new(p.page + 1)
	}
	if p.page > 1 {
		out.PrevPage = new(min(p.page-1, pages))
	}
	return out
}
