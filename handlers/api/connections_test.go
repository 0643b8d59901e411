package api_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// metadata are those of the golden conversation, as a JSON text.
func metadata(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/connections.txt")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`"metadata": ("<EntityDescriptor xmlns.*?[^\\]")[,}]`).FindSubmatch(text)
	if found == nil {
		t.Fatal("the conversation has no metadata")
	}
	return string(found[1])
}

// connection makes a connection of an organization and answers its path.
func (w *world) connection(organization string) string {
	w.t.Helper()
	return "/api/v2/sso-connections/" + w.must(201, "POST", "/api/v2/sso-connections", `{"organization_id":"`+organization+`","sso_admin_email":"it@acme.test"}`).text("idp_id")
}

// TestConnectionIDs are slugs of the organization and of the service, which stay whatever changes.
func TestConnectionIDs(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Bank of Lille"}`)
	a := w.must(201, "POST", "/api/v2/sso-connections", `{"organization_id":"bank-of-lille"}`)
	if !regexp.MustCompile(`^bank_of_lille_[A-Za-z0-9]{22}$`).MatchString(a.text("idp_id")) || !regexp.MustCompile(`^rollcall_[A-Za-z0-9]{22}$`).MatchString(a.text("sp_id")) {
		t.Errorf("%s", a.body)
	}
	w.must(200, "PUT", "/api/v2/org/bank-of-lille", `{"name":"Bank of Paris"}`)
	if again := w.must(200, "GET", "/api/v2/sso-connections/"+a.text("idp_id"), ""); again.text("idp_id") != a.text("idp_id") {
		t.Errorf("%s", again.body)
	}
}

