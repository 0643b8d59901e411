package scim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// TestMediaTypesOfAnswers: a client that takes JSON and not SCIM's media type gets what it takes.
//
// Proves RFC 7644 §3.1, §3.8.
func TestMediaTypesOfAnswers(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.OneLogin)
	for accept, want := range map[string]string{
		"":                                       "application/scim+json",
		"*/*":                                    "application/scim+json",
		"application/*":                          "application/scim+json",
		"application/scim+json":                  "application/scim+json",
		"application/json":                       "application/json",
		"text/plain, Application/JSON; q=0.9":    "application/json",
		"application/json,application/scim+json": "application/scim+json",
		"application/jsonp":                      "application/scim+json",
	} {
		for _, path := range []string{"/Users", "/Users/nobody", "/ServiceProviderConfig", "/Schemas", "/nothing", "/Me"} {
			if got := n.do("GET", path, "", "Accept", accept).header.Get("Content-Type"); got != want+"; charset=utf-8" {
				t.Errorf("GET %s with Accept: %s answers %s", path, accept, got)
			}
		}
		for _, body := range []string{okUser, `{"Operations":[{"method":"DELETE","path":"/Users/nobody"}]}`} {
			path := "/Users"
			if body != okUser {
				path = "/Bulk"
			}
			if got := n.do("POST", path, body, "Accept", accept).header.Get("Content-Type"); got != want+"; charset=utf-8" {
				t.Errorf("POST %s with Accept: %s answers %s", path, accept, got)
			}
		}
	}
}

// TestPathsAsAdministratorsEnterThem: a base URL with a slash at its end makes a path with two, and some clients put one at the end of all.
//
// Proves RFC 7644 §3.2.
func TestPathsAsAdministratorsEnterThem(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	http.DefaultClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // no redirect is right
	t.Cleanup(func() { http.DefaultClient.CheckRedirect = nil })
	user := "/Users/" + idOf(t, n.must(201, "POST", "//Users", okUser))
	for path, status := range map[string]int{
		"//Users": 200, "/Users/": 200, "///Users//": 200, "/" + user: 200, user + "/": 200, "/Groups/": 200, "//ServiceProviderConfig": 200, "/Schemas/": 200, "/ResourceTypes/": 200,
		"/Users/?count=0": 200, "//Users?filter=userName+eq+%22ada%22": 200, "/./Users": 200, "/Groups/.." + user: 200,
		"//nothing": 404, "/": 404, "//": 404, "/Users/%2F": 404, user + "//x": 404, "/Users/%2e%2e": 404, "/Users/..": 404,
		"/Schemas/urn:ietf:params:scim:schemas:core:2.0:User": 200, "/Schemas/URN:IETF:params:scim:schemas:CORE:2.0:user": 200, "/ResourceTypes/user": 200, "/Schemas/urn:x": 404,
	} {
		a := n.do("GET", path, "")
		if a.status != status || !strings.HasPrefix(a.header.Get("Content-Type"), "application/scim+json") || status == 404 && !strings.Contains(a.body, `"status":"404"`) {
			t.Errorf("GET %s: %d %s", path, a.status, a.body)
		}
	}
	if a := n.must(200, "GET", "/Schemas/URN:IETF:params:scim:schemas:CORE:2.0:user", ""); !strings.Contains(a.body, `/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"`) {
		t.Errorf("it says that it is elsewhere: %s", a.body)
	}
	n.must(200, "PATCH", "/"+user+"/", patchOf(`[{"op":"add","path":"title","value":"x"}]`))
	n.must(200, "POST", "//Users/.search/", `{}`)
	n.must(405, "PUT", "/Users/", okUser)
	n.must(204, "DELETE", user+"/", "")
}
