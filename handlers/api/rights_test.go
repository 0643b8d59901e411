package api_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
)

// newKey makes a key by a key, and answers its bearer token.
func (w *world) newKey(by, body string) (token string, a answer) {
	w.t.Helper()
	if a = w.as(by, "POST", "/api/v2/api-keys", body); a.status != 201 {
		return "", a
	}
	return a.text("client_id") + "." + a.text("client_secret"), a
}

// TestKeysGiveAwayNoMoreThanTheyHave.
func TestKeysGiveAwayNoMoreThanTheyHave(t *testing.T) {
	w := newWorld(t)
	acme, globex := w.estate("Acme"), w.estate("Globex")
	writes := w.keyFor(estate{}, "write")
	for _, c := range []struct {
		by, body string
		status   int
		field    string
	}{
		{w.key, `{"name":"k"}`, 201, ""},
		{w.key, `{"name":"k","permissions":["write","read","write"],"organization":null}`, 201, ""},
		{w.key, `{"name":"k","permissions":["read"],"organization":"acme"}`, 201, ""},
		{w.key, `{"name":"k","organization":"` + globex.id + `"}`, 201, ""},
		{w.key, `{"name":"k","permissions":[]}`, 422, "permissions"},
		{w.key, `{"name":"k","permissions":["admin"]}`, 422, "permissions"},
		{w.key, `{"name":"k","permissions":"read"}`, 422, "permissions"},
		{w.key, `{"name":"k","organization":"none"}`, 422, "organization"},
		{writes, `{"name":"k"}`, 403, ""},
		{writes, `{"name":"k","permissions":["write"]}`, 201, ""},
		{acme.key, `{"name":"k"}`, 403, ""},
		{acme.key, `{"name":"k","organization":"globex"}`, 422, "organization"},
		{acme.key, `{"name":"k","organization":"` + globex.id + `"}`, 422, "organization"},
		{acme.key, `{"name":"k","organization":"acme"}`, 201, ""},
		{acme.key, `{"name":"k","organization":"acme","permissions":["read"]}`, 201, ""},
	} {
		before := w.head()
		_, a := w.newKey(c.by, c.body)
		if a.status != c.status || c.field != "" && a.text("error", "fields", c.field) == "" {
			t.Errorf("%s = %d %s, want %d", c.body, a.status, a.body, c.status)
		}
		if c.status != 201 && w.head() != before {
			t.Errorf("%s wrote to the log", c.body)
		}
	}
	w.must(403, "POST", "/api/v2/org", `{"name":"Initech"}`, "Authorization", "Bearer "+acme.key)
	for body, status := range map[string]int{
		`{"name":"h","target_url":"https://a.example"}`:                                  403,
		`{"name":"h","target_url":"https://a.example","organization":null}`:              403,
		`{"name":"h","target_url":"https://a.example","organization":"globex"}`:          422,
		`{"name":"h","target_url":"https://a.example","organization":"acme"}`:            201,
		`{"name":"h","target_url":"https://a.example","organization":"` + acme.id + `"}`: 201,
	} {
		if a := w.as(acme.key, "POST", "/api/v2/webhooks", body); a.status != status {
			t.Errorf("%s = %d %s, want %d", body, a.status, a.body, status)
		}
	}
}

// TestTokensHaveTheRightsOfTheirKey, and lose them with it.
func TestTokensHaveTheRightsOfTheirKey(t *testing.T) {
	w := newWorld(t)
	w.estate("Acme")
	w.estate("Globex")
	key, made := w.newKey(w.key, `{"name":"k","permissions":["read"],"organization":"acme"}`)
	id, secret, _ := strings.Cut(key, ".")
	token := w.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()).text("access_token")
	for _, bearer := range []string{key, token} {
		if a := w.as(bearer, "GET", "/api/v2/org/acme", ""); a.status != 200 {
			t.Errorf("its own organization = %d", a.status)
		}
		if a := w.as(bearer, "GET", "/api/v2/org/globex", ""); a.status != 404 {
			t.Errorf("another organization = %d", a.status)
		}
		if a := w.as(bearer, "PUT", "/api/v2/org/acme", `{"name":"B"}`); a.status != 403 {
			t.Errorf("a change = %d", a.status)
		}
	}
	w.must(204, "DELETE", "/api/v2/api-keys/"+made.text("id"), "")
	for _, bearer := range []string{key, token} {
		if a := w.as(bearer, "GET", "/api/v2/org/acme", ""); a.status != 401 {
			t.Errorf("after the key's deletion = %d", a.status)
		}
	}
}

// TestKeyShowsWhenItWasLastUsed: by itself and by its tokens.
func TestKeyShowsWhenItWasLastUsed(t *testing.T) {
	w := newWorld(t)
	key, made := w.newKey(w.key, `{"name":"k"}`)
	shown := func() any { return w.must(200, "GET", "/api/v2/api-keys", "").at("data", 1, "last_used_at") }
	if made.at("last_used_at") != nil || shown() != nil {
		t.Errorf("a key that was never used was used at %v", shown())
	}
	w.clock.pass(time.Minute)
	w.as(key, "GET", "/api/v2/org", "")
	if got := shown(); got != "2026-11-23T10:01:00.000Z" {
		t.Errorf("it was last used at %v", got)
	}
	id, secret, _ := strings.Cut(key, ".")
	token := w.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()).text("access_token")
	w.clock.pass(time.Minute)
	w.as(token, "GET", "/api/v2/org", "")
	if got := shown(); got != "2026-11-23T10:02:00.000Z" {
		t.Errorf("it was last used at %v", got)
	}
	w.as(id+".wrong", "GET", "/api/v2/org", "")
	w.clock.pass(time.Minute)
	if got := shown(); got != "2026-11-23T10:02:00.000Z" {
		t.Errorf("a wrong secret counts as use: %v", got)
	}
}