// TestConnectionStates leads a connection through all of its states.
func TestConnectionStates(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	c := w.connection("acme")
	id := strings.TrimPrefix(c, "/api/v2/sso-connections/")
	state := func(a answer, connection, onboarding string) {
		t.Helper()
		shown := w.must(200, "GET", c+"?preload_associations=onboarding", "")
		if shown.text("state") != connection || shown.text("onboarding", "state") != onboarding || a.text("__type__") == "SsoConnection" && a.text("state") != connection {
			t.Errorf("%s\nwant %s and %s", shown.body, connection, onboarding)
		}
	}
	state(w.must(200, "POST", c+"/invite-admin", ""), "it_admin_invitation_in_pending", "not_initialized")
	stands, err := w.read.Connection(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.commands.InvitationSent(t.Context(), system, id, stands.Invitation, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	state(w.must(200, "GET", c, ""), "it_admin_invited", "not_initialized")
	state(w.must(200, "PUT", c+"/admin-onboarding", `{"provider_type":"adfs"}`), "configuring", "provider_type_chosen")
	state(w.must(200, "PATCH", c+"/reset-onboarding", ""), "it_admin_invited", "not_initialized")
	state(w.must(200, "PUT", c, `{"provider_type":"onelogin"}`), "configuring", "provider_type_chosen")
	state(w.must(200, "PUT", c, `{"metadata":`+metadata(t)+`}`), "ready", "xml_provided")
	state(w.must(200, "PATCH", c+"/reset-onboarding", ""), "ready", "not_initialized")
	state(w.must(200, "PUT", c, `{"active":false}`), "disabled", "not_initialized")
	a := w.must(200, "PATCH", c+"/activate", "")
	state(a, "ready", "not_initialized")
	if a.text("provider_type") != "unset" || a.text("metadata", 0, "entity_id") != "https://idp.example/saml" {
		t.Errorf("%s", a.body)
	}
	if a := w.must(200, "PUT", c+"/admin-onboarding", `{"sso_admin_email":"new@acme.test"}`); a.at("invitation_sent_at") != nil || a.text("sso_admin_email") != "new@acme.test" {
		t.Errorf("%s", a.body)
	}
}

// TestConnectionUpdates changes what is given, and nothing else.
func TestConnectionUpdates(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	c := w.connection("acme")
	for _, u := range []struct {
		body, field string
		want        any
	}{
		{`{"seats_limit":12}`, "seats_limit", 12.0},
		{`{"user_security_type":"user_provisionned"}`, "user_policy", "user_provisionned"},
		{`{"update_user_new_connection":false}`, "update_user_new_connection", false},
		{`{"user_security_type":null,"seats_limit":12,"provider_type":null,"metadata":null,"active":null}`, "user_security_type", "user_provisionned"},
		{`{"user_security_type":"none"}`, "user_policy", "save_user_when_first_connection"},
		{`{"seats_limit":null}`, "seats_limit", 0.0},
		{`{}`, "update_user_new_connection", false},
	} {
		if a := w.must(200, "PUT", c, u.body); a.at(u.field) != u.want || a.at("active") != true || a.text("provider_type") != "unset" {
			t.Errorf("%s: %s", u.body, a.body)
		}
	}
	head := w.head()
	w.must(200, "PUT", c, `{"seats_limit":0,"active":true}`)
	w.must(200, "PATCH", c+"/activate", "")
	w.must(200, "PUT", c+"/sso-user-policy", `{"user_security_type":"none"}`)
	if w.head() != head {
		t.Error("what changes nothing was written to the log")
	}
}

func TestPreload(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	app := w.must(201, "POST", "/api/v2/applications", `{"name":"App","allowed_redirect_urls":["https://app.example/"]}`).text("id")
	c := "/api/v2/sso-connections/" + w.must(201, "POST", "/api/v2/sso-connections", `{"organization_id":"acme","application_id":"`+app+`"}`).text("id")
	for query, want := range map[string]string{
		"": "", "?preload_associations=": "", "?preload_associations=onboarding": "o", "?preload_associations=enterprise_connection_onboarding": "o", "?preload_associations=default_redirection": "r",
		"?preload_associations=default_redirection,onboarding": "ro", "?preload_associations[]=default_redirection&preload_associations[]=onboarding": "ro", "?preload_associations=onboarding&preload_associations=default_redirection": "ro",
	} {
		for path, at := range map[string][]any{c: nil, "/api/v2/sso-connections": {"data", 0}} {
			a := w.must(200, "GET", path+query, "")
			got := ""
			if a.text(append(at, "default_redirection", "uri")...) == "https://app.example/" {
				got += "r"
			} else if a.text(append(at, "default_redirection")...) == "" {
				t.Errorf("%s%s shows no id: %s", path, query, a.body)
			}
			if a.text(append(at, "onboarding", "state")...) == "not_initialized" {
				got += "o"
			} else if a.text(append(at, "onboarding")...) == "" {
				t.Errorf("%s%s shows no id: %s", path, query, a.body)
			}
			if got != want {
				t.Errorf("%s%s shows %q whole, not %q", path, query, got, want)
			}
		}
	}
	if a := w.must(200, "PUT", c, `{"preload_associations":["onboarding"]}`); a.text("onboarding", "__type__") != "SsoAdminOnboarding" {
		t.Errorf("%s", a.body)
	}
}

// TestEvaluation tells for a suspended user, a user and a stranger who may sign in.
func TestEvaluation(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	ada := w.user(acme, domain.Attributes{"userName": "ada@acme.test"})
	w.user(acme, domain.Attributes{"userName": "bob@acme.test", "active": false})
	c := w.connection("acme")
	w.must(200, "PUT", c, `{"metadata":`+metadata(t)+`,"seats_limit":1}`)
	for _, e := range []struct{ policy, email, reason string }{
		{"none", "ada@acme.test", "seat_free"},
		{"none", "bob@acme.test", "user_suspended"},
		{"none", "eve@acme.test", "seat_free"},
		{"user_registered", "ada@acme.test", "user_registered"},
		{"user_registered", "eve@acme.test", "user_not_registered"},
		{"user_provisionned", "ADA@acme.test", "user_provisionned"},
		{"user_provisionned", "bob@acme.test", "user_suspended"},
		{"user_provisionned", "eve@acme.test", "user_not_provisionned"},
	} {
		w.must(200, "PUT", c+"/sso-user-policy", `{"user_security_type":"`+e.policy+`"}`)
		head := w.head()
		a := w.must(200, "POST", c+"/evaluate", `{"email":"`+e.email+`"}`)
		known := e.reason == "seat_free" || e.reason == "user_registered" || e.reason == "user_provisionned"
		if a.text("reason") != e.reason || a.at("allowed") != known || strings.EqualFold(e.email, "ada@acme.test") != (a.text("user_id") == ada) {
			t.Errorf("%s under %s: %s", e.email, e.policy, a.body)
		}
		if w.head() != head {
			t.Error("asking was written to the log")
		}
	}
}

// TestMetadataInBodies: as large as metadata may be, they fit into a request.
func TestMetadataInBodies(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	c := w.connection("acme")
	var xml string
	if err := json.Unmarshal([]byte(metadata(t)), &xml); err != nil {
		t.Fatal(err)
	}
	large, err := json.Marshal(map[string]string{"metadata": xml + strings.Repeat("\n", 512<<10-len(xml))})
	if err != nil {
		t.Fatal(err)
	}
	w.must(413, "PUT", c, string(large)+strings.Repeat(" ", 1<<20))
	w.must(200, "PUT", c, strings.ReplaceAll(string(large), `\n`, " "))
	a := w.must(422, "PUT", c, strings.Replace(strings.ReplaceAll(string(large), `\n`, " "), `"}`, `  "}`, 1))
	if !strings.Contains(a.text("error", "fields", "metadata"), "larger than 524288 bytes") {
		t.Errorf("%s", a.body)
	}
}
