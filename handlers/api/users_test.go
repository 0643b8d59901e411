package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

const acmeUsers = "/api/v2/org/acme/users"

// TestProfileIsDescribed: the document has the very names that a profile may have.
func TestProfileIsDescribed(t *testing.T) {
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(c.document.Components.Schemas["Profile"].Value.Properties)); !slices.Equal(got, domain.ProfileNames()) {
		t.Errorf("the document has %q, a profile %q", got, domain.ProfileNames())
	}
}

// TestUsersOfBothDirectories: one list of the users of both, whole and filtered, whatever the pages: each once, those of directory sync first.
func TestUsersOfBothDirectories(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	var want []string
	for i := range 5 {
		want = append(want, w.user(acme, domain.Attributes{"userName": fmt.Sprintf("synced%d", i), "title": "odd"[:i%2]}))
	}
	for i := range 4 {
		want = append(want, w.must(201, "POST", acmeUsers, fmt.Sprintf(`{"userName":"made%d","title":"%s"}`, i, "odd"[:i%2])).text("id"))
	}
	odd := []string{want[1], want[3], want[6], want[8]}
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"", want}, {"&source=scim", want[:5]}, {"&source=api", want[5:]}, {"&filter=title pr", odd}, {"&filter=title pr&source=api", odd[2:]},
		{`&filter=userName eq "MADE2"`, want[7:8]}, {`&filter=userName eq "nobody"`, nil},
	} {
		for per := 1; per <= 10; per++ {
			var got []string
			for page := 1; page <= 11; page++ {
				a := w.must(200, "GET", escape(fmt.Sprintf("%s?per_page=%d&page=%d%s", acmeUsers, per, page, c.query)), "")
				data := a.at("data").([]any)
				for i := range data {
					got = append(got, a.text("data", i, "id"))
				}
				if len(data) > per || a.at("total") != float64(len(c.want)) {
					t.Errorf("%s, page %d of %d: %d users of %v", c.query, page, per, len(data), a.at("total"))
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s by %d: %q, want %q", c.query, per, got, c.want)
			}
		}
	}
}

// TestUsersOfAnotherOrganization: made or synced, they are not there.
func TestUsersOfAnotherOrganization(t *testing.T) {
	w := newWorld(t)
	acme, globex := w.tenant("Acme"), w.tenant("Globex")
	w.user(acme, domain.Attributes{"userName": "ada"})
	w.must(201, "POST", acmeUsers, `{"email":"grace@acme.test"}`)
	hank := w.user(globex, domain.Attributes{"userName": "hank"})
	scorpio := w.must(201, "POST", "/api/v2/org/globex/users", `{"email":"grace@acme.test"}`).text("id") // an address of its own
	before := w.head()
	for _, id := range []string{hank, scorpio, "none", acme.ID} {
		for _, route := range [][3]string{{"GET", "", ""}, {"PUT", "", `{"nickname":"mine"}`}, {"DELETE", "", ""}, {"GET", "/history", ""}} {
			w.must(404, route[0], acmeUsers+"/"+id+route[1], route[2])
		}
	}
	if a := w.must(200, "GET", escape(acmeUsers+`?filter=id eq "`+scorpio+`" or emails pr`), ""); a.at("total") != 1.0 {
		t.Errorf("a filter reaches over: %s", a.body)
	}
	if w.head() != before {
		t.Error("a user of another organization was changed")
	}
	w.must(204, "DELETE", "/api/v2/org/globex", "")
	w.must(404, "GET", "/api/v2/org/globex/users/"+scorpio, "")
	w.must(200, "GET", acmeUsers, "")
}

