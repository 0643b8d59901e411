package scim_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-sync/rollcall/domain"
)

// TestWhatAPatchMadeCanBePutBack: whatever a PATCH is let through with, the user that it makes is one that a GET shows and a PUT takes, and to put
// back what was shown changes nothing.
//
// Proves RFC 7644 §3.5.1, §3.5.2.
func TestWhatAPatchMadeCanBePutBack(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.AzureAD)
	users := 0
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	paths := rapid.SampledFrom([]string{
		"title", "displayName", "active", "name", "name.givenName", "emails", "emails.value", `emails[type eq "work"]`, `emails[type eq "work"].value`, `emails[primary eq true].display`, "roles",
		`roles[primary eq "True"].value`, "addresses", `addresses[type eq "work"].locality`, "x509Certificates", `x509Certificates[type eq "work"].value`, "photos", "profileUrl", "manager", "department", "password",
		enterprise, enterprise + ":manager", enterprise + ":manager.value", enterprise + ":badge", enterprise + `:things[type eq "x"]`, "urn:acme:2.0:User", "urn:acme:2.0:User:Color", "URN:acme:2.0:user:color",
		"urn:acme:ext:tags", "urn:acme:ext", "shoeSize", "userName", "groups", "meta", "",
	})
	values := rapid.SampledFrom([]any{
		nil, "", "x", "%%%", "TUlJ", "True", "0", true, false, 0, 1, 2.5, []any{}, []any{nil}, map[string]any{}, []any{"a", "b"}, []any{"TUlJ", nil, 1}, map[string]any{"value": "x"}, map[string]any{"value": nil, "type": "work"},
		map[string]any{"value": "TUk=", "type": "work", "primary": "True"}, []any{map[string]any{"value": "a", "primary": true}, map[string]any{"value": "b", "primary": "1", "type": ""}, map[string]any{"type": "work"}},
		map[string]any{"givenName": nil, "familyName": "B"}, map[string]any{"locality": "Bern", "type": "work", "country": nil}, map[string]any{"department": "D", "Manager": "m", "shoe": []any{nil, map[string]any{"a": nil}}},
		map[string]any{"title": "Dr", "name.givenName": "A", "urn:x": "q", "urn:acme:2.0:User:size": 42, enterprise + ":department": "E", "active": ""},
	})
	rapid.Check(t, func(t *rapid.T) {
		users++
		user := "/Users/" + idOf(n.t, n.must(201, "POST", "/Users", fmt.Sprintf(`{"userName":"user %d","active":true,"name":{"givenName":"A"},"emails":[{"value":"w","type":"work"}]}`, users)))
		var operations []map[string]any
		for range rapid.IntRange(1, 4).Draw(t, "operations") {
			o := map[string]any{"op": rapid.SampledFrom([]string{"add", "Replace", "remove"}).Draw(t, "op"), "value": values.Draw(t, "value")}
			if path := paths.Draw(t, "path"); path != "" {
				o["path"] = path
			}
			operations = append(operations, o)
		}
		body, err := json.Marshal(map[string]any{"Operations": operations})
		if err != nil {
			t.Fatal(err)
		}
		switch a := n.do("PATCH", user, string(body)); a.status {
		case 400, 409: // 409 is a userName that an earlier one took
			return
		case 200:
		default:
			t.Fatalf("%s: %d %s", body, a.status, a.body)
		}
		shown := n.must(200, "GET", user, "")
		if put := n.do("PUT", user, shown.body); put.status != 200 || put.body != shown.body {
			t.Fatalf("after %s\nGET shows   %s\nPUT answers %d %s", body, shown.body, put.status, put.body)
		}
	})
}
