package scim_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// page is a ListResponse.
type page struct {
	TotalResults, ItemsPerPage int
	StartIndex                 *int
	NextCursor                 string
	Resources                  []map[string]any
}

func (p page) texts(attribute string) []string {
	out := []string{}
	for _, r := range p.Resources {
		text, _ := r[attribute].(string)
		out = append(out, text)
	}
	return out
}

func (n *tenant) list(path string, params ...string) page {
	n.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		values.Set(params[i], params[i+1])
	}
	return n.page(n.must(200, "GET", path+"?"+values.Encode(), ""))
}

func (n *tenant) page(a answer) page {
	n.t.Helper()
	var p page
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		n.t.Fatal(err)
	}
	if p.ItemsPerPage != len(p.Resources) {
		n.t.Errorf("itemsPerPage is %d with %d resources", p.ItemsPerPage, len(p.Resources))
	}
	return p
}

// people makes users that sort otherwise than they were made.
func people(n *tenant) {
	for _, body := range []string{
		`{"userName":"charlie","title":"b","emails":[{"value":"x@z.test"},{"value":"a@z.test","primary":true}],"name":{"familyName":"Ärmel"}}`,
		`{"userName":"Alice","title":"A","name":{"familyName":"zeta"}}`,
		`{"userName":"bob","emails":[{"value":"m@z.test"}],"name":{"familyName":"Beta"}}`,
		`{"userName":"Dora","title":"c"}`,
	} {
		n.must(201, "POST", "/Users", body)
	}
}

// Proves RFC 7644 §3.4.2.3, §3.4.2.4.
func TestSort(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	people(n)
	for _, c := range []struct{ by, order, want string }{
		{"", "", "charlie Alice bob Dora"},
		{"userName", "", "Alice bob charlie Dora"},
		{"USERNAME", "Descending", "Dora charlie bob Alice"},
		{"title", "ascending", "Alice charlie Dora bob"}, // without a title: last
		{"title", "descending", "bob Dora charlie Alice"},
		{"emails", "", "charlie bob Alice Dora"}, // by the primary value, else the first
		{"emails.value", "", "charlie bob Alice Dora"},
		{"name.familyName", "", "bob Alice charlie Dora"},
		{"meta.created", "ascending", "charlie Alice bob Dora"}, // those of one millisecond in the order of creation
		{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "", "charlie Alice bob Dora"},
	} {
		if got := strings.Join(n.list("/Users", "sortBy", c.by, "sortOrder", c.order).texts("userName"), " "); got != c.want {
			t.Errorf("by %s %s: %s, want %s", c.by, c.order, got, c.want)
		}
	}
	second := n.list("/Users", "sortBy", "userName", "startIndex", "2", "count", "2")
	if got := strings.Join(second.texts("userName"), " "); got != "bob charlie" || second.TotalResults != 4 {
		t.Errorf("the second page is %s of %d", got, second.TotalResults)
	}
	for params, scimType := range map[string]string{
		"sortBy=shoeSize":                     "invalidPath",
		"sortBy=password":                     "invalidPath",
		"sortBy=meta.location":                "invalidPath",
		"sortBy=groups":                       "invalidPath",
		"sortBy=userName&sortOrder=sideways":  "invalidValue",
		"sortBy=userName&filter=userName+eq":  "invalidFilter",
		"filter=userName%20eq%20%22x%22;y=%1": "invalidValue",
	} {
		if a := n.do("GET", "/Users?"+params, ""); a.status != 400 || !strings.Contains(a.body, scimType) {
			t.Errorf("%s: %d %s", params, a.status, a.body)
		}
	}
}

// TestCountIsClamped: whoever asks for more gets the most that the server gives, by index and by cursor, and comes to the rest.
//
// Proves RFC 7644 §3.4.2.4, RFC 9865.
func TestCountIsClamped(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	const users, most = 1003, 1000
	n.fill(users)
	p := n.list("/Users", "count", "5000", "attributes", "userName")
	if p.TotalResults != users || len(p.Resources) != most {
		t.Errorf("by index %d of %d", len(p.Resources), p.TotalResults)
	}
	if p = n.list("/Users", "count", "5000", "startIndex", "1001", "attributes", "userName"); len(p.Resources) != users-most || *p.StartIndex != 1001 {
		t.Errorf("the rest by index: %d", len(p.Resources))
	}
	if p = n.list("/Users", "count", "5000", "cursor", "", "attributes", "userName"); len(p.Resources) != most || p.NextCursor == "" {
		t.Errorf("by cursor %d, next %q", len(p.Resources), p.NextCursor)
	}
	if p = n.list("/Users", "count", "5000", "cursor", p.NextCursor, "attributes", "userName"); len(p.Resources) != users-most || p.NextCursor != "" {
		t.Errorf("the rest by cursor: %d, next %q", len(p.Resources), p.NextCursor)
	}
}

