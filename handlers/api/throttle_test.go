package api_test

import (
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
