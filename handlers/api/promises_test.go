package api_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

const sso = "/api/v2/sso-connections"

// TestConnectionHasTheFormOfTheExample: each field of the contract's example is there in the same form, but times have fractions and a zone.
//
// Proves SSO §example, §example.times.
func TestConnectionHasTheFormOfTheExample(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Bank of Lille"}`)
	app := w.must(201, "POST", "/api/v2/applications", `{"name":"App","default_redirect_url":"https://app.example/"}`).text("id")
	c := w.must(201, "POST", sso, `{"organization_id":"bank-of-lille","application_id":"`+app+`"}`)
	shown := w.must(200, "GET", sso+"/"+c.text("idp_id"), "")
	const uuid, time = `"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"`, `"2026-11-23T10:00:00\.\d{3}Z"`
	for name, form := range map[string]string{
		"__access__": `"all_organizations_of:rollcall"`, "__domain__": `"rollcall"`, "__managed_by__": `"rollcall"`, "__type__": `"SsoConnection"`,
		"idp_id": `"bank_of_lille_[A-Za-z0-9]{22}"`, "sp_id": `"rollcall_[A-Za-z0-9]{22}"`,
		"inserted_at": time, "updated_at": time, "metadata": `\[\]`, "onboarding": uuid, "default_redirection": uuid,
		"provider_type": `"[a-z_0-9]+"`, "seats_limit": `0`, "state": `"it_admin_invitation_in_pending"`,
		"user_policy": `"save_user_when_first_connection"`, "update_user_new_connection": `true`,
	} {
		if !regexp.MustCompile(`[{,]"` + name + `":` + form + `[,}]`).MatchString(shown.body) {
			t.Errorf("%s is not %s: %s", name, form, shown.body)
		}
	}
}

// TestConnectionProviders: each of the nine can be chosen before, in and after the onboarding, and be changed for another.
//
// Proves SSO §providers, §onboarding.provider_type, §update.provider_type, §admin-onboarding.provider_type.
func TestConnectionProviders(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	c := w.connection("acme")
	shown := func(want string) {
		t.Helper()
		a := w.must(200, "GET", c+"?preload_associations=onboarding", "")
		if a.text("provider_type") != want || a.text("onboarding", "provider_type") != want {
			t.Errorf("not %s: %s", want, a.body)
		}
	}
	for _, provider := range []string{"azure_ad", "adfs", "google", "okta", "ping_federate", "ping_one", "auth0", "one_login", "custom_saml"} {
		body := `{"provider_type":"` + provider + `"}`
		for _, step := range []struct {
			method, path, body string
			status             int
		}{
			{"POST", c + "/admin-onboarding", `{"sso_admin_email":"it@acme.test","provider_type":"` + provider + `"}`, 201},
			{"PUT", c + "/admin-onboarding", body, 200},
			{"PUT", c, body, 200},
		} {
			w.must(200, "PUT", c, `{"provider_type":"okta"}`)
			if a := w.must(step.status, step.method, step.path, step.body); a.text("provider_type") != provider {
				t.Errorf("%s %s: %s", step.method, step.path, a.body)
			}
			shown(provider)
		}
		w.must(200, "PATCH", c+"/reset-onboarding", "")
		shown("unset")
	}
}

// TestRedirectionWithoutURI leads to the application's default, else to the first URL that it allows, when the connection is made and later.
//
// Proves SSO §create.application_id, §create.uri, §default-redirection.uri.
func TestRedirectionWithoutURI(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	bare := w.connection("acme")
	for _, c := range []struct{ settings, uri, want string }{
		{`"default_redirect_url":"https://a.example/","allowed_redirect_urls":["https://b.example/","https://c.example/"]`, ``, "https://a.example/"},
		{`"allowed_redirect_urls":["https://b.example/","https://c.example/"]`, ``, "https://b.example/"},
		{`"default_redirect_url":"https://a.example/","allowed_redirect_urls":["https://b.example/","https://c.example/"]`, `,"uri":"https://c.example/"`, "https://c.example/"},
		{`"default_redirect_url":"https://a.example/"`, `,"uri":null`, "https://a.example/"},
	} {
		app := w.must(201, "POST", "/api/v2/applications", `{"name":"App",`+c.settings+`}`).text("id")
		body := `{"organization_id":"acme","application_id":"` + app + `"` + c.uri + `}`
		made := w.must(201, "POST", sso, body)
		added := w.must(201, "POST", bare+"/default-redirection", body)
		current := w.must(200, "GET", bare+"/default-redirection", "")
		if made.text("default_redirection", "uri") != c.want || made.text("default_redirection", "app_id") != app {
			t.Errorf("%s%s: %s", c.settings, c.uri, made.body)
		}
		if added.text("uri") != c.want || added.text("app_id") != app || current.body != added.body {
			t.Errorf("%s%s: %s, and then %s", c.settings, c.uri, added.body, current.body)
		}
	}
}

// TestMetadataAreReplaced: those that an administrator sends later take the place of all before.
//
// Proves SSO §update.metadata.
func TestMetadataAreReplaced(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	c := w.connection("acme")
	first := metadata(t)
	for _, xml := range []string{first, strings.Replace(first, "https://idp.example/saml", "https://new.example/saml", 1)} {
		w.must(200, "PUT", c, `{"metadata":`+xml+`}`)
	}
	if a := w.must(200, "GET", c, ""); a.text("metadata", 0, "entity_id") != "https://new.example/saml" || a.at("metadata", 1) != nil {
		t.Errorf("%s", a.body)
	}
}

// TestConnectionsAreListed however far each of them is, once, in whatever pages.
//
// Proves SSO §list, §list.page, §list.per_page.
func TestConnectionsAreListed(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	w.must(201, "POST", "/api/v2/org", `{"name":"Globex"}`)
	want := map[string]string{}
	for i, changes := range []string{"", `{"provider_type":"okta"}`, `{"metadata":` + metadata(t) + `}`, `{"active":false}`, `{"user_security_type":"user_registered"}`} {
		a := w.must(200, "PUT", w.connection([]string{"acme", "globex"}[i%2]), changes)
		want[a.text("idp_id")] = a.text("state")
	}
	for perPage := 1; perPage <= 6; perPage++ {
		got := map[string]string{}
		pages := (5 + perPage - 1) / perPage
		for page := 1; page <= pages; page++ {
			a := w.must(200, "GET", fmt.Sprintf("%s?page=%d&per_page=%d", sso, page, perPage), "")
			for i := 0; a.at("data", i) != nil; i++ {
				got[a.text("data", i, "idp_id")] += a.text("data", i, "state")
			}
			if a.at("total") != 5.0 || a.at("pagination", "total_pages") != float64(pages) || (a.at("pagination", "next_page") == nil) != (page == pages) {
				t.Errorf("page %d of %d: %s", page, perPage, a.body)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("in pages of %d: %v, want %v", perPage, got, want)
		}
	}
}
