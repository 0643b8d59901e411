package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// FuzzRequests sends what a stranger may: the server answers in its own form, never with an error of its own.
func FuzzRequests(f *testing.F) {
	w := newWorld(f)
	acme := w.tenant("Acme")
	ada := w.user(acme, domain.Attributes{"userName": "ada"})
	eng := w.group(acme, "Engineering", ada)
	f.Add(`{"name":"h","target_url":"https://[::1]/","event_codes":["all"],"organization":"acme"}`, `filter=userName eq "ada"&page=1`, "a.b", ada)
	f.Add(`{"name":[{"a":null}]} x`, `per_page=1e3&after=%zz;`, "rcat_v1.AAAA", eng)
	hook := "/api/v2/webhooks/" + w.must(201, "POST", "/api/v2/webhooks", `{"name":"h","target_url":"https://a.example"}`).text("id")
	f.Add(`{"from":"0","to":"head","rate_limit":5,"headers":{"X":"y"}}`, `state=pending&subject=user-x&webhook_id=1`, "", "msg_0.1")
	front := "/api/v2/applications/" + w.must(201, "POST", "/api/v2/applications", `{"name":"Front"}`).text("id")
	sso := w.connection("acme")
	f.Add(`{"metadata":"<EntityDescriptor/>","seats_limit":null,"preload_associations":["onboarding"],"sso_admin_email":"it@acme.test","email":"ada@acme.test"}`, "preload_associations[]=onboarding", "", "acme_")
	grace := "/api/v2/org/acme/users/" + w.must(201, "POST", "/api/v2/org/acme/users", `{"email":"grace@acme.test"}`).text("id")
	f.Add(`{"email":"kay@acme.test","emails":[{"value":"kay@home.test"}],"name":{"givenName":"Kay"},"picture":""}`, "source=api&atomic=true", "", ada)
	f.Add("[{\"userName\":\"a\"}]\n{\"userName\":\"b\"}\n", "atomic=false", "", ada)
	f.Add("\x00\xff", "\xff", "\xff.\xff", "../\x00")
	f.Fuzz(func(t *testing.T, body, query, bearer, id string) {
		w.t = t
		if id = strings.ReplaceAll(id, "/", ""); id == "" || id == "." || id == ".." {
			t.Skip("the mux sends such paths elsewhere")
		}
		for _, route := range [][2]string{
			{"POST", "/api/v2/org"}, {"POST", "/api/v2/webhooks"}, {"POST", "/api/v2/api-keys"}, {"POST", "/oauth/token"},
			{"GET", "/api/v2/org/acme/users"}, {"GET", "/api/v2/org/acme/groups/" + eng + "/members"}, {"GET", "/api/v2/org/acme/users/?/history"}, {"GET", "/api/v2/org/?"},
			{"POST", "/api/v2/org/acme/users"}, {"POST", "/api/v2/org/acme/users/import"}, {"PUT", grace}, {"PUT", "/api/v2/org/acme/users/?"}, {"DELETE", "/api/v2/org/acme/users/?"},
			{"PUT", hook}, {"POST", hook + "/replay"}, {"POST", hook + "/simulate"}, {"POST", hook + "/recover"}, {"POST", hook + "/test"}, {"POST", hook + "/rotate"},
			{"GET", "/api/v2/webhook-events"}, {"GET", "/api/v2/webhook-events/?"}, {"POST", "/api/v2/webhook-events/?/resend"}, {"GET", "/api/v2/replays/?"},
			{"POST", "/api/v2/applications"}, {"PUT", front}, {"POST", "/api/v2/sso-connections"}, {"GET", "/api/v2/sso-connections"}, {"GET", "/api/v2/sso-connections/?"}, {"PUT", sso}, {"POST", sso + "/default-redirection"},
			{"PUT", sso + "/sso-user-policy"}, {"POST", sso + "/admin-onboarding"}, {"PUT", sso + "/admin-onboarding"}, {"POST", sso + "/evaluate"},
		} {
			r := httptest.NewRequest(route[0], "/", strings.NewReader(body))
			r.URL.Path, r.URL.RawQuery = strings.Replace(route[1], "?", id, 1), query
			r.Header.Set("Authorization", "Bearer "+w.key)
			for range 2 {
				a := httptest.NewRecorder()
				w.handler.ServeHTTP(a, r)
				if a.Code >= 500 || a.Code >= 400 && a.Code != 404 && !strings.Contains(a.Body.String(), `"error":`) {
					t.Fatalf("%s %s?%s %q = %d %s", r.Method, r.URL.Path, query, body, a.Code, a.Body)
				}
				r.Header.Set("Authorization", "Bearer "+bearer)
			}
		}
	})
}
