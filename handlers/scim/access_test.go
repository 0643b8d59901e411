package scim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/scim"
)

// TestTokenRotation: during a rotation both tokens are valid, and the old one dies when its time is over.
//
// Proves tokens.
func TestTokenRotation(t *testing.T) {
	w := newWorld(t)
	n := w.tenant("Acme", domain.Okta)
	system := command.Caller{Actor: "system", Source: domain.SourceSystem}
	d, fresh, err := w.commands.ResetToken(context.Background(), system, n.directory, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	old := n.token
	as := func(token string) int { return n.do("GET", "/Users", "", "Authorization", "Bearer "+token).status }
	if as(old) != 200 || as(fresh) != 200 {
		t.Errorf("during the rotation: old %d, new %d", as(old), as(fresh))
	}
	w.later(2 * time.Hour)
	if as(old) != 401 || as(fresh) != 200 {
		t.Errorf("after it: old %d, new %d", as(old), as(fresh))
	}
	_, third, err := w.commands.ResetToken(context.Background(), system, d, 0)
	if err != nil {
		t.Fatal(err)
	}
	if as(fresh) != 401 || as(third) != 200 {
		t.Errorf("after a reset at once: old %d, new %d", as(fresh), as(third))
	}
}

// TestDisabledDirectory answers 403, changes nothing, and goes on when it is activated again.
//
// Proves tokens.
func TestDisabledDirectory(t *testing.T) {
	w := newWorld(t)
	n := w.tenant("Acme", domain.Okta)
	user := "/Users/" + idOf(t, n.must(201, "POST", "/Users", okUser))
	system := command.Caller{Actor: "system", Source: domain.SourceSystem}
	if _, err := w.commands.SetDirectoryActive(context.Background(), system, n.directory, false); err != nil {
		t.Fatal(err)
	}
	before := n.head()
	for method, path := range map[string]string{"GET": "/Users", "POST": "/Users", "PUT": user, "PATCH": user, "DELETE": user} {
		if a := n.must(403, method, path, `{"userName":"eve"}`); !strings.Contains(a.body, `"status":"403"`) {
			t.Errorf("%s: %s", method, a.body)
		}
	}
	if n.head() != before {
		t.Error("a disabled directory was changed")
	}
	if _, err := w.commands.SetDirectoryActive(context.Background(), system, n.directory, true); err != nil {
		t.Fatal(err)
	}
	n.must(200, "GET", user, "")
}

// TestDirectoryWithoutToken: no identity provider reaches the users that an organization's application makes. That there are such is nothing a stranger learns.
//
// Proves tokens.
func TestDirectoryWithoutToken(t *testing.T) {
	w := newWorld(t, func(c *scim.Config) { c.Throttle = handlers.NewThrottle(1<<20, nil) })
	n := w.tenant("Acme", domain.Okta)
	said, err := domain.ReadProfile(map[string]any{"email": "grace@acme.test"})
	if err != nil {
		t.Fatal(err)
	}
	application := command.Caller{Actor: "apikey:k", Source: domain.SourceAPI}
	o, err := w.read.Organization(t.Context(), n.directory.OrganizationID)
	if err != nil {
		t.Fatal(err)
	}
	u, err := w.commands.MakeUser(t.Context(), application, o, said)
	if err != nil {
		t.Fatal(err)
	}
	made, nowhere := *n, *n
	if made.directory, err = w.read.APIDirectoryOf(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	nowhere.directory.ID = "019a0000-0000-7000-8000-000000000000"
	before := w.head()
	for _, authorization := range []string{"", "Bearer", "Bearer .", "Bearer " + n.token, "Bearer " + made.directory.ID + ".x", "Bearer .x", "Bearer x.", "Bearer " + made.directory.ID + "."} {
		for method, path := range map[string]string{"GET": "/Users", "POST": "/Users", "DELETE": "/Users/" + u.ID} {
			if got, other := made.do(method, path, "", "Authorization", authorization), nowhere.do(method, path, "", "Authorization", authorization); got.status != 401 || got.body != other.body {
				t.Errorf("%s with %q = %d %s, and where nothing is %s", method, authorization, got.status, got.body, other.body)
			}
		}
	}
	n.must(404, "GET", "/Users/"+u.ID, "")
	n.must(201, "POST", "/Users", `{"userName":"grace@acme.test"}`) // which is free here
	if _, err := w.read.User(t.Context(), made.directory.ID, u.ID); err != nil || before == w.head() {
		t.Errorf("her user: %v", err)
	}
}
