package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/handlers"
)

// TestWrongKeysAreSlowedDown: through both of its doors together, each in its own form, and never who has a key.
func TestWrongKeysAreSlowedDown(t *testing.T) {
	w := newWorld(t)
	w.failures = handlers.Failures
	w.start()
	grant := `{"grant_type":"client_credentials","client_id":"x","client_secret":"y"}`
	for i := range handlers.Failures / 2 {
		w.must(401, "GET", "/api/v2/org", "", "Authorization", "Bearer x.y")
		if a := w.must(401, "POST", "/oauth/token", grant); a.text("error") != "invalid_client" {
			t.Errorf("failure %d: %s", i, a.body)
		}
	}
	for name, a := range map[string]answer{
		"a wrong key":       w.do("GET", "/api/v2/org", "", "Authorization", "Bearer x.y"),
		"no key":            w.do("GET", "/api/v2/org", "", "Authorization", ""),
		"an unsealed token": w.do("GET", "/api/v2/org", "", "Authorization", "Bearer rcat_x"),
	} {
		if a.status != 429 || a.text("error", "code") != "rate_limited" || a.header.Get("Retry-After") != "1" {
			t.Errorf("%s: %d %q %s", name, a.status, a.header.Get("Retry-After"), a.body)
		}
	}
	if a := w.must(429, "POST", "/oauth/token", grant); a.text("error") != "temporarily_unavailable" || a.header.Get("Retry-After") != "1" {
		t.Errorf("%q %s", a.header.Get("Retry-After"), a.body)
	}
	w.must(200, "GET", "/api/v2/org", "")
	id, secret, _ := strings.Cut(w.key, ".")
	w.must(200, "POST", "/oauth/token", `{"grant_type":"client_credentials","client_id":"`+id+`","client_secret":"`+secret+`"}`)
	w.clock.pass(time.Second)
	w.must(401, "GET", "/api/v2/org", "", "Authorization", "Bearer x.y")
	w.must(429, "GET", "/api/v2/org", "", "Authorization", "Bearer x.y")
}

// TestTokenShowsWhenItWasLastUsed: that of the token that is valid now, and none of one that nobody has used.
func TestTokenShowsWhenItWasLastUsed(t *testing.T) {
	w := newWorld(t)
	d := w.tenant("Acme")
	shown := func() any {
		return w.must(200, "GET", "/api/v2/org/acme/directory-sync", "").at("auth_secret_token", "last_used_at")
	}
	if got := shown(); got != nil {
		t.Errorf("a token that was never used was used at %v", got)
	}
	w.lastUsed.Use(d.ID, d.Token.ID, time.Date(2026, 11, 23, 9, 30, 0, 5e6, time.UTC))
	if got := shown(); got != "2026-11-23T09:30:00.005Z" {
		t.Errorf("it was last used at %v", got)
	}
	w.must(200, "PUT", "/api/v2/org/acme/directory-sync/reset", "")
	if got := shown(); got != nil {
		t.Errorf("a new token was used at %v", got)
	}
}

// TestEveryKeyHasItsPace, whatever it asks, also for tokens, which count as the key. Who is told to wait changes nothing, and holds up nobody else.
func TestEveryKeyHasItsPace(t *testing.T) {
	w := newWorld(t)
	acme := w.estate("Acme")
	w.rate = 0.5
	w.start()
	id, secret, _ := strings.Cut(w.key, ".")
	grant := `{"grant_type":"client_credentials","client_id":"` + id + `","client_secret":"` + secret + `"}`
	token := w.must(200, "POST", "/oauth/token", grant, "Authorization", "").text("access_token")
	before := w.head()
	for _, o := range table(t) {
		if o.needs() == "" {
			continue
		}
		path := o.at(t, acme.domain, acme.objects)
		for _, bearer := range []string{w.key, token} {
			if a := w.as(bearer, o.method, path, o.body(t, acme)); a.status != 429 || a.text("error", "code") != "rate_limited" || a.header.Get("Retry-After") != "2" {
				t.Errorf("%s = %d, Retry-After %q: %s", o, a.status, a.header.Get("Retry-After"), a.body)
			}
		}
	}
	if a := w.must(429, "POST", "/oauth/token", grant, "Authorization", ""); a.text("error") != "temporarily_unavailable" || a.header.Get("Retry-After") != "2" {
		t.Errorf("%q %s", a.header.Get("Retry-After"), a.body)
	}
	if w.head() != before {
		t.Error("a key that was told to wait wrote to the log")
	}
	if a := w.as(acme.key, "GET", "/api/v2/org", ""); a.status != 200 {
		t.Errorf("another key = %d %s", a.status, a.body)
	}
	w.must(401, "GET", "/api/v2/org", "", "Authorization", "Bearer "+w.key+"x")
	w.clock.pass(time.Second)
	if a := w.must(429, "GET", "/api/v2/org", ""); a.header.Get("Retry-After") != "1" {
		t.Errorf("a second later Retry-After %q", a.header.Get("Retry-After"))
	}
	w.clock.pass(time.Second)
	w.must(200, "GET", "/api/v2/org", "")
}

