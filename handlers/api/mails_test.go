package api_test

import (
	"strings"
	"testing"
	"time"
)

// TestMailStates: a mail tells what became of it, and its link only to whoever may use it.
func TestMailStates(t *testing.T) {
	w := newWorld(t)
	acme, globex := w.tenant("Acme"), w.tenant("Globex")
	state := func(id string) string {
		t.Helper()
		list := w.must(200, "GET", "/api/v2/mails", "")
		for i := range 10 {
			if list.text("data", i, "id") == id {
				return list.text("data", i, "state")
			}
		}
		t.Fatalf("%s is not in %s", id, list.body)
		return ""
	}
	first := w.invite(acme, "it@acme.test")
	if got := state(first.ID); got != "kept" {
		t.Errorf("without a mail server it is %s", got)
	}
	w.door.SendsMail = true
	if got := state(first.ID); got != "pending" {
		t.Errorf("with a mail server it is %s", got)
	}
	now := w.clock.Now()
	if err := w.commands.MailFailed(t.Context(), first, now, "450 busy", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	tried := w.must(200, "GET", "/api/v2/mails?organization=acme", "")
	if tried.text("data", 0, "state") != "pending" || tried.text("data", 0, "attempts", 0, "error") != "450 busy" || tried.text("data", 0, "retry_at") != "2026-11-23T10:01:00.000Z" || tried.at("data", 0, "sent_at") != nil {
		t.Errorf("tried once: %s", tried.body)
	}
	if err := w.commands.MailFailed(t.Context(), first, now, "550 gone", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := state(first.ID); got != "failed" {
		t.Errorf("given up it is %s", got)
	}
	second := w.invite(acme, "it@acme.test")
	third := w.invite(acme, "it@acme.test")
	if got := state(second.ID); got != "cancelled" {
		t.Errorf("superseded it is %s", got)
	}
	w.deliver()
	fourth := w.invite(acme, "it@acme.test")
	if got := state(third.ID); got != "sent" || state(fourth.ID) != "pending" {
		t.Errorf("sent and superseded it is %s, and the next one %s", got, state(fourth.ID))
	}
	if a := w.must(200, "GET", "/api/v2/org/acme/directory-sync", ""); a.text("onboarding", "it_admin_email") != "it@acme.test" || a.text("onboarding", "invitation_sent_at") != "2026-11-23T10:00:00.000Z" {
		t.Errorf("%s", a.body)
	}

	hers := w.invite(globex, "it@globex.test")
	link := "/onboarding/" + hers.ID + "."
	for _, c := range []struct {
		name, key, path string
		total           float64
		reads           bool
	}{
		{"all organizations", w.key, "/api/v2/mails", 5, true},
		{"one of all", w.key, "/api/v2/mails?organization=" + globex.OrganizationID, 1, true},
		{"a key that may read only", w.keyFor(estate{}, "read"), "/api/v2/mails", 5, false},
		{"a key for one", w.keyFor(estate{id: globex.OrganizationID, domain: "globex"}, "read", "write"), "/api/v2/mails", 1, true},
		{"a key for another", w.keyFor(estate{id: acme.OrganizationID, domain: "acme"}, "read", "write"), "/api/v2/mails", 4, false},
	} {
		a := w.as(c.key, "GET", c.path, "")
		if a.at("total") != c.total || strings.Contains(a.body, link) != c.reads {
			t.Errorf("%s: %s", c.name, a.body)
		}
		if c.name == "a key that may read only" && (a.at("data", 0, "text") != nil || a.at("data", 0, "html") != nil || a.text("data", 0, "subject") == "") {
			t.Errorf("%s: %s", c.name, a.body)
		}
	}
	if a := w.as(w.keyFor(estate{id: acme.OrganizationID, domain: "acme"}, "read"), "GET", "/api/v2/mails?organization=globex", ""); a.status != 422 {
		t.Errorf("another organization's: %s", a.body)
	}
	w.must(204, "DELETE", "/api/v2/org/globex", "")
	if a := w.must(200, "GET", "/api/v2/mails", ""); a.at("total") != 4.0 {
		t.Errorf("a deleted organization's: %s", a.body)
	}
}

// TestRemovedAdministrators are invited to nothing any more: their mails are cancelled, and whoever invites has to name somebody.
//
// Proves Directory Sync §administrator.
func TestRemovedAdministrators(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	w.door.SendsMail = true
	id := w.must(201, "POST", "/api/v2/org/acme/admins", `{"email":"it@acme.test"}`).text("id")
	const sync = "/api/v2/org/acme/directory-sync"
	c := w.connection("acme")
	w.must(200, "POST", sync+"/invite-admin", "")
	w.must(200, "POST", c+"/invite-admin", "")
	tried, err := w.read.Directory(t.Context(), acme.ID)
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := w.read.Mail(t.Context(), tried.Onboarding.Invited.Last.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.commands.MailFailed(t.Context(), waiting, w.clock.Now(), "450 busy", w.clock.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	w.must(204, "DELETE", "/api/v2/org/acme/admins/"+id, "")
	mails := w.must(200, "GET", "/api/v2/mails?organization=acme", "")
	if mails.at("total") != 2.0 {
		t.Fatalf("%s", mails.body)
	}
	for i := range 2 {
		if mails.text("data", i, "state") != "cancelled" || mails.at("data", i, "retry_at") != nil {
			t.Errorf("%s", mails.body)
		}
	}
	if a := w.must(200, "GET", sync, ""); a.at("onboarding", "it_admin_email") != nil {
		t.Errorf("%s", a.body)
	}
	if a := w.must(200, "GET", c+"?preload_associations=onboarding", ""); a.at("onboarding", "sso_admin_email") != nil {
		t.Errorf("%s", a.body)
	}
	w.must(422, "POST", sync+"/invite-admin", "")
	w.must(422, "POST", c+"/invite-admin", "")
	w.must(200, "POST", sync+"/invite-admin", `{"it_admin_email":"it@acme.test"}`)
	w.must(200, "PUT", c+"/admin-onboarding", `{"sso_admin_email":"it@acme.test"}`)
	w.must(200, "POST", c+"/invite-admin", "")
}

// TestAdministratorsOfOthers are not found, nor is one twice.
func TestAdministratorsOfOthers(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	w.tenant("Globex")
	id := w.must(201, "POST", "/api/v2/org/acme/admins", `{"email":"it@acme.test"}`).text("id")
	w.must(404, "DELETE", "/api/v2/org/globex/admins/"+id, "")
	w.must(201, "POST", "/api/v2/org/globex/admins", `{"email":"it@acme.test"}`)
	if a := w.must(200, "GET", "/api/v2/org/acme/admins", ""); a.at("total") != 1.0 || a.text("data", 0, "id") != id {
		t.Errorf("%s", a.body)
	}
	for i := range 30 {
		w.must(201, "POST", "/api/v2/org/acme/admins", `{"email":"it`+strings.Repeat("x", i+1)+`@acme.test"}`)
	}
	if a := w.must(200, "GET", "/api/v2/org/acme/admins?per_page=20&page=2", ""); a.at("total") != 31.0 || len(a.at("data").([]any)) != 11 {
		t.Errorf("%s", a.body)
	}
}
