package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// From nothing to the first user in an application of one's own: an organization, its directory, a webhook and a test of it whose answer can be
// looked at, and then what a provider does. Each change of a user and a group comes with the states before and after.
//
// Proves Directory Sync §quickstart, §receiver, §acknowledged, §webhook.test, §webhook.answer, §users, §groups, §before-and-after, §real-time.
func TestQuickstart(t *testing.T) {
	h := newHousehold(t)
	b := newInbox(t)
	var made hook
	h.admin.must("POST", "/api/v2/webhooks", fmt.Sprintf(`{"name":"directory sync","target_url":%q}`, b.URL+"/directory-sync"), &made)

	h.admin.must("POST", "/api/v2/webhooks/"+made.ID+"/test", "", nil)
	b.messages(t, 1)
	type log struct {
		Data []struct {
			State    string
			Attempts []struct {
				Status int
				Answer string
			}
		}
	}
	tested := eventually(h, "/api/v2/webhook-events?state=delivered&webhook_id="+made.ID, func(l log) bool { return len(l.Data) == 1 })
	if a := tested.Data[0].Attempts; len(a) != 1 || a[0].Status != 200 || a[0].Answer != `{"received":true}` {
		t.Errorf("the test was answered %+v", a)
	}

	users, groups := h.base+"/Users", h.base+"/Groups"
	var ada, eng struct{ ID string }
	patch := func(path, op string) { h.provider.must("PATCH", path, `{"Operations":[`+op+`]}`, nil) }
	h.provider.must("POST", users, `{"userName":"ada@acme.test","displayName":"Ada","active":true}`, &ada)
	patch(users+"/"+ada.ID, `{"op":"replace","path":"displayName","value":"Augusta"}`)
	patch(users+"/"+ada.ID, `{"op":"replace","path":"active","value":false}`)
	patch(users+"/"+ada.ID, `{"op":"replace","path":"active","value":true}`)
	h.provider.must("POST", groups, `{"displayName":"Engineering"}`, &eng)
	patch(groups+"/"+eng.ID, `{"op":"add","path":"members","value":[{"value":"`+ada.ID+`"}]}`)
	patch(groups+"/"+eng.ID, `{"op":"replace","path":"displayName","value":"R&D"}`)
	h.provider.must("DELETE", groups+"/"+eng.ID, "", nil)
	h.provider.must("DELETE", users+"/"+ada.ID, "", nil)

	state := func(snapshot domain.Attributes) string {
		switch {
		case snapshot == nil:
			return "nothing"
		case snapshot["active"] == nil:
			members, _ := snapshot["members"].([]any)
			return fmt.Sprint(snapshot["displayName"], " of ", len(members))
		}
		return fmt.Sprint(snapshot["displayName"], " ", snapshot["active"])
	}
	told := map[string][]string{} // of each subject, in its order
	for _, a := range b.messages(t, 10)[1:] {
		if kind := a.header.Get("Content-Type"); kind != "application/json" {
			t.Errorf("a message is %s", kind)
		}
		d := a.message.Data
		if d.Organization != "acme" || d.Provider != "okta" {
			t.Errorf("a message of %s, by %s", d.Organization, d.Provider)
		}
		told[d.Subject.Type] = append(told[d.Subject.Type], fmt.Sprintf("%s: %s, then %s", strings.TrimPrefix(a.message.Type, "directory."), state(d.Before), state(d.After)))
	}
	for kind, want := range map[string][]string{
		"user":  {"user.created: nothing, then Ada true", "user.updated: Ada true, then Augusta true", "user.deactivated: Augusta true, then Augusta false", "user.reactivated: Augusta false, then Augusta true", "user.deleted: Augusta true, then nothing"},
		"group": {"group.created: nothing, then Engineering of 0", "group.members_changed: Engineering of 0, then Engineering of 1", "group.updated: Engineering of 1, then R&D of 1", "group.deleted: R&D of 1, then nothing"},
	} {
		if !slices.Equal(told[kind], want) {
			t.Errorf("told %q, want %q", told[kind], want)
		}
	}
	h.stop()
}
