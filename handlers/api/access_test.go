package api_test

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// TestUnauthorized lets nobody in without a key, on any route, and says the same to all.
//
// Proves SSO §authorization.
func TestUnauthorized(t *testing.T) {
	w := newWorld(t)
	acme := w.estate("Acme")
	id, secret, _ := strings.Cut(w.key, ".")
	before := w.head()
	bodies := map[string]bool{}
	for _, authorization := range []string{
		"", "Bearer", "Bearer ", "Basic " + base64.StdEncoding.EncodeToString([]byte(w.key)), "Bearer " + id, "Bearer " + secret,
		"Bearer " + id + ".", "Bearer ." + secret, "Bearer " + id + "." + secret + "x", "Bearer " + id + "." + strings.ToUpper(secret),
		"Bearer 0190b5c2-0000-7000-8000-000000000000." + secret, "Bearer .", "Bearer x." + secret, "Bearer rcat_", "Bearer rcat_v1.AAAA",
		"Bearer rcat_v1." + strings.Repeat("A", 200), "Bearer " + strings.Repeat("a.", 5000),
	} {
		for _, o := range table(t) {
			if o.needs() == "" {
				if !slices.Contains([]string{"POST /oauth/token", "GET /api/v2/docs", "GET /api/v2/openapi.yaml"}, o.String()) {
					t.Fatalf("%s needs no key", o)
				}
				continue
			}
			a := w.do(o.method, o.at(t, acme.domain, acme.objects), "", "Authorization", authorization)
			if a.status != 401 || a.header.Get("WWW-Authenticate") != `Bearer realm="rollcall"` {
				t.Fatalf("%s with %.60q = %d: %s", o, authorization, a.status, a.body)
			}
			bodies[strings.Replace(a.body, a.header.Get("X-Request-Id"), "", 1)] = true
		}
		a := w.do("GET", "/api/v2/org/none", "", "Authorization", authorization)
		bodies[strings.Replace(a.body, a.header.Get("X-Request-Id"), "", 1)] = true
	}
	if len(bodies) != 1 {
		t.Errorf("strangers are told %d different things: %v", len(bodies), bodies)
	}
	if w.head() != before {
		t.Error("a stranger wrote to the log")
	}
}