// TestCursor walks lists of several forms and sees each resource once, though others come and go meanwhile.
//
// Proves RFC 9865.
func TestCursor(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	var ids []string
	for i := range 25 {
		ids = append(ids, idOf(t, n.must(201, "POST", "/Users", fmt.Sprintf(`{"userName":"u%02d","title":"t%d"}`, i, i%2))))
	}
	for name, params := range map[string][]string{
		"plain":    {},
		"filtered": {"filter", `title eq "t0"`},
		"sorted":   {"sortBy", "userName", "sortOrder", "descending"},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []string
			cursor, pages := "", 0
			for {
				p := n.list("/Users", append([]string{"cursor", cursor, "count", "4"}, params...)...)
				seen = append(seen, p.texts("userName")...)
				if p.StartIndex != nil {
					t.Error("a page by cursor has a startIndex")
				}
				if pages++; p.NextCursor == "" {
					break
				}
				cursor = p.NextCursor
			}
			want := n.list("/Users", append([]string{"count", "100"}, params...)...)
			if !slices.Equal(seen, want.texts("userName")) {
				t.Errorf("walked %v, want %v", seen, want.texts("userName"))
			}
			if full := (len(seen) + 3) / 4; pages != full {
				t.Errorf("%d pages for %d resources", pages, len(seen))
			}
		})
	}
	first := n.list("/Users", "cursor", "", "count", "10")
	n.must(204, "DELETE", "/Users/"+ids[2], "") // behind the cursor
	n.must(204, "DELETE", "/Users/"+ids[9], "") // what the cursor stands on
	n.must(204, "DELETE", "/Users/"+ids[10], "")
	next := n.list("/Users", "cursor", first.NextCursor, "count", "3")
	if got := strings.Join(next.texts("userName"), " "); got != "u11 u12 u13" {
		t.Errorf("after deletions the cursor goes on with %s", got)
	}
	for _, bad := range []url.Values{
		{"cursor": {"garbage!"}},
		{"cursor": {first.NextCursor + "AA"}},
		{"cursor": {strings.Repeat("A", 5000)}},
		{"cursor": {first.NextCursor}, "filter": {`title eq "t0"`}}, // of another query
	} {
		if a := n.do("GET", "/Users?"+bad.Encode(), ""); a.status != 400 || !strings.Contains(a.body, "invalidCursor") {
			t.Errorf("%v: %d %s", bad, a.status, a.body)
		}
	}
	for what, params := range map[string]string{"plain": "", "sorted": "&sortBy=userName"} { // a place that cannot be, of the right query
		p := n.page(n.must(200, "GET", "/Users?cursor=&count=1"+params, ""))
		raw, err := base64.RawURLEncoding.DecodeString(p.NextCursor)
		if err != nil {
			t.Fatal(err)
		}
		_, size := binary.Varint(raw)
		for _, at := range []int64{math.MaxInt64, math.MaxInt64 - 1, 1 << 49, -1} {
			cursor := base64.RawURLEncoding.EncodeToString(append(binary.AppendVarint(nil, at), raw[size:]...))
			if a := n.do("GET", "/Users?cursor="+cursor+params, ""); a.status != 400 || !strings.Contains(a.body, "invalidCursor") {
				t.Errorf("%s cursor at %d: %d %s", what, at, a.status, a.body)
			}
		}
	}
	if a := n.do("GET", "/Users?cursor=&count=many", ""); a.status != 400 || !strings.Contains(a.body, `"scimType":"invalidCount"`) {
		t.Errorf("a cursor and no count: %d %s", a.status, a.body)
	}
	n.must(200, "GET", "/Users?cursor=&count=-1", "") // is 0 (RFC 7644 §3.4.2.4)
	if a := n.do("GET", "/Groups?cursor="+first.NextCursor, ""); a.status != 400 {
		t.Errorf("a cursor of users pages groups: %d", a.status)
	}
	if a := n.do("GET", "/Users?cursor=&startIndex=2", ""); a.status != 400 {
		t.Errorf("cursor and startIndex: %d", a.status)
	}
}

