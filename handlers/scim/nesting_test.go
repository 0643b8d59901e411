package scim_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// groupsOf are the groups that a user shows, as display:type.
func (n *tenant) groupsOf(user string) string {
	n.t.Helper()
	var u struct {
		Groups []struct{ Display, Type string }
	}
	if err := json.Unmarshal([]byte(n.must(200, "GET", "/Users/"+user, "").body), &u); err != nil {
		n.t.Fatal(err)
	}
	var out []string
	for _, g := range u.Groups {
		out = append(out, g.Display+":"+g.Type)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestNestedGroups: a user's groups are those it is in and those that these are in, also when groups are in each other.
//
// Proves RFC 7643 §4.1, §4.2, RFC 7643 §4.1.2.
func TestNestedGroups(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.AzureAD)
	ada := idOf(t, n.must(201, "POST", "/Users", okUser))
	group := func(name string, members ...string) string {
		list, _ := json.Marshal(members)
		return idOf(t, n.must(201, "POST", "/Groups", fmt.Sprintf(`{"displayName":%q,"members":%s}`, name, list)))
	}
	inner := group("inner", ada)
	middle := group("middle", inner)
	outer := group("outer", middle)
	group("elsewhere")
	if got := n.groupsOf(ada); got != "inner:direct middle:indirect outer:indirect" {
		t.Errorf("in %s", got)
	}
	if a := n.must(200, "GET", "/Groups/"+middle, ""); !strings.Contains(a.body, `"type":"Group"`) || !strings.Contains(a.body, "/Groups/"+inner) {
		t.Errorf("a nested group is shown as %s", a.body)
	}
	n.must(204, "PATCH", "/Groups/"+inner, patchOf(`[{"op":"add","path":"members","value":[{"value":"`+outer+`"}]}]`)) // a circle
	n.must(204, "PATCH", "/Groups/"+outer, patchOf(`[{"op":"add","path":"members","value":[{"value":"`+ada+`"},{"value":"`+outer+`"}]}]`))
	if got := n.groupsOf(ada); got != "inner:direct middle:indirect outer:direct" {
		t.Errorf("in the circle in %s", got)
	}
	// Deleting the user takes it out of those it is in directly, and leaves the nesting alone.
	n.must(204, "DELETE", "/Users/"+ada, "")
	if a := n.must(200, "GET", "/Groups/"+outer, ""); strings.Contains(a.body, ada) || !strings.Contains(a.body, middle) {
		t.Errorf("the outer group is now %s", a.body)
	}
	n.must(204, "DELETE", "/Groups/"+middle, "")
	if a := n.must(200, "GET", "/Groups/"+outer, ""); strings.Contains(a.body, `"members"`) {
		t.Errorf("a deleted group is still a member: %s", a.body)
	}
}

// TestUnknownMembersLoseNothing: one member that is not known does not lose the others, and is not shown.
//
// Proves RFC 7643 §4.2, unknown members.
func TestUnknownMembersLoseNothing(t *testing.T) {
	w := newWorld(t)
	n, other := w.tenant("Acme", domain.Okta), w.tenant("Globex", domain.Okta)
	ada := idOf(t, n.must(201, "POST", "/Users", okUser))
	eve := idOf(t, other.must(201, "POST", "/Users", `{"userName":"eve"}`))
	g := "/Groups/" + idOf(t, n.must(201, "POST", "/Groups", `{"displayName":"G"}`))
	n.must(204, "PATCH", g, patchOf(`[{"op":"add","path":"members","value":[{"value":"nobody"},{"value":"`+ada+`"},{"value":"`+eve+`"}]}]`))
	a := n.must(200, "GET", g, "")
	if !strings.Contains(a.body, ada) || strings.Contains(a.body, "nobody") || strings.Contains(a.body, eve) {
		t.Errorf("the group is %s", a.body)
	}
	if got := other.groupsOf(eve); got != "" {
		t.Errorf("a user of another directory is in %s", got)
	}
	n.must(204, "PATCH", g, patchOf(`[{"op":"remove","path":"members","value":[{"value":"nobody"},{"value":"`+ada+`"}]}]`))
	if a := n.must(200, "GET", g, ""); strings.Contains(a.body, `"members"`) {
		t.Errorf("the group is %s", a.body)
	}
}

// TestMembersStay: members without an id lose nobody, and members that are not said stay; only null for the members themselves in a PATCH empties the group.
//
// Proves unknown members, RFC 7644 §3.5.1.
func TestMembersStay(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.AzureAD)
	ada := idOf(t, n.must(201, "POST", "/Users", okUser))
	g := "/Groups/" + idOf(t, n.must(201, "POST", "/Groups", `{"displayName":"G","members":null}`))
	for _, c := range []struct {
		method, body string
		status       int
		in           bool
	}{
		{"PATCH", patchOf(`[{"op":"add","path":"members","value":[{"value":""},{"value":null},{},"",{"value":"` + ada + `"}]}]`), 204, true},
		{"PUT", `{"displayName":"H","members":null}`, 200, true},
		{"PUT", `{"displayName":"I"}`, 200, true},
		{"PUT", `{"displayName":"J","members":[{"value":""}]}`, 400, true},
		{"PUT", `{"displayName":"J","members":[{"value":""},{"value":"` + ada + `"}]}`, 400, true},
		{"PUT", `{"urn:ietf:params:scim:schemas:core:2.0:Group":{"displayName":"K","members":[]}}`, 200, false},
		{"PUT", `{"displayName":"L","urn:ietf:params:scim:schemas:core:2.0:Group:members":["` + ada + `"]}`, 200, true},
		{"PATCH", patchOf(`[{"op":"replace","path":"members","value":[{"value":null}]}]`), 400, true},
		{"PATCH", patchOf(`[{"op":"replace","value":{"displayName":"M","members":null}}]`), 204, true},
		{"PATCH", patchOf(`[{"op":"replace","path":"members","value":null}]`), 204, false},
	} {
		n.must(c.status, c.method, g, c.body)
		if a := n.must(200, "GET", g, ""); strings.Contains(a.body, ada) != c.in {
			t.Errorf("after %s %s: %s", c.method, c.body, a.body)
		}
	}
}