// TestUserRefusals: what cannot be meant so names its fields, and nothing is written to the log.
func TestUserRefusals(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	ada := w.user(acme, domain.Attributes{"userName": "ada"})
	grace := w.must(201, "POST", acmeUsers, `{"email":"grace@acme.test","userName":"grace"}`).text("id")
	w.must(201, "POST", acmeUsers, `{"email":"kay@acme.test"}`)
	for _, c := range []struct {
		method, path, body string
		status             int
		field              string
	}{
		{"POST", "", ``, 422, "userName"},
		{"POST", "", `{}`, 422, "userName"},
		{"POST", "", `{"email":null,"userName":null}`, 422, "userName"},
		{"POST", "", `{"email":""}`, 422, "userName"},
		{"POST", "", `{"email":"ada"}`, 422, "email"},
		{"POST", "", `{"email":["a@x.test"]}`, 422, "email"},
		{"POST", "", `{"email":"a@x.test","surprise":null}`, 422, "surprise"},
		{"POST", "", `{"email":"a@x.test","password":"hunter2"}`, 422, "password"},
		{"POST", "", `{"email":"a@x.test","groups":[{"value":"x"}]}`, 422, "groups"},
		{"POST", "", `{"email":"a@x.test","picture":"javascript:alert(1)"}`, 422, "picture"},
		{"POST", "", `{"email":"a@x.test","emails":[{}]}`, 422, "emails"},
		{"POST", "", `{"email":"a@x.test","active":"yes"}`, 422, "active"},
		{"POST", "", `{"email":"a@x.test","name":{"given":"A"}}`, 422, "name"},
		{"POST", "", `{"userName":"` + strings.Repeat("a", 1025) + `"}`, 422, "userName"},
		{"POST", "", `{"userName":"a\u202eb"}`, 422, "userName"},
		{"POST", "", `{"userName":"x","roles":[` + strings.Repeat(`{"value":"r"},{"value":"q"},`, 10) + `{}]}`, 422, "roles"},
		{"POST", "", `{"email":"GRACE@acme.test","userName":"other"}`, 409, "email"},
		{"POST", "", `{"userName":"Grace"}`, 409, "userName"},
		{"POST", "", `{`, 400, ""},
		{"POST", "", `[]`, 400, ""},
		{"POST", "", `{"name":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, 400, ""},
		{"POST", "", `{"nickname":"` + strings.Repeat("a", 1<<20) + `"}`, 413, ""},
		{"POST", "?source=api", `{"email":"a@x.test"}`, 422, "source"},
		{"GET", "?source=ldap", ``, 422, "source"},
		{"GET", "?source=", ``, 422, "source"},
		{"PUT", "/" + grace, `{"userName":""}`, 422, "userName"},
		{"PUT", "/" + grace, `{"userName":"kay@acme.test"}`, 409, "userName"},
		{"PUT", "/" + grace, `{"email":"Kay@acme.test"}`, 409, "email"},
		{"PUT", "/" + grace, `{"emails":[{"value":"x@x.test"},{"value":"kay@acme.test","primary":true}]}`, 409, "email"},
		{"PUT", "/" + grace, `{"id":"x"}`, 422, "id"},
		{"PUT", "/" + grace, `[]`, 400, ""},
		{"PUT", "/" + ada, `{"nickname":"Countess"}`, 409, ""},
		{"PUT", "/" + ada, `{"surprise":1}`, 422, "surprise"},
		{"DELETE", "/" + ada, ``, 409, ""},
		{"DELETE", "/none", ``, 404, ""},
		{"PUT", "/none", `{}`, 404, ""},
		{"PATCH", "/" + grace, `{}`, 405, ""},
	} {
		before := w.head()
		a := w.do(c.method, acmeUsers+c.path, c.body)
		fields, _ := a.at("error", "fields").(map[string]any)
		if a.status != c.status || c.field == "" && len(fields) > 0 || c.field != "" && fields[c.field] == nil {
			t.Errorf("%s %s %.100s = %d, want %d and %q named: %s", c.method, c.path, c.body, a.status, c.status, c.field, a.body)
		}
		if w.head() != before {
			t.Errorf("%s %s %.80s wrote to the log", c.method, c.path, c.body)
		}
	}
	w.must(201, "POST", "/api/v2/org", `{"name":"Bare"}`)
	before := w.head()
	w.must(422, "POST", "/api/v2/org/bare/users", `{"nickname":"A"}`)
	if w.head() != before {
		t.Error("a refusal began a directory")
	}
}

// TestUsersOfAnApplicationAreTold: the feed tells of them as of others, by the provider api, and of the directory that they are in.
func TestUsersOfAnApplicationAreTold(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	grace := w.must(201, "POST", acmeUsers, `{"email":"grace@acme.test"}`).text("id")
	w.must(200, "PUT", acmeUsers+"/"+grace, `{"given_name":"Grace"}`)
	w.must(204, "DELETE", acmeUsers+"/"+grace, "")
	w.must(204, "DELETE", "/api/v2/org/acme", "")
	a := w.must(200, "GET", "/api/v2/events?types=directory.*", "")
	want := []string{domain.TypeDirectoryActivated, domain.TypeUserCreated, domain.TypeUserUpdated, domain.TypeUserDeleted, domain.TypeDirectoryDeleted}
	for i, kind := range want {
		if a.text("data", i, "type") != kind || a.text("data", i, "data", "provider") != "api" || a.text("data", i, "data", "organization") != "acme" || a.text("data", i, "data", "cause", "source") != "api" {
			t.Errorf("message %d is no %s of the provider api: %s", i, kind, a.body)
		}
	}
	if n := len(a.at("data").([]any)); n != len(want) {
		t.Errorf("%d messages: %s", n, a.body)
	}
}

// TestDirectorySyncBesideUsersOfAnApplication: each begins and ends without the other.
func TestDirectorySyncBesideUsersOfAnApplication(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	const sync = "/api/v2/org/acme/directory-sync"
	grace := w.must(201, "POST", acmeUsers, `{"email":"grace@acme.test"}`).text("id")
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		w.must(404, method, sync, map[string]string{"PUT": `{"provider":"okta"}`}[method])
	}
	w.must(422, "POST", sync+"?provider=api", "")
	w.must(201, "POST", sync+"?provider=okta", "")
	w.must(204, "DELETE", sync, "")
	if a := w.must(200, "GET", acmeUsers, ""); a.at("total") != 1.0 || a.text("data", 0, "id") != grace {
		t.Errorf("%s", a.body)
	}
	w.must(201, "POST", acmeUsers, `{"email":"kay@acme.test"}`)
}
