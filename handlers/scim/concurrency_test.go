package scim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
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
	w := newWorld(t)
	tenants := make([]*tenant, 8)
	for i := range tenants {
		tenants[i] = w.tenant(fmt.Sprintf("Tenant %d", i), domain.Okta)
	}
	ids := make([][]string, len(tenants))
	var mu sync.Mutex
	together(4*len(tenants), func(i int) {
		n := tenants[i%len(tenants)]
		for j := range 10 {
			// The same names everywhere: a claim of one directory must not be seen by another.
			id := idOf(t, n.must(201, "POST", "/Users", fmt.Sprintf(`{"userName":"user-%d-%d","title":%q}`, i/len(tenants), j, n.directory.ID)))
			mu.Lock()
			ids[i%len(tenants)] = append(ids[i%len(tenants)], id)
			mu.Unlock()
		}
	})
	for i, n := range tenants {
		var page struct {
			TotalResults int
			Resources    []struct{ ID, Title string }
		}
		if err := json.Unmarshal([]byte(n.must(200, "GET", "/Users?count=1000", "").body), &page); err != nil {
			t.Fatal(err)
		}
		if page.TotalResults != 40 {
			t.Errorf("tenant %d holds %d users", i, page.TotalResults)
		}
		for _, u := range page.Resources {
			if u.Title != n.directory.ID {
				t.Errorf("tenant %d shows %s of directory %s", i, u.ID, u.Title)
			}
		}
		other := tenants[(i+1)%len(tenants)]
		for _, id := range ids[i][:3] {
			other.must(404, "GET", "/Users/"+id, "")
			other.must(404, "PATCH", "/Users/"+id, patchOf(`[{"op":"add","path":"title","value":"x"}]`))
			other.must(404, "PUT", "/Users/"+id, `{"userName":"x"}`)
			other.must(404, "DELETE", "/Users/"+id, "")
			if a := other.must(200, "GET", "/Users?filter="+url.QueryEscape(`id eq "`+id+`"`), ""); !strings.Contains(a.body, `"totalResults":0`) {
				t.Errorf("another tenant finds %s: %s", id, a.body)
			}
		}
	}
}
