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
