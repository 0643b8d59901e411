package api_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

func patch(path string, value any) []domain.PatchOp {
	return []domain.PatchOp{{Op: "replace", Path: path, Value: value}}
}

// TestWhoRemovedAda is what a history is for: who did it, through what, when, and by which request.
func TestWhoRemovedAda(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	ada := w.user(acme, domain.Attributes{"userName": "ada@acme.test", "displayName": "Ada"})
	eng := w.group(acme, "Engineering", ada)
	w.clock.pass(time.Minute)
	if _, err := w.commands.PatchUser(t.Context(), okta("rename"), acme, ada, patch("userName", "countess@acme.test")); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(time.Minute)
	if _, err := w.commands.PatchUser(t.Context(), okta("suspend"), acme, ada, patch("active", false)); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(time.Minute)
	if err := w.commands.DeleteUser(t.Context(), okta("remove"), acme, ada); err != nil {
		t.Fatal(err)
	}
	w.must(404, "GET", "/api/v2/org/acme/users/"+ada, "")

	a := w.must(200, "GET", "/api/v2/org/acme/users/"+ada+"/history", "")
	for i, want := range []struct{ kind, request, at, changed, before, after string }{
		{domain.TypeUserDeleted, "remove", "10:03", "active", "countess@acme.test", ""},
		{domain.TypeUserDeactivated, "suspend", "10:02", "active", "countess@acme.test", "countess@acme.test"},
		{domain.TypeUserUpdated, "rename", "10:01", "userName", "ada@acme.test", "countess@acme.test"},
		{domain.TypeUserCreated, "made", "10:00", "displayName", "", "ada@acme.test"},
	} {
		at := "2026-11-23T" + want.at + ":00.000Z"
		for _, c := range []struct {
			path []any
			want string
		}{
			{[]any{"type"}, want.kind}, {[]any{"timestamp"}, at}, {[]any{"cause", "actor"}, "token:okta"}, {[]any{"cause", "source"}, "scim"},
			{[]any{"cause", "request"}, want.request}, {[]any{"cause", "recorded_at"}, at}, {[]any{"changed", 0}, want.changed},
			{[]any{"before", "userName"}, want.before}, {[]any{"after", "userName"}, want.after}, {[]any{"organization"}, "acme"},
		} {
			if got := a.text(append([]any{"data", i}, c.path...)...); got != c.want {
				t.Errorf("change %d: %v is %q, want %q", i, c.path, got, c.want)
			}
		}
	}
	if a.at("total") != 4.0 || !strings.Contains(a.body, `"after":null`) || !strings.Contains(a.body, `"before":null`) {
		t.Errorf("%s", a.body)
	}

	g := w.must(200, "GET", "/api/v2/org/acme/groups/"+eng+"/history", "")
	if g.text("data", 0, "cause", "request") != "remove" || g.text("data", 0, "members", "removed", 0, "userName") != "countess@acme.test" ||
		g.text("data", 1, "members", "added", 0, "userName") != "ada@acme.test" {
		t.Errorf("the group's history names its members otherwise than they were named then: %s", g.body)
	}
}

// TestHistoryIsTheMessages: a history is what webhooks are told, whatever page it is read in.
func TestHistoryIsTheMessages(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	var users []string
	for i := range 230 {
		users = append(users, w.user(acme, domain.Attributes{"userName": fmt.Sprintf("u%d", i)}))
	}
	eng := w.group(acme, "Engineering", users[:90]...)
	change := func(op string, ids []string) {
		t.Helper()
		list := []any{}
		for _, id := range ids {
			list = append(list, map[string]any{"value": id})
		}
		if _, err := w.commands.PatchGroup(t.Context(), okta("members"), acme, eng, []domain.PatchOp{{Op: op, Path: "members", Value: list}}); err != nil {
			t.Fatal(err)
		}
	}
	change("add", users[90:120]) // beyond what a snapshot lists …
	change("add", users[120:])   // … and beyond what a fold remembers …
	change("remove", users[40:]) // … and back
	if _, err := w.commands.PatchGroup(t.Context(), okta("name"), acme, eng, patch("displayName", "R&D")); err != nil {
		t.Fatal(err)
	}
	if err := w.commands.DeleteUser(t.Context(), okta("delete"), acme, users[0]); err != nil {
		t.Fatal(err)
	}
	if err := w.commands.DeleteGroup(t.Context(), okta("delete"), acme, eng); err != nil {
		t.Fatal(err)
	}

	changes, err := projections.NewChanges(w.log)
	if err != nil {
		t.Fatal(err)
	}
	var want []any
	for r, err := range w.log.All(t.Context(), eventstore.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		s, err := projections.DecodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		m, ok, err := changes.Message(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if ok && r.Stream == projections.KindGroup.Stream(eng) {
			text, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			message := answer{body: string(text)}.at().(map[string]any)
			data := message["data"].(map[string]any)
			data["__type__"], data["id"], data["type"], data["timestamp"] = "Change", r.ID.String(), message["type"], message["timestamp"]
			want = append([]any{data}, want...)
		}
	}
	if len(want) != 7 {
		t.Fatalf("%d messages", len(want))
	}
	for perPage := 1; perPage <= 8; perPage++ {
		var got []any
		for page := 1; page <= (len(want)+perPage-1)/perPage; page++ {
			a := w.must(200, "GET", fmt.Sprintf("/api/v2/org/acme/groups/%s/history?page=%d&per_page=%d", eng, page, perPage), "")
			got = append(got, a.at("data").([]any)...)
			if a.at("total") != 7.0 {
				t.Errorf("total %v", a.at("total"))
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("in pages of %d the history is\n%v\nthe messages are\n%v", perPage, got, want)
		}
	}
	for _, beyond := range []string{"?page=2&per_page=7", "?page=9"} {
		if a := w.must(200, "GET", "/api/v2/org/acme/groups/"+eng+"/history"+beyond, ""); len(a.at("data").([]any)) != 0 {
			t.Errorf("%s: %s", beyond, a.body)
		}
	}
}

// TestMembersInPages walks a group by its cursor: each member once, in whatever pages.
func TestMembersInPages(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	var members []string
	for i := range 12 {
		members = append(members, w.user(acme, domain.Attributes{"userName": fmt.Sprintf("u%d", i)}))
	}
	members = append(members, w.group(acme, "Nested"))
	eng := w.group(acme, "Engineering", members...)
	for _, perPage := range []int{1, 5, 12, 13, 14} {
		seen := map[string]bool{}
		for after, pages := "", 0; ; pages++ {
			a := w.must(200, "GET", fmt.Sprintf("/api/v2/org/acme/groups/%s/members?per_page=%d&after=%s", eng, perPage, after), "")
			for _, m := range a.at("data").([]any) {
				seen[m.(map[string]any)["id"].(string)] = true
			}
			if after = a.text("pagination", "next_after"); after == "" {
				if want := (13 + perPage - 1) / perPage; pages+1 != want {
					t.Errorf("%d pages of %d, want %d", pages+1, perPage, want)
				}
				break
			}
		}
		if len(seen) != 13 {
			t.Errorf("pages of %d show %d members", perPage, len(seen))
		}
	}
}
