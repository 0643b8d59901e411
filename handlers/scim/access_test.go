package scim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
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
