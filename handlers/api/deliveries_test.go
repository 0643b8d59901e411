package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

// hook makes a webhook that wants everything; nothing is delivered here.
func (w *world) hook() projections.Endpoint {
	w.t.Helper()
	p, err := w.commands.CreateEndpoint(w.t.Context(), system, domain.EndpointSettings{Name: "Hook", URL: "https://app.example/hook"}, nil, keys.NewSigning(false))
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// TestDeliveriesAreWalkedByLink: each delivery comes once, also where new ones come meanwhile.
func TestDeliveriesAreWalkedByLink(t *testing.T) {
	w := newWorld(t)
	d := w.tenant("Acme")
	w.hook()
	for n := range 25 {
		w.user(d, domain.Attributes{"userName": fmt.Sprint("user", n)})
	}
	w.hook() // the list waits for what webhooks are asked, and so for all before it
	path, pages, seen := "/api/v2/webhook-events?per_page=10&state=pending&type=directory.user.created", 0, map[string]bool{}
	for path != "" {
		pages++
		a := w.must(200, "GET", path, "")
		if got := a.at("pagination", "current_page"); got != float64(pages) {
			t.Errorf("page %d says it is %v", pages, got)
		}
		for i := 0; a.at("data", i) != nil; i++ {
			seen[a.text("data", i, "subject", "id")] = true
		}
		if pages == 3 && a.at("data", 5) != nil {
			t.Errorf("the last page begins anew: %s", a.body)
		}
		link := a.header.Get("Link")
		path, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		w.user(d, domain.Attributes{"userName": fmt.Sprint("late", pages)})
		w.hook()
	}
	if pages != 3 || len(seen) != 25 {
		t.Errorf("%d deliveries on %d pages", len(seen), pages)
	}
}

// TestDeepPagesOfDeliveriesAreRefused: what would have to be skipped is bounded, and so is what is counted, and the answers say so.
func TestDeepPagesOfDeliveriesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.must(200, "GET", "/api/v2/webhook-events?page=101&per_page=100", "")
	a := w.must(422, "GET", "/api/v2/webhook-events?page=102&per_page=100", "")
	if !strings.Contains(a.text("error", "fields", "page"), "Link") {
		t.Errorf("it does not tell what to do: %s", a.body)
	}
	w.must(200, "GET", "/api/v2/webhook-events?page=102&per_page=100&before=77", "")
	for _, wrong := range []string{"0", "-1", "x", "99999999999999999999"} {
		if a := w.must(422, "GET", "/api/v2/webhook-events?before="+wrong, ""); a.text("error", "fields", "before") == "" {
			t.Errorf("before=%s: %s", wrong, a.body)
		}
	}
	d := w.tenant("Acme")
	const hooks = 100
	for range hooks {
		w.hook()
	}
	id := w.user(d, domain.Attributes{"userName": "ada"})
	total := func() (n any, capped bool) {
		w.hook() // the list waits for what webhooks are asked, and so for all before it
		a := w.must(200, "GET", "/api/v2/webhook-events?subject=user-"+id, "")
		return a.at("total"), a.at("total_capped") == true
	}
	if n, capped := total(); n != float64(hooks) || capped {
		t.Errorf("total %v, capped %v", n, capped)
	}
	for n := range projections.MaxCounted / hooks {
		_, err := w.commands.PatchUser(t.Context(), system, d, id, []domain.PatchOp{{Op: "replace", Path: "title", Value: fmt.Sprint(n)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.caughtUp()
	if n, capped := total(); n != float64(projections.MaxCounted) || !capped {
		t.Errorf("total %v, capped %v", n, capped)
	}
	if a := w.must(200, "GET", "/api/v2/webhook-events", ""); a.at("total").(float64) <= projections.MaxCounted || a.at("total_capped") != nil {
		t.Errorf("of all: total %v, capped %v", a.at("total"), a.at("total_capped"))
	}
}
