package projections_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// TestPages asks for every page of two directories that fill and empty side by side.
//
// Proves RFC 7644 §3.4.2.4.
func TestPages(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(3, 3))
	directories := []projections.Directory{w.directory("One"), w.directory("Two")}
	var ids [2][]string
	for n := range 700 { // more than one run of places for each
		of := n % 2
		u := w.user(directories[of], domain.Attributes{"userName": fmt.Sprint("user", n), "active": n%3 == 0})
		ids[of] = append(ids[of], u.ID)
	}
	active := map[string]bool{}
	for of := range ids {
		for n, id := range ids[of] {
			active[id] = (2*n+of)%3 == 0
		}
		for i := len(ids[of]) - 1; i >= 0; i-- { // a run that is gone, the last ones, and some between
			if i >= 250 && i < 340 || i < 3 || r.IntN(4) == 0 {
				w.must(w.commands.DeleteUser(t.Context(), system, directories[of], ids[of][i]))
				ids[of] = slices.Delete(ids[of], i, i+1)
			}
		}
	}
	for of, d := range directories {
		filtered := slices.DeleteFunc(slices.Clone(ids[of]), func(id string) bool { return !active[id] })
		for _, list := range []struct {
			name   string
			filter domain.Filter
			want   []string
		}{
			{"all", nil, ids[of]},
			{"filtered", w.filter(domain.UserType, "active eq true"), filtered},
			{"none", w.filter(domain.UserType, `userName eq "nobody"`), nil},
		} {
			total := len(list.want)
			for _, q := range []projections.Query{
				{Start: 1, Count: 1000}, {Start: 1, Count: total}, {Start: 1, Count: 0}, {Start: total, Count: 5}, {Start: total + 1, Count: 5}, {Start: 10_000, Count: 5},
				{Start: 0, Count: 5}, {Start: -7, Count: 5}, {Start: 3, Count: -1}, {Start: 1, Count: 1},
			} {
				q.Filter = list.filter
				samePage(t, w, d, list.name, q, list.want)
			}
			for range 40 {
				samePage(t, w, d, list.name, projections.Query{Filter: list.filter, Start: 1 + r.IntN(total+2), Count: r.IntN(60)}, list.want)
			}
		}
	}
}

func samePage(t *testing.T, w *world, d projections.Directory, name string, q projections.Query, all []string) {
	t.Helper()
	page, err := w.read.Users(t.Context(), d.ID, q)
	if err != nil {
		t.Fatal(err)
	}
	from := min(max(q.Start, 1)-1, len(all))
	want := all[from:min(from+max(q.Count, 0), len(all))]
	var got []string
	for _, u := range page.Items {
		got = append(got, u.ID)
	}
	if !slices.Equal(got, want) || page.Total != len(all) {
		t.Errorf("%s, start %d, count %d: %d of %d, want %d of %d", name, q.Start, q.Count, len(got), page.Total, len(want), len(all))
	}
}

// A page deep in a list costs what the first one does.
//
// Proves RFC 7644 §3.4.2.4.
func TestDeepPagesCostTheSame(t *testing.T) {
	const users = 3000
	w := newWorld(t)
	d := w.directory("Acme")
	w.imported(d, users)
	cost := func(start int) projections.Work {
		t.Helper()
		var page projections.Page[projections.User]
		work := w.read.ReadWork(t, func() {
			var err error
			page, err = w.read.Users(t.Context(), d.ID, projections.Query{Start: start, Count: 10})
			w.must(err)
		})
		if len(page.Items) != 10 || page.Items[0].Attributes().Text("userName") != fmt.Sprint("user", start) || page.Total != users {
			t.Fatalf("at %d: %v of %d", start, page.Items, page.Total)
		}
		return work
	}
	first := cost(1)
	for _, start := range []int{256, 1500, 2900, 2991} { // up to a run of places is stepped over
		if deep := cost(start); deep.Statements != first.Statements || deep.Steps > first.Steps+256*10 {
			t.Errorf("the page at %d took %+v, the first %+v", start, deep, first)
		}
	}
}

func TestSmallTablesPage(t *testing.T) {
	w := newWorld(t)
	var want []string
	for n := range 5 {
		o, err := w.commands.CreateOrganization(t.Context(), system, fmt.Sprint("Org ", n))
		w.must(err)
		want = append(want, o.Domain)
	}
	for page := range 5 {
		got, total, err := w.read.Organizations(t.Context(), "", page, 2)
		w.must(err)
		from := min(2*(max(page, 1)-1), 5)
		var domains []string
		for _, o := range got {
			domains = append(domains, o.Domain)
		}
		if total != 5 || !slices.Equal(domains, want[from:min(from+2, 5)]) {
			t.Errorf("page %d: %v of %d", page, domains, total)
		}
	}
}
