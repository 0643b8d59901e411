package scim_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/scim"
)

// TestWrongTokensAreSlowedDown: whatever they are wrong with, and never who has a valid one.
//
// Proves tokens.
func TestWrongTokensAreSlowedDown(t *testing.T) {
	now := time.Unix(0, 0)
	w := newWorld(t, func(c *scim.Config) {
		c.Throttle = handlers.NewThrottle(handlers.Failures, func() time.Time { return now })
	})
	acme, other := w.tenant("Acme", domain.Okta), w.tenant("Globex", domain.Okta)
	nowhere := *acme
	nowhere.directory.ID = "019a0000-0000-7000-8000-000000000000"
	for range handlers.Failures {
		acme.must(401, "GET", "/Users", "", "Authorization", "Bearer "+other.token)
	}
	for name, a := range map[string]answer{
		"a wrong token":        acme.do("GET", "/Users", "", "Authorization", "Bearer "+other.token),
		"none":                 acme.do("GET", "/Users", "", "Authorization", ""),
		"an unknown directory": nowhere.do("GET", "/Users", ""),
	} {
		var e struct {
			Schemas        []string
			Status, Detail string
		}
		if err := json.Unmarshal([]byte(a.body), &e); err != nil || len(e.Schemas) != 1 || e.Status != "429" || e.Detail == "" {
			t.Errorf("%s: not in SCIM's form: %s", name, a.body)
		}
		if a.status != 429 || a.header.Get("Retry-After") != "1" {
			t.Errorf("%s: %d, Retry-After %q", name, a.status, a.header.Get("Retry-After"))
		}
	}
	acme.must(200, "GET", "/Users", "")
	other.must(200, "GET", "/Users", "")
}

// TestUseOfTheTokenIsNoted: of the current one, also if the directory is closed; not of its predecessor, and not of a wrong one.
//
// Proves tokens.
func TestUseOfTheTokenIsNoted(t *testing.T) {
	used := handlers.OpenLastUsed("", nil)
	w := newWorld(t, func(c *scim.Config) { c.LastUsed = used })
	n := w.tenant("Acme", domain.Okta)
	n.must(401, "GET", "/Users", "", "Authorization", "Bearer "+n.token+"x")
	if at := used.At(n.directory.ID, n.directory.Token.ID); !at.IsZero() {
		t.Errorf("a wrong token counts as a use, at %s", at)
	}
	before := time.Now().Truncate(time.Millisecond)
	n.must(200, "GET", "/Users", "")
	if at := used.At(n.directory.ID, n.directory.Token.ID); at.Before(before) {
		t.Errorf("it was used at %s", at)
	}
	d, reset, err := w.commands.ResetToken(t.Context(), command.Caller{}, n.directory, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	n.must(200, "GET", "/Users", "") // still with the one before
	if at := used.At(d.ID, d.Token.ID); !at.IsZero() {
		t.Errorf("the new token was used at %s", at)
	}
	if at := used.At(n.directory.ID, n.directory.Token.ID); at.IsZero() {
		t.Error("what is known of the one before is forgotten before the new one is used")
	}
	n.must(200, "GET", "/Users", "", "Authorization", "Bearer "+reset)
	n.must(200, "GET", "/Users", "")
	if at := used.At(d.ID, d.Token.ID); at.IsZero() {
		t.Error("a use of the one before hides that the new one is used")
	}
}
