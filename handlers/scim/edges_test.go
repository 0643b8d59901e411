package scim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
)

// TestOktaPushesMembersByTheHundred: Okta sends up to 256 members in one PATCH, and takes as many away one operation each.
//
// Proves groups at size.
func TestOktaPushesMembersByTheHundred(t *testing.T) {
	const most = 256
	n := newWorld(t).tenant("Acme", domain.Okta)
	ids := make([]string, most)
	together(8, func(worker int) {
		for i := worker; i < most; i += 8 {
			ids[i] = idOf(t, n.must(201, "POST", "/Users", fmt.Sprintf(`{"userName":"u%03d@acme.test","externalId":"00u%03d","active":true}`, i, i)))
		}
	})
	var add, remove []string
	for i, id := range ids {
		add = append(add, fmt.Sprintf(`{"value":%q,"display":"u%03d@acme.test"}`, id, i))
		remove = append(remove, fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, id))
	}
	group := idOf(t, n.must(201, "POST", "/Groups", `{"displayName":"Everyone","members":[]}`))
	members := func() int {
		var g struct{ Members []json.RawMessage }
		if err := json.Unmarshal([]byte(n.must(200, "GET", "/Groups/"+group, "").body), &g); err != nil {
			t.Fatal(err)
		}
		return len(g.Members)
	}
	// appended counts the events of one request: however many members, it is one change.
	appended := func(operations string) int {
		before, count := n.head(), 0
		n.must(204, "PATCH", "/Groups/"+group, patchOf(operations))
		for _, err := range n.log.All(t.Context(), before) {
			if err != nil {
				t.Fatal(err)
			}
			count++
		}
		return count
	}
	if events := appended(`[{"op":"add","path":"members","value":[` + strings.Join(add, ",") + `]}]`); events != 1 || members() != most {
		t.Errorf("%d members by %d events", members(), events)
	}
	if events := appended(`[` + strings.Join(remove, ",") + `]`); events != 1 || members() != 0 {
		t.Errorf("%d members left after %d events", members(), events)
	}
	if events := appended(`[{"op":"replace","path":"members","value":[` + strings.Join(add, ",") + `]},{"op":"replace","value":{"displayName":"All"}}]`); events != 1 || members() != most {
		t.Errorf("%d members after all were replaced by %d events", members(), events)
	}
}

// TestIDsAreUnescapedOnce: an id in a path is what the escapes mean, and no more than that.
func TestIDsAreUnescapedOnce(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.Okta)
	id := idOf(t, n.must(201, "POST", "/Users", okUser))
	n.must(200, "GET", "/Users/"+strings.ReplaceAll(id, "-", "%2D"), "")
	n.must(404, "GET", "/Users/"+strings.ReplaceAll(id, "-", "%252D"), "")
	n.must(404, "GET", "/Users/%2E%2E%2FUsers%2F"+id, "")
}

// TestHEAD answers what GET does, without the body.
//
// Proves RFC 7644 §3.2.
func TestHEAD(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.Okta)
	id := idOf(t, n.must(201, "POST", "/Users", okUser))
	get := n.must(200, "GET", "/Users/"+id, "")
	if head := n.must(200, "HEAD", "/Users/"+id, ""); head.body != "" || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
		t.Errorf("HEAD answers %q as %s", head.body, head.header.Get("Content-Type"))
	}
	n.must(404, "HEAD", "/Users/nobody", "")
}

// TestStoppedModelIsToldToComeBack: a read model that cannot answer is 503 with a time to come back, in SCIM's form, and not
// an error of ours.
func TestStoppedModelIsToldToComeBack(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.Okta)
	n.must(200, "GET", "/Users", "")
	at, err := n.log.Append(t.Context(), eventstore.Write{Stream: "user-x", Entries: []eventstore.Entry{{ID: eventstore.ID{1}, Type: "user.exploded", Data: []byte("{}"), Meta: []byte("{}")}}})
	if err != nil {
		t.Fatal(err)
	}
	n.read.Expect(at)
	a := n.do("GET", "/Users", "")
	if a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, `"status":"503"`) {
		t.Errorf("answered %d, Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
	}
}

// TestEscapesInFilters: what a JSON string escapes is compared as what it means.
//
// Proves RFC 7644 §3.4.2.2.
func TestEscapesInFilters(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.AzureAD)
	id := idOf(t, n.must(201, "POST", "/Users", `{"userName":"ada","title":"the \"first\" \\ \u00e9"}`))
	for filter, found := range map[string]bool{
		`title eq "the \"first\" \\ \u00e9"`: true,
		`title eq "the \"first\" \\ é"`:      true,
		`title co "\"first\""`:               true,
		`title eq "the first"`:               false,
		`title ne "x"`:                       true,
		`nickName ne "x"`:                    true, // absent is not equal
	} {
		a := n.must(200, "GET", "/Users?filter="+url.QueryEscape(filter), "")
		if strings.Contains(a.body, id) != found {
			t.Errorf("%s: %s", filter, a.body)
		}
	}
}

// TestDialectsOfDirectories: two directories of one server read the same body each in its own dialect, and one that changes its
// mind is read so from the next request on.
//
// Proves dialects, interop-strict.
func TestDialectsOfDirectories(t *testing.T) {
	w := newWorld(t)
	system := command.Caller{Actor: "system", Source: domain.SourceSystem}
	lenient, strict := w.tenant("Acme", domain.CustomSCIM), w.tenantIn(domain.Dialect{Strict: true}, "Globex", domain.CustomSCIM)
	const sloppy = `{"userName":"ada","active":"True"}`
	lenient.must(201, "POST", "/Users", sloppy)
	strict.must(400, "POST", "/Users", sloppy)
	id := idOf(t, strict.must(201, "POST", "/Users", okUser))
	if _, _, err := w.commands.UpdateDirectory(t.Context(), system, strict.directory, "", &domain.Dialect{}); err != nil {
		t.Fatal(err)
	}
	strict.must(200, "PUT", "/Users/"+id, sloppy)
	if _, _, err := w.commands.UpdateDirectory(t.Context(), system, lenient.directory, "", &domain.Dialect{Strict: true}); err != nil {
		t.Fatal(err)
	}
	lenient.must(400, "POST", "/Users", `{"userName":"eve"}`)
}