// TestNextOrganizationOfADomain: a domain that is free is another organization's next, and what was the first one's is not that one's, whatever keeps
// the domain only.
func TestNextOrganizationOfADomain(t *testing.T) {
	w := newWorld(t)
	first := w.estate("Acme")
	w.must(204, "DELETE", "/api/v2/org/acme", "")
	if a := w.as(first.key, "GET", "/api/v2/org", ""); a.status != 401 {
		t.Errorf("a key of an organization that is deleted = %d %s", a.status, a.body)
	}
	if a := w.must(200, "GET", "/api/v2/api-keys", ""); a.at("total") != 1.0 {
		t.Errorf("its keys are listed: %s", a.body)
	}
	w.clock.pass(time.Minute)
	next := w.estate("Acme")
	for _, o := range table(t) {
		if o.names() && !o.inOrganization() && !o.ofAll() {
			if a := w.as(next.key, o.method, o.at(t, "acme", first.objects), o.body(t, next)); a.status != 404 {
				t.Errorf("%s of the first organization = %d %s", o, a.status, a.body)
			}
		}
	}
	for _, list := range []string{"webhooks", "webhook-events", "replays", "events", "api-keys", "org", "sso-connections", "mails"} {
		a := w.as(next.key, "GET", "/api/v2/"+list, "")
		for _, id := range append([]string{first.id}, first.objects["webhooks"], first.objects["users"], first.objects["api-keys"], first.objects["mails"]) {
			if a.status != 200 || strings.Contains(a.body, id) {
				t.Errorf("%s = %d %s", list, a.status, a.body)
			}
		}
	}
	if a := w.as(next.key, "GET", "/api/v2/events?after=2026-11-23T09:00:00Z", ""); a.text("data", 0, "type") != "organization.created" || strings.Contains(a.body, first.objects["users"]) {
		t.Errorf("the feed from a time before: %s", a.body)
	}
	simulated := w.must(200, "POST", "/api/v2/webhooks/"+next.objects["webhooks"]+"/simulate", `{"from":"0"}`)
	if simulated.text("data", 0, "type") != "organization.created" || strings.Contains(simulated.body, first.objects["users"]) {
		t.Errorf("a webhook would be sent what was the first one's: %s", simulated.body)
	}
	if a := w.must(200, "POST", "/api/v2/webhooks/"+next.objects["webhooks"]+"/simulate", `{"from":"0","to":"3"}`); a.at("total") != 0.0 || a.text("from") != a.text("to") {
		t.Errorf("a range before the organization: %s", a.body)
	}
}

// TestWebhookStaysItsOrganizations: who may see its deliveries is decided when it is made.
func TestWebhookStaysItsOrganizations(t *testing.T) {
	w := newWorld(t)
	acme, _ := w.estate("Acme"), w.estate("Globex")
	own := "/api/v2/webhooks/" + acme.objects["webhooks"]
	global := "/api/v2/webhooks/" + w.must(201, "POST", "/api/v2/webhooks", `{"name":"g","target_url":"https://a.example"}`).text("id")
	for _, c := range []struct {
		path, organization string
		status             int
	}{
		{own, `"acme"`, 200}, {own, `"` + acme.id + `"`, 200}, {own, `null`, 200}, {own, `"globex"`, 422}, {own, `"none"`, 422},
		{global, `null`, 200}, {global, `"acme"`, 422},
	} {
		a := w.do("PUT", c.path, `{"organization":`+c.organization+`}`)
		if a.status != c.status || c.status == 422 && a.text("error", "fields", "organization") == "" {
			t.Errorf("%s becomes %s = %d %s", c.path, c.organization, a.status, a.body)
		}
	}
}

// TestKeyOfADeletedOrganization: one that is made while its organization is deleted lets nobody in.
func TestKeyOfADeletedOrganization(t *testing.T) {
	w := newWorld(t)
	acme := w.estate("Acme")
	w.must(204, "DELETE", "/api/v2/org/acme", "")
	if a := w.as(w.keyFor(acme, "read"), "GET", "/api/v2/org", ""); a.status != 401 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestPresetKeyMayDoEverything, as one of a log from before there were permissions.
func TestPresetKeyMayDoEverything(t *testing.T) {
	w := newWorld(t)
	secret := strings.Repeat("s", 32)
	if err := w.commands.PresetAPIKey(t.Context(), command.Caller{Actor: "system", Source: domain.SourceSystem}, "preset", "admin", secret); err != nil {
		t.Fatal(err)
	}
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`, "Authorization", "Bearer admin."+secret)
	if a := w.must(200, "GET", "/api/v2/api-keys", "", "Authorization", "Bearer admin."+secret); a.text("data", 1, "id") != "admin" || a.at("data", 1, "organization") != nil || len(a.at("data", 1, "permissions").([]any)) != 2 {
		t.Errorf("%s", a.body)
	}
}
