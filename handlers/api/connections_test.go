package api_test

import (
	"encoding/json"
	"fmt"
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

// TestConnectionIDs are slugs of the organization and of the service, each another, which stay whatever changes.
//
// Proves SSO §idp_id, §idp_id.immutable, §sp_id.
func TestConnectionIDs(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Bank of Lille"}`)
	a := w.must(201, "POST", "/api/v2/sso-connections", `{"organization_id":"bank-of-lille"}`)
	if !regexp.MustCompile(`^bank_of_lille_[A-Za-z0-9]{22}$`).MatchString(a.text("idp_id")) || !regexp.MustCompile(`^rollcall_[A-Za-z0-9]{22}$`).MatchString(a.text("sp_id")) {
		t.Errorf("%s", a.body)
	}
	if b := w.must(201, "POST", "/api/v2/sso-connections", `{"organization_id":"bank-of-lille"}`); b.text("idp_id") == a.text("idp_id") || b.text("sp_id") == a.text("sp_id") {
		t.Errorf("two connections are called the same: %s", b.body)
	}
	w.must(200, "PUT", "/api/v2/org/bank-of-lille", `{"name":"Bank of Paris"}`)
	if again := w.must(200, "GET", "/api/v2/sso-connections/"+a.text("idp_id"), ""); again.text("idp_id") != a.text("idp_id") || again.text("sp_id") != a.text("sp_id") {
		t.Errorf("%s", again.body)
	}
}

// TestConnectionStates leads a connection through all of its states.
//
// TestOnboardingIsResetEitherWay, of a directory as of a connection: nobody has to remember which is sent how.
//
// Proves SSO §reset-onboarding.
func TestOnboardingIsResetEitherWay(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	const sync = "/api/v2/org/acme/directory-sync"
	w.must(201, "POST", sync, "")
	c := w.connection("acme")
	for _, method := range []string{"POST", "PATCH"} {
		w.must(200, "POST", sync+"/invite-admin", `{"it_admin_email":"it@acme.test"}`)
		w.must(200, "PUT", c+"/admin-onboarding", `{"provider_type":"adfs"}`)
		w.deliver()
		if a := w.must(200, "GET", sync, ""); a.at("onboarding", "invitation_sent_at") == nil {
			t.Fatalf("nobody is invited: %s", a.body)
		}
		if a := w.must(200, method, sync+"/reset-onboarding", ""); a.at("onboarding", "invitation_sent_at") != nil || a.text("onboarding", "it_admin_email") != "it@acme.test" {
			t.Errorf("%s of a directory: %s", method, a.body)
		}
		if a := w.must(200, method, c+"/reset-onboarding?preload_associations=onboarding", ""); a.text("onboarding", "state") != "not_initialized" {
			t.Errorf("%s of a connection: %s", method, a.body)
		}
	}
}

// Proves SSO §state, §onboarding.state, §update.active, §reset-onboarding, §activate.
func TestConnectionStates(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	c := w.connection("acme")
	state := func(a answer, connection, onboarding string) {
		t.Helper()
		shown := w.must(200, "GET", c+"?preload_associations=onboarding", "")
		if shown.text("state") != connection || shown.text("onboarding", "state") != onboarding || a.text("__type__") == "SsoConnection" && a.text("state") != connection {
			t.Errorf("%s\nwant %s and %s", shown.body, connection, onboarding)
		}
	}
	state(w.must(200, "GET", c, ""), "it_admin_invitation_in_pending", "not_initialized")
	state(w.must(200, "POST", c+"/invite-admin", ""), "it_admin_invited", "not_initialized")
	if kept := w.must(200, "GET", "/api/v2/mails", ""); kept.text("data", 0, "state") != "kept" || kept.text("data", 0, "about", "id") != strings.TrimPrefix(c, "/api/v2/sso-connections/") || !strings.Contains(kept.text("data", 0, "text"), "/onboarding/") {
		t.Errorf("without a mail server there is no mail to hand on: %s", kept.body)
	}
	w.deliver()
	state(w.must(200, "GET", c, ""), "it_admin_invited", "not_initialized")
	state(w.must(200, "PUT", c+"/admin-onboarding", `{"provider_type":"adfs"}`), "configuring", "provider_type_chosen")
	state(w.must(200, "PATCH", c+"/reset-onboarding", ""), "it_admin_invitation_in_pending", "not_initialized")
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
//
// Proves SSO §user_policy, §update_user_new_connection, §update, §update.seats_limit, §update.user_security_type.
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

// Proves SSO §onboarding.nested, §preload_associations, §update.preload_associations, §list.preload_associations.
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
//
// Proves SSO §none, §user_registered, §user_provisionned.
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

// TestBadConnections sends what no connection and no application may take.
//
// Proves SSO §idp_id.immutable, §create.uri, §create.organization_id, §create.sso_admin_email, §create.send_email, §create.refused.
// Proves SSO §retrieve, §update.user_security_type, §default-redirection.application_id, §default-redirection.organization_id.
// Proves SSO §sso-user-policy.values, §admin-onboarding.sso_admin_email, §invite-admin.nobody.
func TestBadConnections(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	w.tenant("Globex")
	const apps, sso = "/api/v2/applications", "/api/v2/sso-connections"
	shop := apps + "/" + w.must(201, "POST", apps, `{"name":"Shop"}`).text("id")
	front := w.must(201, "POST", apps, `{"name":"Front","default_redirect_url":"https://a.example"}`).text("id")
	bare := sso + "/" + w.must(201, "POST", sso, `{"organization_id":"acme"}`).text("idp_id")
	w.refuse([]refusal{
		{"POST", apps, `{}`, 422, "name"},
		{"POST", apps, `{"name":"a","default_redirect_url":"a.example"}`, 422, "default_redirect_url"},
		{"POST", apps, `{"name":"a","default_redirect_url":"javascript:alert(1)"}`, 422, "default_redirect_url"},
		{"POST", apps, `{"name":"a","allowed_redirect_urls":"https://a.example"}`, 422, "allowed_redirect_urls"},
		{"POST", apps, `{"name":"a","allowed_redirect_urls":["https://a.example","/"]}`, 422, "allowed_redirect_urls"},
		{"POST", apps, `{"name":"a","allowed_redirect_urls":[` + manyURLs(domain.MaxRedirectURLs+1) + `]}`, 422, "allowed_redirect_urls"},
		{"POST", apps, `{"name":"a","redirect_url":"https://a.example"}`, 422, "redirect_url"},
		{"PUT", shop, `{"name":""}`, 422, "name"},
		{"PUT", shop, `{"id":"x"}`, 422, "id"},
		{"PUT", apps + "/none", `{"name":"a"}`, 404, ""},
		{"GET", apps + "/none", ``, 404, ""},
		{"GET", apps + "/" + acme.ID, ``, 404, ""},
		{"GET", apps + "?page=0", ``, 422, "page"},
		{"DELETE", apps + "/none", ``, 404, ""},

		{"POST", sso, `{}`, 422, "organization_id"},
		{"POST", sso, `{"organization_id":"none"}`, 422, "organization_id"},
		{"POST", sso, `{"organization_id":["acme"]}`, 422, "organization_id"},
		{"POST", sso, `{"organization_id":"acme","application_id":"none"}`, 422, "application_id"},
		{"POST", sso, `{"organization_id":"acme","application_id":"` + strings.TrimPrefix(shop, apps+"/") + `"}`, 422, "application_id"},
		{"POST", sso, `{"organization_id":"acme","uri":"https://a.example"}`, 422, "application_id"},
		{"POST", sso, `{"organization_id":"acme","application_id":"` + front + `","uri":"https://b.example"}`, 422, "uri"},
		{"POST", sso, `{"organization_id":"acme","sso_admin_email":"it"}`, 422, "sso_admin_email"},
		{"POST", sso, `{"organization_id":"acme","sso_admin_email":"it@a.test\r\nBcc: x@b.test"}`, 422, "sso_admin_email"},
		{"POST", sso, `{"organization_id":"acme","sso_admin_email":"it@a.test","it_admin_email":"it@b.test"}`, 422, "it_admin_email"},
		{"POST", sso, `{"organization_id":"acme","send_email":true}`, 422, "sso_admin_email"},
		{"POST", sso, `{"organization_id":"acme","send_email":"yes"}`, 422, "send_email"},
		{"POST", sso, `{"organization_id":"acme","idp_id":"mine"}`, 422, "idp_id"},
		{"GET", sso + "?page=0", ``, 422, "page"},
		{"GET", sso + "?preload_associations=metadata", ``, 422, "preload_associations"},
		{"GET", sso + "/none", ``, 404, ""},
		{"GET", sso + "/" + acme.ID, ``, 404, ""},
		{"GET", bare + "?preload_associations[]=all", ``, 422, "preload_associations"},
		{"GET", bare + "/default-redirection", ``, 404, ""},
		{"GET", bare + "/history?page=x", ``, 422, "page"},
		{"PUT", bare, `{"seats_limit":-1}`, 422, "seats_limit"},
		{"PUT", bare, `{"seats_limit":1.5}`, 422, "seats_limit"},
		{"PUT", bare, `{"seats_limit":99999999}`, 422, "seats_limit"},
		{"PUT", bare, `{"active":"yes"}`, 422, "active"},
		{"PUT", bare, `{"provider_type":"jumpcloud"}`, 422, "provider_type"},
		{"PUT", bare, `{"provider_type":""}`, 422, "provider_type"},
		{"PUT", bare, `{"user_security_type":1}`, 422, "user_security_type"},
		{"PUT", bare, `{"user_security_type":"all"}`, 422, "user_security_type"},
		{"PUT", bare, `{"default_redirection_id":"none"}`, 422, "default_redirection_id"},
		{"PUT", bare, `{"metadata":""}`, 422, "metadata"},
		{"PUT", bare, `{"metadata":"<a>"}`, 422, "metadata"},
		{"PUT", bare, `{"metadata":{}}`, 422, "metadata"},
		{"PUT", bare, `{"preload_associations":["all"]}`, 422, "preload_associations"},
		{"PUT", bare, `{"preload_associations":"onboarding"}`, 422, "preload_associations"},
		{"PUT", bare, `{"idp_id":"mine"}`, 422, "idp_id"},
		{"PUT", sso + "/none", `{}`, 404, ""},
		{"DELETE", sso + "/none", ``, 404, ""},
		{"POST", bare + "/default-redirection", `{"organization_id":"acme"}`, 422, "application_id"},
		{"POST", bare + "/default-redirection", `{"application_id":"` + front + `"}`, 422, "organization_id"},
		{"POST", bare + "/default-redirection", `{"application_id":"` + front + `","organization_id":"globex"}`, 422, "organization_id"},
		{"POST", bare + "/default-redirection", `{"application_id":"none","organization_id":"acme"}`, 422, "application_id"},
		{"POST", bare + "/default-redirection", `{"application_id":"` + front + `","organization_id":"acme","uri":"https://a.example/"}`, 422, "uri"},
		{"PUT", bare + "/sso-user-policy", `{}`, 422, "user_security_type"},
		{"PUT", bare + "/sso-user-policy", `{"user_security_type":"user_provisioned"}`, 422, "user_security_type"},
		{"POST", bare + "/admin-onboarding", `{}`, 422, "sso_admin_email"},
		{"POST", bare + "/admin-onboarding", `{"sso_admin_email":"it@a.test","provider_type":"unset"}`, 422, "provider_type"},
		{"PUT", bare + "/admin-onboarding", `{"sso_admin_email":"it@a.test, it@b.test"}`, 422, "sso_admin_email"},
		{"PUT", bare + "/admin-onboarding", `{"state":"xml_provided"}`, 422, "state"},
		{"POST", bare + "/invite-admin", ``, 422, "sso_admin_email"},
		{"POST", bare + "/invite-admin?preload_associations=all", ``, 422, "preload_associations"},
		{"POST", sso + "/none/invite-admin", ``, 404, ""},
		{"PATCH", sso + "/none/activate", ``, 404, ""},
		{"PATCH", sso + "/none/reset-onboarding", ``, 404, ""},
		{"POST", bare + "/activate", ``, 405, ""},
		{"POST", bare + "/evaluate", `{}`, 422, "email"},
		{"POST", bare + "/evaluate", `{"email":"ada"}`, 422, "email"},
		{"POST", sso + "/none/evaluate", `{"email":"ada@a.test"}`, 404, ""},
	})
}

// manyURLs are so many URLs, as a JSON list holds them.
func manyURLs(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"https://a.example/%d"`, i))
	}
	return strings.Join(list, ",")
}

// TestMetadataInBodies: as large as metadata may be, they fit into a request.
//
// Proves SSO §update.metadata.
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

// No limit of seats is said by null as well as by 0, wherever a limit is.
func TestNoSeatsLimit(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	c := w.connection("acme")
	for path, body := range map[string]string{c: `{"seats_limit":null}`, c + "/sso-user-policy": `{"user_security_type":"none","seats_limit":null}`} {
		w.must(200, "PUT", c, `{"seats_limit":12}`)
		if a := w.must(200, "PUT", path, body); a.at("seats_limit") != 0.0 {
			t.Errorf("%s leaves a limit of %v", path, a.at("seats_limit"))
		}
	}
}

// A redirection of before is no default again once its application does not allow its URI any more, or is gone.
func TestRedirectionsStayAllowed(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	c := w.connection("acme")
	application := func(urls string) string {
		return w.must(201, "POST", "/api/v2/applications", `{"name":"a","allowed_redirect_urls":[`+urls+`]}`).text("id")
	}
	lead := func(application, uri string) string {
		return w.must(201, "POST", c+"/default-redirection", `{"application_id":"`+application+`","organization_id":"acme","uri":"`+uri+`"}`).text("id")
	}
	choose := func(status int, redirection string) {
		t.Helper()
		if a := w.must(status, "PUT", c, `{"default_redirection_id":"`+redirection+`"}`); status == 422 && a.text("error", "fields", "default_redirection_id") == "" {
			t.Errorf("it is refused without a reason: %s", a.body)
		}
	}
	first := application(`"https://old.example/","https://new.example/"`)
	old, fresh := lead(first, "https://old.example/"), lead(first, "https://new.example/")
	choose(200, old)
	choose(200, fresh)
	w.must(200, "PUT", "/api/v2/applications/"+first, `{"allowed_redirect_urls":["https://new.example/"]}`)
	choose(422, old)
	choose(200, fresh) // which it is
	other := lead(application(`"https://other.example/"`), "https://other.example/")
	w.must(204, "DELETE", "/api/v2/applications/"+first, "")
	choose(422, fresh)
	choose(200, other)
}
