package api_test

import (
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// TestTenancy asks each of two organizations for everything of the other.
func TestTenancy(t *testing.T) {
	w := newWorld(t)
	acme, globex := w.tenant("Acme"), w.tenant("Globex")
	ada := w.user(acme, domain.Attributes{"userName": "ada"})
	eng := w.group(acme, "Engineering", ada)
	hank := w.user(globex, domain.Attributes{"userName": "hank"})
	ops := w.group(globex, "Operations", hank)
	gone := w.user(globex, domain.Attributes{"userName": "gone"})
	if err := w.commands.DeleteUser(t.Context(), okta("gone"), globex, gone); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ mine, user, group, others string }{
		{"acme", ada, eng, hank + " " + ops + " " + gone},
		{"globex", hank, ops, ada + " " + eng},
	} {
		base := "/api/v2/org/" + c.mine
		for _, id := range strings.Fields(c.others) {
			for _, path := range []string{"/users/" + id, "/users/" + id + "/history", "/groups/" + id, "/groups/" + id + "/history", "/groups/" + id + "/members"} {
				w.must(404, "GET", base+path, "")
			}
		}
		users, groups := w.must(200, "GET", base+"/users", ""), w.must(200, "GET", base+"/groups", "")
		if users.at("total") != 1.0 || users.text("data", 0, "id") != c.user || groups.at("total") != 1.0 || groups.text("data", 0, "id") != c.group {
			t.Errorf("%s lists %s %s", c.mine, users.body, groups.body)
		}
		members := w.must(200, "GET", base+"/groups/"+c.group+"/members", "")
		if members.at("total") != 1.0 || members.text("data", 0, "id") != c.user {
			t.Errorf("%s has the members %s", c.mine, members.body)
		}
	}
	if a := w.must(200, "GET", "/api/v2/org/acme/users?filter=id%20eq%20%22"+hank+"%22%20or%20userName%20pr", ""); a.at("total") != 1.0 {
		t.Errorf("a filter reaches over: %s", a.body)
	}
}

// TestForeignMember: a group may hold any id, also that of another directory's user, and tells nothing of it.
func TestForeignMember(t *testing.T) {
	w := newWorld(t)
	acme, globex := w.tenant("Acme"), w.tenant("Globex")
	hank := w.user(globex, domain.Attributes{"userName": "hank@globex.test"})
	eng := w.group(acme, "Engineering", hank)
	history := w.must(200, "GET", "/api/v2/org/acme/groups/"+eng+"/history", "")
	if history.text("data", 0, "members", "added", 0, "id") != hank || strings.Contains(history.body, "globex.test") {
		t.Errorf("%s", history.body)
	}
	if a := w.must(200, "GET", "/api/v2/org/acme/groups/"+eng+"/members", ""); a.text("data", 0, "id") != hank || a.at("data", 0, "type") != nil || a.at("data", 0, "display") != nil {
		t.Errorf("%s", a.body)
	}
}

// TestDeleted: what is deleted is gone, with all below it, and its name is free; a history outlives its subject but not its directory.
func TestDeleted(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	ada := w.user(acme, domain.Attributes{"userName": "ada"})
	eng := w.group(acme, "Engineering", ada)
	for _, c := range []struct {
		gone string
		list int // of what is left
	}{{"/api/v2/org/acme/directory-sync", 200}, {"/api/v2/org/acme", 404}} {
		gone := c.gone
		w.must(204, "DELETE", gone, "")
		for _, path := range []string{"/users", "/groups"} {
			if a := w.must(c.list, "GET", "/api/v2/org/acme"+path, ""); c.list == 200 && a.at("total") != 0.0 {
				t.Errorf("without %s there are %s", gone, a.body)
			}
		}
		for _, path := range []string{"/users/" + ada, "/users/" + ada + "/history", "/groups/" + eng, "/groups/" + eng + "/members", "/groups/" + eng + "/history", "/directory-sync"} {
			w.must(404, "GET", "/api/v2/org/acme"+path, "")
		}
		w.must(404, "DELETE", gone, "")
	}
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	w.must(201, "POST", "/api/v2/org/acme/directory-sync?provider=okta", "")
	w.must(404, "GET", "/api/v2/org/acme/users/"+ada, "")
	w.must(404, "GET", "/api/v2/org/acme/users/"+ada+"/history", "")
	if a := w.must(200, "GET", "/api/v2/org/acme/users", ""); a.at("total") != 0.0 {
		t.Errorf("%s", a.body)
	}
}

// TestDisabledWebhook: a test of a webhook to which nothing is delivered is a conflict.
func TestDisabledWebhook(t *testing.T) {
	w := newWorld(t)
	h := w.must(201, "POST", "/api/v2/webhooks", `{"name":"h","target_url":"https://a.example"}`)
	if _, err := w.commands.DisableEndpoint(t.Context(), system, h.text("id"), "410 Gone"); err != nil {
		t.Fatal(err)
	}
	w.must(409, "POST", "/api/v2/webhooks/"+h.text("id")+"/test", "")
	if a := w.must(200, "GET", "/api/v2/webhooks/"+h.text("id"), ""); a.at("active") != false || a.text("disabled_reason") != "410 Gone" {
		t.Errorf("%s", a.body)
	}
}