// TestKeysOfAnOrganizationHaveOnePace: more keys do not ask more often, by themselves or for tokens. Who is told to wait changes nothing, and neither another
// organization nor a key for all waits with them.
func TestKeysOfAnOrganizationHaveOnePace(t *testing.T) {
	w := newWorld(t)
	acme, globex := w.estate("Acme"), w.estate("Globex")
	w.together = 0.5
	w.start()
	if a := w.as(acme.key, "GET", "/api/v2/org", ""); a.status != 200 {
		t.Fatalf("the first = %d %s", a.status, a.body)
	}
	before := w.head()
	for _, o := range table(t) {
		if o.needs() == "" {
			continue
		}
		for _, bearer := range []string{acme.key, acme.reads} {
			a := w.as(bearer, o.method, o.at(t, acme.domain, acme.objects), o.body(t, acme))
			if a.status != 429 || a.text("error", "code") != "rate_limited" || a.header.Get("Retry-After") != "2" || !strings.Contains(a.text("error", "message"), "organization") {
				t.Errorf("%s = %d, Retry-After %q: %s", o, a.status, a.header.Get("Retry-After"), a.body)
			}
		}
	}
	id, secret, _ := strings.Cut(acme.reads, ".")
	grant := `{"grant_type":"client_credentials","client_id":"` + id + `","client_secret":"` + secret + `"}`
	if a := w.must(429, "POST", "/oauth/token", grant, "Authorization", ""); a.text("error") != "temporarily_unavailable" || a.header.Get("Retry-After") != "2" {
		t.Errorf("%q %s", a.header.Get("Retry-After"), a.body)
	}
	if w.head() != before {
		t.Error("a key that was told to wait wrote to the log")
	}
	for range 3 {
		w.must(200, "GET", "/api/v2/org", "")
	}
	if a := w.as(globex.key, "GET", "/api/v2/org", ""); a.status != 200 {
		t.Errorf("another organization = %d %s", a.status, a.body)
	}
	w.clock.pass(2 * time.Second)
	if a := w.as(acme.reads, "GET", "/api/v2/org", ""); a.status != 200 {
		t.Errorf("two seconds later = %d %s", a.status, a.body)
	}
}

// TestHastyKeyDoesNotHoldUpItsOrganization: what its own pace refuses does not count for the others.
func TestHastyKeyDoesNotHoldUpItsOrganization(t *testing.T) {
	w := newWorld(t)
	acme := w.estate("Acme")
	w.rate, w.together = 0.5, 1
	w.start()
	want := 200
	for range 10 {
		if a := w.as(acme.key, "GET", "/api/v2/org", ""); a.status != want {
			t.Fatalf("the hasty one = %d, want %d: %s", a.status, want, a.body)
		}
		want = 429
	}
	if a := w.as(acme.reads, "GET", "/api/v2/org", ""); a.status != 200 {
		t.Errorf("another one = %d %s", a.status, a.body)
	}
}

// TestEveryPathTellsWhatItTakes, to anybody, and lets no page of another origin ask.
func TestEveryPathTellsWhatItTakes(t *testing.T) {
	w := newWorld(t)
	takes := map[string][]string{}
	for _, o := range table(t) {
		takes[o.path] = append(takes[o.path], o.method)
	}
	for path, methods := range takes {
		slices.Sort(methods)
		a := w.do("OPTIONS", path, "", "Authorization", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization")
		if a.status != 204 || a.body != "" || a.header.Get("Allow") != strings.Join(methods, ", ") {
			t.Errorf("%s = %d, Allow %q: %s", path, a.status, a.header.Get("Allow"), a.body)
		}
	}
}