func (w *world) token(body string, headers ...string) answer {
	w.t.Helper()
	return w.do("POST", "/oauth/token", body, append([]string{"Authorization", "", "Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func TestAccessToken(t *testing.T) {
	w := newWorld(t)
	id, secret, _ := strings.Cut(w.key, ".")
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}, "audience": {"ignored"}}.Encode()
	var token string
	for _, c := range []struct {
		body    string
		headers []string
	}{
		{form, nil},
		{form, []string{"Content-Type", ""}},
		{`{"grant_type":"client_credentials","client_id":"` + id + `","client_secret":"` + secret + `","audience":1}`, []string{"Content-Type", "application/json"}},
		{"grant_type=client_credentials", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))}},
	} {
		a := w.token(c.body, c.headers...)
		token = a.text("access_token")
		if a.status != 200 || a.text("token_type") != "Bearer" || a.at("expires_in") != 3600.0 || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s = %d: %s", c.body, a.status, a.body)
		}
		w.must(200, "GET", "/api/v2/org", "", "Authorization", "bearer "+token)
	}
	if strings.Contains(token, secret) || strings.Contains(token, id) {
		t.Error("the token shows its key")
	}
	bearer := "Bearer " + token
	w.must(401, "GET", "/api/v2/org", "", "Authorization", bearer[:len(bearer)-1])
	w.must(401, "GET", "/api/v2/org", "", "Authorization", strings.Replace(bearer, "rcat_", "", 1))

	t.Run("survives a restart", func(t *testing.T) {
		w.start()
		w.must(200, "GET", "/api/v2/org", "", "Authorization", bearer)
	})
	t.Run("acts in the name of its key", func(t *testing.T) {
		w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`, "Authorization", bearer)
		if actor := w.lastActor(); actor != "apikey:"+id {
			t.Errorf("the actor is %s", actor)
		}
	})
	t.Run("expires", func(t *testing.T) {
		w.clock.pass(time.Hour - time.Second)
		w.must(200, "GET", "/api/v2/org", "", "Authorization", bearer)
		w.clock.pass(time.Second)
		w.must(401, "GET", "/api/v2/org", "", "Authorization", bearer)
	})
	t.Run("dies with its key", func(t *testing.T) {
		k := w.must(201, "POST", "/api/v2/api-keys", `{"name":"short-lived"}`)
		a := w.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {k.text("client_id")}, "client_secret": {k.text("client_secret")}}.Encode())
		key, token := "Bearer "+k.text("client_id")+"."+k.text("client_secret"), "Bearer "+a.text("access_token")
		w.must(200, "GET", "/api/v2/org", "", "Authorization", token)
		w.must(204, "DELETE", "/api/v2/api-keys/"+k.text("id"), "", "Authorization", key)
		w.must(401, "GET", "/api/v2/org", "", "Authorization", key)
		w.must(401, "GET", "/api/v2/org", "", "Authorization", token)
	})
}

func (w *world) lastActor() string {
	w.t.Helper()
	var meta string
	for r, err := range w.log.All(w.t.Context(), eventstore.Position{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		meta = string(r.Meta)
	}
	return answer{body: meta}.text("actor")
}

// TestTokenRefusals speaks as RFC 6749 §5.2 does.
func TestTokenRefusals(t *testing.T) {
	w := newWorld(t)
	id, secret, _ := strings.Cut(w.key, ".")
	const json = "application/json"
	for _, c := range []struct {
		body, kind string
		status     int
		code       string
	}{
		{"", "", 400, "invalid_request"},
		{"grant_type=password&username=a&password=b", "", 400, "unsupported_grant_type"},
		{"grant_type=client_credentials", "", 401, "invalid_client"},
		{"grant_type=client_credentials&client_id=" + id, "", 401, "invalid_client"},
		{"grant_type=client_credentials&client_id=" + id + "&client_secret=wrong", "", 401, "invalid_client"},
		{"grant_type=client_credentials&client_id=none&client_secret=" + secret, "", 401, "invalid_client"},
		{"grant_type=%zz", "", 400, "invalid_request"},
		{"{", json, 400, "invalid_request"},
		{`{"grant_type":1}`, json, 400, "invalid_request"},
		{"<a/>", "text/xml", 415, "invalid_request"},
		{"a=" + strings.Repeat("a", 1<<20), "", 413, "invalid_request"},
	} {
		headers := []string{}
		if c.kind != "" {
			headers = []string{"Content-Type", c.kind}
		}
		a := w.token(c.body, headers...)
		if a.status != c.status || a.text("error") != c.code || a.text("error_description") == "" {
			t.Errorf("%.80s = %d %s", c.body, a.status, a.body)
		}
		if a.status == 401 && a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%.80s has no WWW-Authenticate", c.body)
		}
	}
	if a := w.do("GET", "/oauth/token", ""); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("GET = %d", a.status)
	}
}

// TestSecretsAreShownOnce makes every secret that there is, and looks for them everywhere that they must not be.
//
// Proves Directory Sync §secret.
func TestSecretsAreShownOnce(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	const sync = "/api/v2/org/acme/directory-sync"
	k := w.must(201, "POST", "/api/v2/api-keys", `{"name":"CI"}`)
	h := w.must(201, "POST", "/api/v2/webhooks", `{"name":"h","target_url":"https://a.example"}`)
	secrets := []string{
		w.key[strings.Index(w.key, ".")+1:],
		k.text("client_secret"), h.text("signature_key"), strings.TrimPrefix(h.text("signature_key"), "whsec_"),
		w.must(201, "POST", sync, "").text("auth_secret_token", "value"),
		w.must(200, "PUT", sync+"?provider=okta", "").text("auth_secret_token", "value"),
		w.must(200, "PUT", sync+"/reset?overlap=1h", "").text("auth_secret_token", "value"),
		w.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {k.text("client_id")}, "client_secret": {k.text("client_secret")}}.Encode()).text("access_token"),
	}
	if raw, err := base64.StdEncoding.DecodeString(secrets[3]); err != nil || len(raw) != 32 {
		t.Errorf("the signature key %s is not 32 bytes in base64", secrets[2])
	}
	var everywhere strings.Builder
	for _, path := range []string{
		sync, "/api/v2/org", "/api/v2/org/acme", "/api/v2/api-keys", "/api/v2/webhooks", "/api/v2/webhooks/" + h.text("id"),
	} {
		everywhere.WriteString(w.must(200, "GET", path, "").body)
	}
	everywhere.WriteString(w.must(200, "PATCH", sync+"/disable", "").body)
	everywhere.WriteString(w.must(202, "POST", "/api/v2/webhooks/"+h.text("id")+"/test", "").body)
	everywhere.WriteString(w.must(401, "GET", "/api/v2/org", "", "Authorization", "Bearer x."+secrets[1]).body)
	everywhere.WriteString(w.lines.String())
	for r, err := range w.log.All(t.Context(), eventstore.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		everywhere.Write(r.Data)
		everywhere.Write(r.Meta)
	}
	for i, secret := range secrets {
		_, after, dotted := strings.Cut(secret, ".")
		if len(secret) < 40 || strings.Contains(everywhere.String(), secret) || dotted && strings.Contains(everywhere.String(), after) {
			t.Errorf("secret %d (%d characters) is shown again, logged or stored", i, len(secret))
		}
	}
	if !strings.Contains(w.lines.String(), `"route":"PUT /api/v2/org/{org}/directory-sync"`) {
		t.Error("the log that was searched is none")
	}
}
