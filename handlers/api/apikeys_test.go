package api_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// keysBelow are the ids of the keys that a key made, and so on, as another one is shown them; of all keys if that is "".
func (w *world) keysBelow(as, ancestor string) []string {
	w.t.Helper()
	path := "/api/v2/api-keys"
	if ancestor != "" {
		path += "?descends_from=" + ancestor
	}
	a := w.as(as, "GET", path, "")
	list, _ := a.at("data").([]any)
	if a.status != 200 || a.at("total") != float64(len(list)) {
		w.t.Fatalf("%s = %d %s", path, a.status, a.body)
	}
	ids := []string{}
	for i := range list {
		ids = append(ids, a.text("data", i, "id"))
	}
	return ids
}

// TestStolenKeyGoesWithAllThatItMade, also by an access token, and nobody else's key does.
func TestStolenKeyGoesWithAllThatItMade(t *testing.T) {
	w := newWorld(t)
	acme, globex := w.estate("Acme"), w.estate("Globex")
	own := strings.Split(w.key, ".")[0]
	stolen, a := w.newKey(w.key, `{"name":"stolen","organization":"acme"}`)
	if a.text("created_by") != own {
		t.Errorf("the key of %s is by %v", own, a.at("created_by"))
	}
	id, secret, _ := strings.Cut(stolen, ".")
	token := w.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()).text("access_token")
	made, a := w.newKey(token, `{"name":"made","organization":"acme"}`)
	if a.text("created_by") != id {
		t.Errorf("the key of %s is by %v", id, a.at("created_by"))
	}
	madeID := a.text("id")
	again, a := w.newKey(made, `{"name":"again","organization":"acme","permissions":["read"]}`)
	for as, want := range map[string][]string{w.key: {madeID, a.text("id")}, acme.key: {madeID, a.text("id")}, globex.key: {}} {
		if got := w.keysBelow(as, id); !slices.Equal(got, want) {
			t.Errorf("below the stolen key are %q, not %q", got, want)
		}
	}
	if a := w.must(200, "GET", "/api/v2/api-keys", ""); a.text("data", 0, "id") != own || a.at("data", 0, "created_by") != nil {
		t.Errorf("the first key: %s", a.body)
	}
	before := len(w.keysBelow(w.key, ""))
	if a := w.as(globex.key, "DELETE", "/api/v2/api-keys/"+id, ""); a.status != 404 {
		t.Errorf("a key of another organization deletes it: %d %s", a.status, a.body)
	}
	if a := w.as(acme.key, "DELETE", "/api/v2/api-keys/"+id, ""); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, bearer := range []string{stolen, token, made, again} {
		if a := w.as(bearer, "GET", "/api/v2/org", ""); a.status != 401 {
			t.Errorf("after the deletion = %d", a.status)
		}
	}
	if left := len(w.keysBelow(w.key, "")); left != before-3 {
		t.Errorf("of %d keys are left %d", before, left)
	}
	if a := w.as(acme.key, "DELETE", "/api/v2/api-keys/"+madeID, ""); a.status != 404 {
		t.Errorf("a key that is gone is deleted: %d %s", a.status, a.body)
	}
}

// TestKeyThatReplacesItsMaker does not delete itself by mistake.
func TestKeyThatReplacesItsMaker(t *testing.T) {
	w := newWorld(t)
	old := strings.Split(w.key, ".")[0]
	next, _ := w.newKey(w.key, `{"name":"next"}`)
	after, _ := w.newKey(next, `{"name":"after"}`)
	before := w.head()
	for _, query := range []string{"", "?descendants=delete"} {
		if a := w.as(after, "DELETE", "/api/v2/api-keys/"+old+query, ""); a.status != 409 || !strings.Contains(a.text("error", "message"), "descendants=keep") {
			t.Errorf("%q = %d %s", query, a.status, a.body)
		}
	}
	if w.head() != before {
		t.Error("what was refused wrote to the log")
	}
	if a := w.as(after, "DELETE", "/api/v2/api-keys/"+old+"?descendants=keep", ""); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	w.must(401, "GET", "/api/v2/org", "")
	for _, key := range []string{next, after} {
		if a := w.as(key, "GET", "/api/v2/org", ""); a.status != 200 {
			t.Errorf("a key that is kept = %d %s", a.status, a.body)
		}
	}
	if a := w.as(next, "DELETE", "/api/v2/api-keys/"+strings.Split(next, ".")[0], ""); a.status != 204 { // itself, with what it made
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.as(after, "GET", "/api/v2/org", ""); a.status != 401 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestKeysOfADeletedKey: what a stolen key made is found and deleted by it also where it was deleted without them, as by one of them.
func TestKeysOfADeletedKey(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	globex := w.estate("Globex")
	stolen, a := w.newKey(w.key, `{"name":"stolen","organization":"acme"}`)
	id := a.text("id")
	made, a := w.newKey(stolen, `{"name":"made","organization":"acme"}`)
	madeID := a.text("id")
	path := "/api/v2/api-keys/" + id
	if a := w.as(made, "DELETE", path+"?descendants=keep", ""); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	again, a := w.newKey(made, `{"name":"again","organization":"acme"}`)
	if got := w.keysBelow(w.key, id); !slices.Equal(got, []string{madeID, a.text("id")}) {
		t.Errorf("below the deleted key are %q", got)
	}
	if a := w.as(again, "DELETE", "/api/v2/api-keys/"+madeID+"?descendants=keep", ""); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, c := range []struct {
		key, query string
		want       int
	}{{globex.key, "", 404}, {again, "", 409}, {w.key, "?descendants=keep", 404}, {w.key, "", 204}, {w.key, "", 404}} {
		if a := w.as(c.key, "DELETE", path+c.query, ""); a.status != c.want {
			t.Errorf("%q = %d %s, want %d", c.query, a.status, a.body, c.want)
		}
	}
	for _, bearer := range []string{stolen, made, again} {
		if a := w.as(bearer, "GET", "/api/v2/org", ""); a.status != 401 {
			t.Errorf("after the deletion = %d", a.status)
		}
	}
}

// TestOrganizationHasKeysEnough: one more is refused with what to do, and a key for all may still be made.
func TestOrganizationHasKeysEnough(t *testing.T) {
	w := newWorld(t)
	acme := w.estate("Acme")
	for range domain.MaxAPIKeysOfOrganization - len(w.keysBelow(acme.key, "")) {
		w.keyFor(acme, "read")
	}
	before := w.head()
	for _, key := range []string{w.key, acme.key} {
		if a := w.as(key, "POST", "/api/v2/api-keys", `{"name":"k","organization":"acme"}`); a.status != 422 || a.text("error", "code") != "invalid" || !strings.Contains(a.text("error", "message"), "delete one") {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if w.head() != before {
		t.Error("what was refused wrote to the log")
	}
	w.must(201, "POST", "/api/v2/api-keys", `{"name":"k"}`)
}