// Proves RFC 7644 §3.4.3.
func TestSearch(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	people(n)
	n.must(201, "POST", "/Groups", `{"displayName":"Alpha"}`)
	n.must(201, "POST", "/Groups", `{"displayName":"Beta"}`)
	request := func(rest string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]` + rest + `}`
	}
	p := n.page(n.must(200, "POST", "/Users/.search", request(`,"filter":"title pr","sortBy":"userName","attributes":["userName"],"startIndex":2,"count":1`)))
	if p.TotalResults != 3 || strings.Join(p.texts("userName"), " ") != "charlie" || p.Resources[0]["title"] != nil {
		t.Errorf("search of users: %+v", p)
	}
	if p = n.page(n.must(200, "POST", "/Groups/.search", request(`,"filter":"displayName sw \"al\""`))); p.TotalResults != 1 {
		t.Errorf("search of groups: %+v", p)
	}
	if p = n.page(n.must(200, "POST", "/.search", request(``))); p.TotalResults != 6 || len(p.Resources) != 6 {
		t.Errorf("search of all: %+v", p)
	}
	if p = n.page(n.must(200, "POST", "/.search", request(`,"startIndex":4,"count":2`))); p.TotalResults != 6 || len(p.Resources) != 2 || p.Resources[0]["userName"] != "Dora" || p.Resources[1]["displayName"] != "Alpha" {
		t.Errorf("a page over the border of types: %+v", p)
	}
	if p = n.page(n.must(200, "POST", "/.search", request(`,"filter":"userName eq \"bob\""`))); p.TotalResults != 1 {
		t.Errorf("a filter that only users have: %+v", p)
	}
	for _, rest := range []string{`,"filter":"userName eq \"nobody\""`, `,"count":0`, `,"startIndex":7`} {
		if a := n.must(200, "POST", "/.search", request(rest)); !strings.Contains(a.body, `"Resources":[]`) {
			t.Errorf("a search without hits: %s", a.body)
		}
	}
	for body, scimType := range map[string]string{
		request(`,"filter":"shoeSize eq 4"`): "invalidFilter",
		request(`,"filter":7`):               "invalidFilter",
		request(`,"filter":{}`):              "invalidSyntax",
		request(`,"attributes":[1]`):         "invalidSyntax",
		request(`,"sortBy":"userName"`):      "invalidValue",
		`[]`:                                 "invalidSyntax",
		request(`,"count":"many"`):           "invalidValue",
	} {
		if a := n.do("POST", "/.search", body); a.status != 400 || !strings.Contains(a.body, scimType) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

// TestUsersOfManyGroups: a page is cut short before it shows very many groups, and the next one goes on; who wants no groups gets whole pages.
func TestUsersOfManyGroups(t *testing.T) {
	const users, groups = 250, 150 // each user is in all of them, through one
	n := newWorld(t).tenant("Acme", domain.AzureAD)
	ids := n.fill(users)
	members, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	inner := idOf(t, n.must(201, "POST", "/Groups", fmt.Sprintf(`{"displayName":"Inner","members":%s}`, members)))
	together(8, func(worker int) {
		for i := worker; i < groups; i += 8 {
			n.must(201, "POST", "/Groups", fmt.Sprintf(`{"displayName":"G%d","members":[%q]}`, i, inner))
		}
	})
	first := n.list("/Users", "cursor", "", "count", "250", "attributes", "userName,groups.value")
	if first.TotalResults != users || len(first.Resources) != 200 || first.NextCursor == "" {
		t.Fatalf("the first page holds %d of %d, then %q", len(first.Resources), first.TotalResults, first.NextCursor)
	}
	second := n.list("/Users", "cursor", first.NextCursor, "count", "250", "attributes", "userName,groups.value")
	if len(second.Resources) != users-200 || second.NextCursor != "" {
		t.Errorf("the second page holds %d, then %q", len(second.Resources), second.NextCursor)
	}
	seen := map[string]bool{}
	for at := 1; at <= users+groups+1; { // users and groups together
		p := n.page(n.must(200, "POST", "/.search", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"startIndex":%d,"count":260,"attributes":["groups.value"]}`, at)))
		for _, id := range p.texts("id") {
			if seen[id] {
				t.Errorf("%s is on two pages", id)
			}
			seen[id] = true
		}
		if len(p.Resources) == 0 || p.TotalResults != users+groups+1 {
			t.Fatalf("from %d there are %d of %d", at, len(p.Resources), p.TotalResults)
		}
		at += len(p.Resources)
	}
	if len(seen) != users+groups+1 {
		t.Errorf("the pages hold %d", len(seen))
	}
	if whole := n.list("/Users", "count", "250", "attributes", "userName"); len(whole.Resources) != users {
		t.Errorf("without groups a page holds %d", len(whole.Resources))
	}
}
