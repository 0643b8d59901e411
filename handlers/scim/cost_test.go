package scim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// What one request allocates, from the door to the read model that shows it, does not depend on the machine. The limits are a seventh above what it
// is: whoever comes near one has made every request dearer, and should know why.
func TestAllocations(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates too")
	}
	n := newWorld(t).tenant("Acme", domain.AzureAD)
	ids := n.fill(20)
	_, rest, _ := strings.Cut(n.serve(http.StatusCreated, "POST", "/Groups", `{"displayName":"Team"}`), `"id":"`)
	group, _, _ := strings.Cut(rest, `"`)
	next := 1000
	for _, c := range []struct {
		what string
		most float64
		do   func()
	}{
		{"create", 590, func() { n.serve(http.StatusCreated, "POST", "/Users", benchUser(int64(next))) }},
		{"Entra's PATCH", 745, func() {
			n.serve(http.StatusOK, "PATCH", "/Users/"+ids[next%len(ids)], patchOf(fmt.Sprintf(`[{"op":"Replace","path":"displayName","value":"D %d"},{"op":"Replace","path":"emails[type eq \"work\"].value","value":"u-%d@acme.test"},{"op":"Add","path":"nickName","value":"N %d"},{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber","value":"%d"}]`, next, next, next, next)))
		}},
		{"one member", 367, func() {
			n.serve(http.StatusNoContent, "PATCH", "/Groups/"+group, patchOf(fmt.Sprintf(`[{"op":"Add","path":"members","value":[{"value":"new-%d"}]}]`, next)))
		}},
		{"get", 66, func() { n.serve(http.StatusOK, "GET", "/Users/"+ids[0], "") }},
		{"filter", 117, func() { n.serve(http.StatusOK, "GET", `/Users?filter=userName%20eq%20%22user-7@acme.test%22`, "") }},
		{"page of 20", 457, func() { n.serve(http.StatusOK, "GET", "/Users?count=20", "") }},
	} {
		got := testing.AllocsPerRun(50, func() {
			next++
			c.do()
			if err := n.read.Progress().Wait(t.Context(), n.head()); err != nil { // so that nothing of it is left to the next
				t.Fatal(err)
			}
		})
		if got > c.most {
			t.Errorf("%s: %.0f allocations, want at most %.0f", c.what, got, c.most)
		}
	}
}
