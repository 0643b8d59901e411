package scim_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// together runs f n times at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// Proves RFC 7644 §3.3.
func TestOneOfFiftyCreatesGetsTheName(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.Okta)
	var mu sync.Mutex
	got := map[int]int{}
	together(50, func(i int) {
		name := "ada@acme.test"
		if i%2 == 1 {
			name = "Ada@ACME.test"
		}
		a := n.do("POST", "/Users", fmt.Sprintf(`{"userName":%q}`, name))
		mu.Lock()
		defer mu.Unlock()
		got[a.status]++
		if a.status == 409 && !strings.Contains(a.body, `"scimType":"uniqueness"`) {
			t.Errorf("409 without uniqueness: %s", a.body)
		}
	})
	if got[201] != 1 || got[409] != 49 {
		t.Errorf("answers by status: %v", got)
	}
	if a := n.must(200, "GET", "/Users", ""); !strings.Contains(a.body, `"totalResults":1`) {
		t.Errorf("the directory holds more than one: %s", a.body)
	}
}

// TestReadYourWrites: what a POST acknowledged is shown at once by GET, filter and list, and PATCH and DELETE likewise.
//
// Proves RFC 7644 §3.4.1, §3.4.2.1.
func TestReadYourWrites(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.AzureAD)
	together(64, func(i int) {
		for j := range 3 {
			name := fmt.Sprintf("user-%d-%d", i, j)
			id := idOf(t, n.must(201, "POST", "/Users", fmt.Sprintf(`{"userName":%q}`, name)))
			if a := n.do("GET", "/Users/"+id, ""); a.status != 200 {
				t.Errorf("GET after POST: %d %s", a.status, a.body)
			}
			filter := "/Users?filter=" + url.QueryEscape(`userName eq "`+strings.ToUpper(name)+`"`)
			if a := n.do("GET", filter, ""); !strings.Contains(a.body, `"totalResults":1`) || !strings.Contains(a.body, id) {
				t.Errorf("filter after POST: %s", a.body)
			}
			if a := n.do("GET", "/Users?count=1000&attributes=id", ""); !strings.Contains(a.body, id) {
				t.Errorf("list after POST lacks %s", id)
			}
			n.must(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"replace","path":"title","value":"`+name+`"}]`))
			if a := n.do("GET", "/Users/"+id, ""); !strings.Contains(a.body, `"title":"`+name+`"`) {
				t.Errorf("GET after PATCH: %s", a.body)
			}
			if j == 0 {
				n.must(204, "DELETE", "/Users/"+id, "")
				n.must(404, "GET", "/Users/"+id, "")
			}
		}
	})
	if a := n.must(200, "GET", "/Users?count=0", ""); !strings.Contains(a.body, `"totalResults":128`) {
		t.Errorf("the list ends with %s", a.body)
	}
}

// TestTenantsNeverCross: directories are written in parallel, and each holds just what its token put there.
//
// Proves tenancy.
func TestTenantsNeverCross(t *testing.T) {
	const writers, each = 4, 10
	w := newWorld(t)
	tenants := make([]*tenant, 8)
	for i := range tenants {
		tenants[i] = w.tenant(fmt.Sprintf("Tenant %d", i), domain.Okta)
	}
	users, groups := make([][]string, len(tenants)), make([][]string, len(tenants))
	var mu sync.Mutex
	together(writers*len(tenants), func(i int) {
		n, writer := tenants[i%len(tenants)], i/len(tenants)
		mark := patchOf(`[{"op":"replace","path":"externalId","value":"` + n.directory.ID + `"}]`)
		var mine []string
		for j := range each {
			// The same names everywhere: a claim of one directory must not be seen by another.
			id := idOf(t, n.must(201, "POST", "/Users", fmt.Sprintf(`{"userName":"user-%d-%d","title":%q}`, writer, j, n.directory.ID)))
			n.must(200, "PATCH", "/Users/"+id, mark)
			mine = append(mine, id)
		}
		group := idOf(t, n.must(201, "POST", "/Groups", fmt.Sprintf(`{"displayName":"group-%d","members":["%s"]}`, writer, strings.Join(mine, `","`))))
		n.must(204, "PATCH", "/Groups/"+group, mark)
		n.must(204, "DELETE", "/Users/"+mine[0], "")
		gone := idOf(t, n.must(201, "POST", "/Groups", `{"displayName":"gone","members":["`+mine[1]+`"]}`))
		n.must(204, "DELETE", "/Groups/"+gone, "")
		mu.Lock()
		defer mu.Unlock()
		users[i%len(tenants)] = append(users[i%len(tenants)], mine[1:]...)
		groups[i%len(tenants)] = append(groups[i%len(tenants)], group)
	})
	for i, n := range tenants {
		for path, want := range map[string][]string{"/Users": users[i], "/Groups": groups[i]} {
			p := n.list(path, "count", "1000")
			if got := slices.Sorted(slices.Values(p.texts("id"))); !slices.Equal(got, slices.Sorted(slices.Values(want))) || p.TotalResults != len(want) {
				t.Errorf("tenant %d shows %d of %s, %v", i, p.TotalResults, path, got)
			}
			for _, r := range p.Resources {
				if r["externalId"] != n.directory.ID || path == "/Users" && r["title"] != n.directory.ID {
					t.Errorf("tenant %d shows %v", i, r)
				}
				members, _ := r["members"].([]any)
				for _, m := range members {
					if !slices.Contains(users[i], m.(map[string]any)["value"].(string)) {
						t.Errorf("tenant %d shows the member %v", i, m)
					}
				}
				if path == "/Groups" && len(members) != each-1 {
					t.Errorf("tenant %d shows %d members", i, len(members))
				}
			}
		}
	}
	// What one directory knows, another can neither see nor change, however hard it tries.
	before := w.head()
	together(len(tenants), func(i int) {
		other := tenants[(i+1)%len(tenants)]
		for path, ids := range map[string][]string{"/Users": users[i][:3], "/Groups": groups[i]} {
			for _, id := range ids {
				one := path + "/" + id
				other.must(404, "GET", one, "")
				other.must(404, "PATCH", one, patchOf(`[{"op":"add","path":"externalId","value":"x"}]`))
				other.must(404, "PUT", one, `{"userName":"x","displayName":"x"}`)
				other.must(404, "DELETE", one, "")
				if a := other.must(200, "GET", path+"?filter="+url.QueryEscape(`id eq "`+id+`"`), ""); !strings.Contains(a.body, `"totalResults":0`) {
					t.Errorf("another tenant finds %s: %s", id, a.body)
				}
			}
		}
	})
	if w.head() != before {
		t.Error("something was written")
	}
}
