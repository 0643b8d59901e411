package scim_test

import (
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// TestNobodyComesBackByAccident: what takes active away, or leaves it out, leaves a suspended user suspended.
//
// Proves life after deletion.
func TestNobodyComesBackByAccident(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	user := "/Users/" + idOf(t, n.must(201, "POST", "/Users", `{"userName":"ada","active":false}`))
	before := n.head()
	for _, c := range []struct{ method, body string }{
		{"PATCH", patchOf(`[{"op":"replace","path":"active","value":null}]`)},
		{"PATCH", patchOf(`[{"op":"remove","path":"active"}]`)},
		{"PATCH", patchOf(`[{"op":"replace","value":{"active":null}}]`)},
		{"PUT", `{"userName":"ada"}`},
		{"PUT", `{"userName":"ada","active":null}`},
	} {
		if a := n.must(200, c.method, user, c.body); !strings.Contains(a.body, `"active":false`) {
			t.Errorf("%s %s: %s", c.method, c.body, a.body)
		}
	}
	if n.head() != before {
		t.Error("something was written")
	}
	if a := n.must(200, "PATCH", user, patchOf(`[{"op":"replace","path":"active","value":true}]`)); !strings.Contains(a.body, `"active":true`) {
		t.Errorf("back: %s", a.body)
	}
}

// TestActiveIsShown: whether a user is active is shown as filters have it, also where nobody said it; what is stored stays what was said.
//
// Proves RFC 7643 §4.1.1.
func TestActiveIsShown(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	made := n.must(201, "POST", "/Users", `{"userName":"ada"}`)
	user := "/Users/" + idOf(t, made)
	for _, a := range []answer{made, n.must(200, "GET", user, ""), n.must(200, "GET", user+"?attributes=active", "")} {
		if !strings.Contains(a.body, `"active":true`) {
			t.Errorf("shown as %s", a.body)
		}
	}
	for _, filter := range []string{"active pr", "active eq true", "active ne false"} {
		if p := n.list("/Users", "filter", filter); p.TotalResults != 1 || p.Resources[0]["active"] != true {
			t.Errorf("%s: %+v", filter, p)
		}
	}
	if u, err := n.read.User(t.Context(), n.directory.ID, idOf(t, made)); err != nil || u.Attributes()["active"] != nil {
		t.Errorf("stored: %v, %v", u.Attributes(), err)
	}
}
