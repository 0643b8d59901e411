package api_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/api"
)

// TestBadInput sends what no route may take: the answer names the field, and nothing is written to the log.
func TestBadInput(t *testing.T) {
	w := newWorld(t, "10.1.0.0/16")
	acme := w.tenant("Acme")
	ada := w.user(acme, domain.Attributes{"userName": "ada"})
	eng := w.group(acme, "Engineering", ada)
	w.tenant("Globex")
	w.must(201, "POST", "/api/v2/org", `{"name":"Bare"}`)
	const org, hook = "/api/v2/org", "/api/v2/webhooks"
	app := hook + "/" + w.must(201, "POST", hook, `{"name":"h","target_url":"https://a.example"}`).text("id")
	withURL := func(u string) string { return `{"name":"h","target_url":"` + u + `"}` }
	w.refuse([]refusal{
		{"POST", org, ``, 422, "name"},
		{"POST", org, `{}`, 422, "name"},
		{"POST", org, `{"name":null}`, 422, "name"},
		{"POST", org, `{"name":"  "}`, 422, "name"},
		{"POST", org, `{"name":"***"}`, 422, "name"},
		{"POST", org, `{"name":"a\u0007b"}`, 422, "name"},
		{"POST", org, `{"name":"` + strings.Repeat("a", 201) + `"}`, 422, "name"},
		{"POST", org, `{"name":1}`, 422, "name"},
		{"POST", org, `{"name":["a"]}`, 422, "name"},
		{"POST", org, `{"name":"A","domain":"b"}`, 422, "domain"},
		{"POST", org, `{"Name":"A"}`, 422, "Name"},
		{"POST", org, `{"name":"A","nested":{"deep":1}}`, 422, "nested"},
		{"POST", org, `{"name":"Acme"}`, 409, "name"},
		{"POST", org, `{`, 400, ""},
		{"POST", org, `[]`, 400, ""},
		{"POST", org, `null`, 400, ""},
		{"POST", org, `"name"`, 400, ""},
		{"POST", org, `{"name":"A"} {}`, 400, ""},
		{"POST", org, `{"name":"A",}`, 400, ""},
		{"POST", org, "\x00", 400, ""},
		{"POST", org, `{"name":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, 400, ""},
		{"POST", org, `{"name":"` + strings.Repeat("a", 1<<20) + `"}`, 413, ""},
		{"PUT", org + "/acme", `{"name":""}`, 422, "name"},
		{"PUT", org + "/acme", `{"id":"x","name":"A"}`, 422, "id"},
		{"PUT", org + "/none", `{"name":"A"}`, 404, ""},
		{"GET", org + "/none", ``, 404, ""},
		{"DELETE", org + "/none", ``, 404, ""},
		{"POST", org + "/acme", `{}`, 405, ""},

		{"GET", org + "?fliter=x", ``, 422, "fliter"},
		{"GET", org + "?Page=1", ``, 422, "Page"},
		{"GET", org + "?page=0", ``, 422, "page"},
		{"GET", org + "?page=-1", ``, 422, "page"},
		{"GET", org + "?page=", ``, 422, "page"},
		{"GET", org + "?page=two", ``, 422, "page"},
		{"GET", org + "?page=1e3", ``, 422, "page"},
		{"GET", org + "?page=99999999999999999999", ``, 422, "page"},
		{"GET", org + "?page=9223372036854775807", ``, 422, "page"},
		{"GET", org + "?per_page=0", ``, 422, "per_page"},
		{"GET", org + "?per_page=101", ``, 422, "per_page"},
		{"GET", hook + "?per_page=101", ``, 422, "per_page"},
		{"GET", "/api/v2/api-keys?page=x", ``, 422, "page"},

		{"POST", org + "/acme/directory-sync", ``, 409, ""},
		{"POST", org + "/none/directory-sync", ``, 404, ""},
		{"POST", org + "/bare/directory-sync?provider=nobody", ``, 422, "provider"},
		{"POST", org + "/bare/directory-sync", `{"provider":"nobody"}`, 422, "provider"},
		{"POST", org + "/bare/directory-sync", `{"provider":7}`, 422, "provider"},
		{"POST", org + "/bare/directory-sync", `{"kind":"okta"}`, 422, "kind"},
		{"PUT", org + "/acme/directory-sync", ``, 422, "provider"},
		{"PUT", org + "/acme/directory-sync?provider=nobody", ``, 422, "provider"},
		{"PUT", org + "/bare/directory-sync?provider=okta", ``, 404, ""},
		{"POST", org + "/bare/directory-sync?interop=loose", ``, 422, "interop"},
		{"POST", org + "/bare/directory-sync", `{"interop":true}`, 422, "interop"},
		{"PUT", org + "/acme/directory-sync?provider=okta&interop=STRICT", ``, 422, "interop"},
		{"DELETE", org + "/bare/directory-sync", ``, 404, ""},
		{"PUT", org + "/acme/directory-sync/reset?overlap=tomorrow", ``, 422, "overlap"},
		{"PUT", org + "/acme/directory-sync/reset?overlap=24", ``, 422, "overlap"},
		{"PUT", org + "/acme/directory-sync/reset?overlap=-1h", ``, 422, "overlap"},
		{"PUT", org + "/acme/directory-sync/reset?overlap=721h", ``, 422, "overlap"},
		{"PATCH", org + "/bare/directory-sync/activate", ``, 404, ""},
		{"PATCH", org + "/bare/directory-sync/disable", ``, 404, ""},
		{"POST", org + "/acme/directory-sync/reset", ``, 405, ""},

		{"GET", org + "/acme/users?filter=%22", ``, 422, "filter"},
		{"GET", org + "/acme/users?filter=" + url.QueryEscape(`userName eq "`+strings.Repeat("a", 20_000)+`"`), ``, 422, "filter"},
		{"GET", org + "/acme/users?filter=nobody%20pr", ``, 422, "filter"},
		{"GET", org + "/acme/users?filter=userName%20eq%20%zz", ``, 400, ""},
		{"GET", org + "/acme/users?a;b", ``, 400, ""},
		{"GET", org + "/acme/groups?filter=password%20pr", ``, 422, "filter"},
		{"GET", org + "/acme/users?page=0", ``, 422, "page"},
		{"GET", org + "/acme/users/none", ``, 404, ""},
		{"GET", org + "/acme/users/none/history", ``, 404, ""},
		{"GET", org + "/acme/users/" + eng + "/history", ``, 404, ""},
		{"GET", org + "/acme/groups/" + ada, ``, 404, ""},
		{"GET", org + "/acme/groups/" + ada + "/members", ``, 404, ""},
		{"GET", org + "/acme/groups/" + eng + "/members?page=1", ``, 422, "page"},
		{"GET", org + "/acme/groups/" + eng + "/members?per_page=many", ``, 422, "per_page"},
		{"GET", org + "/acme/groups/" + eng + "/history?page=x", ``, 422, "page"},
		{"POST", org + "/acme/groups", `{}`, 405, ""},

		{"POST", hook, ``, 422, "name"},
		{"POST", hook, `{"target_url":"https://a.example"}`, 422, "name"},
		{"POST", hook, `{"name":"h"}`, 422, "target_url"},
		{"POST", hook, withURL("a.example"), 422, "target_url"},
		{"POST", hook, withURL("ftp://a.example"), 422, "target_url"},
		{"POST", hook, withURL("https://u:p@a.example"), 422, "target_url"},
		{"POST", hook, withURL("https://a.example/#f"), 422, "target_url"},
		{"POST", hook, withURL("https://%zz"), 422, "target_url"},
		{"POST", hook, withURL("http://93.184.216.34/"), 422, "target_url"},
		{"POST", hook, withURL("http://127.0.0.1/"), 422, "target_url"},
		{"POST", hook, withURL("http://10.2.0.1/"), 422, "target_url"},
		{"POST", hook, withURL("https://127.0.0.1/"), 422, "target_url"},
		{"POST", hook, withURL("https://10.2.0.1/"), 422, "target_url"},
		{"POST", hook, withURL("https://[::1]/"), 422, "target_url"},
		{"POST", hook, withURL("https://[::ffff:10.2.0.1]/"), 422, "target_url"},
		{"POST", hook, withURL("https://[fe80::1%25eth0]/"), 422, "target_url"},
		{"POST", hook, withURL("https://[fd00::1]/"), 422, "target_url"},
		{"POST", hook, withURL("https://0.0.0.0/"), 422, "target_url"},
		{"POST", hook, withURL("https://169.254.169.254/latest/meta-data"), 422, "target_url"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","event_codes":"all"}`, 422, "event_codes"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","event_codes":[1]}`, 422, "event_codes"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","event_codes":["nothing"]}`, 422, "event_codes"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","organization":"none"}`, 422, "organization"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","signature_key":"whsec_mine"}`, 422, "signature_key"},
		{"GET", hook + "/none", ``, 404, ""},
		{"DELETE", hook + "/none", ``, 404, ""},
		{"POST", hook + "/none/test", ``, 404, ""},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","rate_limit":-1}`, 422, "rate_limit"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","rate_limit":1.5}`, 422, "rate_limit"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","concurrency":65}`, 422, "concurrency"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","timeout":61}`, 422, "timeout"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","timeout":"5"}`, 422, "timeout"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","signature_type":"v2"}`, 422, "signature_type"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","headers":["X"]}`, 422, "headers"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","headers":{"X":1}}`, 422, "headers"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","headers":{"Webhook-Id":"x"}}`, 422, "headers"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","headers":{"Content-Length":"1"}}`, 422, "headers"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","headers":{"X":"a\r\nY: b"}}`, 422, "headers"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","headers":{"X Y":"a"}}`, 422, "headers"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","headers":{"x":"a","X":"b"}}`, 422, "headers"},
		{"POST", hook, `{"name":"h","target_url":"https://a.example","headers":{"X":"` + strings.Repeat("a", 1025) + `"}}`, 422, "headers"},
		{"PUT", app, `{"target_url":"https://127.0.0.1/"}`, 422, "target_url"},
		{"PUT", app, `{"organization":"none"}`, 422, "organization"},
		{"PUT", app, `{"active":true}`, 422, "active"},
		{"PUT", app, `{"name":""}`, 422, "name"},
		{"PUT", hook + "/none", `{"name":"x"}`, 404, ""},
		{"POST", app + "/rotate?overlap=721h", ``, 422, "overlap"},
		{"POST", app + "/rotate?overlap=soon", ``, 422, "overlap"},
		{"POST", app + "/test", `{"event_codes":["nothing"]}`, 422, "event_codes"},
		{"POST", app + "/replay", `{}`, 422, "from"},
		{"POST", app + "/replay", `{"from":"yesterday"}`, 422, "from"},
		{"POST", app + "/replay", `{"from":"0","to":"tomorrow"}`, 422, "to"},
		{"POST", app + "/replay", `{"from":"2","to":"1"}`, 422, "to"},
		{"POST", app + "/replay", `{"from":"99999999","to":"head"}`, 422, "from"},
		{"PUT", app, `{"headers":{"X-New":"hidden"}}`, 422, "headers"},
		{"POST", app + "/replay", `{"from":"0","event_codes":["nothing"]}`, 422, "event_codes"},
		{"POST", app + "/replay", `{"from":"0","rate_limit":-5}`, 422, "rate_limit"},
		{"POST", app + "/replay", `{"from":"0","dry_run":"yes"}`, 422, "dry_run"},
		{"POST", app + "/replay", `{"from":"YW5vdGhlcnw3fDE3OTU0MjgwMDAwMDA"}`, 410, "from"},
		{"POST", app + "/simulate", `{"from":"0","limit":1001}`, 422, "limit"},
		{"POST", app + "/recover", `{}`, 422, "since"},
		{"POST", app + "/recover", `{"since":"now"}`, 422, "since"},
		{"POST", hook + "/none/replay", `{"from":"0"}`, 404, ""},
		{"POST", hook + "/none/enable", ``, 404, ""},
		{"GET", "/api/v2/replays/none", ``, 404, ""},
		{"DELETE", "/api/v2/replays/none", ``, 404, ""},
		{"GET", "/api/v2/webhook-events?state=lost", ``, 422, "state"},
		{"GET", "/api/v2/webhook-events?subject=ada", ``, 422, "subject"},
		{"GET", "/api/v2/webhook-events?page=0", ``, 422, "page"},
		{"GET", "/api/v2/webhook-events/none", ``, 404, ""},
		{"POST", "/api/v2/webhook-events/none/resend", ``, 404, ""},
		{"POST", "/api/v2/webhook-events/none/cancel", ``, 404, ""},
		{"GET", "/api/v2/events?limit=0", ``, 422, "limit"},
		{"GET", "/api/v2/events?limit=1001", ``, 422, "limit"},
		{"GET", "/api/v2/events?wait=61", ``, 422, "wait"},
		{"GET", "/api/v2/events?types=nothing", ``, 422, "types"},
		{"GET", "/api/v2/events?after=" + strings.Repeat("A", 5000), ``, 422, "after"},
		{"GET", "/api/v2/events?after=fHx8", ``, 422, "after"},

		{"POST", "/api/v2/api-keys", `{}`, 422, "name"},
		{"POST", "/api/v2/api-keys", `{"name":"a","client_secret":"mine"}`, 422, "client_secret"},
		{"DELETE", "/api/v2/api-keys/none", ``, 404, ""},
		{"GET", "/api/v2/", ``, 404, ""},
		{"GET", "/api/v2/sso", ``, 404, ""},
	})
}

// refusal is a request that is refused.
type refusal struct {
	method, path, body string
	status             int
	field              string // named in error.fields, "" for none
}

// refuse sends requests that are refused, each in the API's form and without a trace in the log.
func (w *world) refuse(requests []refusal) {
	w.t.Helper()
	for _, c := range requests {
		before := w.head()
		a := w.do(c.method, c.path, c.body)
		if a.status != c.status || a.header.Get("Content-Type") != "application/json" {
			w.t.Errorf("%s %s %.80s = %d, want %d: %s", c.method, c.path, c.body, a.status, c.status, a.body)
			continue
		}
		fields, _ := a.at("error", "fields").(map[string]any)
		if c.field == "" && len(fields) > 0 || c.field != "" && fields[c.field] == nil {
			w.t.Errorf("%s %s %.80s names %v, want %q", c.method, c.path, c.body, fields, c.field)
		}
		if a.text("error", "code") == "" || a.text("error", "message") == "" || a.text("error", "request_id") != a.header.Get("X-Request-Id") {
			w.t.Errorf("%s %s %.80s: %s", c.method, c.path, c.body, a.body)
		}
		if w.head() != before {
			w.t.Errorf("%s %s %.80s wrote to the log", c.method, c.path, c.body)
		}
	}
}

// TestAllFieldsAtOnce tells all that is wrong with a body in one answer.
func TestAllFieldsAtOnce(t *testing.T) {
	w := newWorld(t)
	a := w.must(422, "POST", "/api/v2/webhooks", `{"name":1,"url":"https://a.example","event_codes":{}}`)
	for _, name := range []string{"name", "url", "event_codes"} {
		if a.text("error", "fields", name) == "" {
			t.Errorf("%s is not named: %s", name, a.body)
		}
	}
	if !strings.Contains(a.text("error", "fields", "url"), "target_url") {
		t.Errorf("the fields that there are stay unsaid: %s", a.body)
	}
}

// Proves SSO §json.
func TestMediaTypes(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		kind, body string
		status     int
	}{
		{"application/json", `{"name":"A"}`, 201},
		{"Application/JSON; charset=utf-8", `{"name":"B"}`, 201},
		{"", `{"name":"C"}`, 201},
		{"text/plain", `{"name":"D"}`, 415},
		{"application/x-www-form-urlencoded", `name=D`, 415},
		{";", `{"name":"D"}`, 415},
		{"text/plain", ``, 422}, // without a body there is nothing to be of a type
	} {
		if a := w.do("POST", "/api/v2/org", c.body, "Content-Type", c.kind); a.status != c.status {
			t.Errorf("%q %s = %d, want %d: %s", c.kind, c.body, a.status, c.status, a.body)
		}
	}
}

// TestWebhookTargets takes what may be reached, or may turn out to be when it is dialled.
func TestWebhookTargets(t *testing.T) {
	closed, open := newWorld(t), newWorld(t, "10.1.0.0/16", "fd00:1::/32", "fe80::/10")
	for _, c := range []struct {
		url          string
		closed, open int
	}{
		{"https://a.example/hook?x=1", 201, 201},
		{"https://localhost:9000/", 201, 201}, // a name is decided at dial time
		{"https://93.184.216.34/", 201, 201},
		{"https://[2606:2800:220:1::1]/", 201, 201},
		{"http://a.example/", 422, 201},
		{"HTTP://a.example/", 422, 201},
		{"http://10.1.2.3:8080/", 422, 201},
		{"https://10.1.2.3/", 422, 201},
		{"http://[::ffff:10.1.2.3]/", 422, 201},
		{"http://[fd00:1::5]/", 422, 201},
		{"http://[fe80::1%25eth0]/", 422, 201},
		{"http://[fd00:2::5]/", 422, 422},
		{"http://93.184.216.34/", 422, 422},
	} {
		body := `{"name":"h","target_url":"` + c.url + `"}`
		a, b := closed.do("POST", "/api/v2/webhooks", body), open.do("POST", "/api/v2/webhooks", body)
		if a.status != c.closed || b.status != c.open {
			t.Errorf("%s = %d %d, want %d %d: %s %s", c.url, a.status, b.status, c.closed, c.open, a.body, b.body)
		}
		if a.status == 422 && strings.HasPrefix(strings.ToLower(c.url), "http:") && !strings.Contains(a.text("error", "message"), "use https") {
			t.Errorf("%s: %s", c.url, a.body)
		}
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		w.must(201, "POST", "/api/v2/org", `{"name":"`+name+`"}`)
	}
	for _, c := range []struct {
		query, pagination string
		domains           string
	}{
		{"", `{"current_page":1,"current_pages":[1],"next_page":null,"per_page":25,"prev_page":null,"total_pages":1}`, "abcdefg"},
		{"?per_page=100", `{"current_page":1,"current_pages":[1],"next_page":null,"per_page":100,"prev_page":null,"total_pages":1}`, "abcdefg"},
		{"?per_page=7", `{"current_page":1,"current_pages":[1],"next_page":null,"per_page":7,"prev_page":null,"total_pages":1}`, "abcdefg"},
		{"?per_page=2", `{"current_page":1,"current_pages":[1,2,3],"next_page":2,"per_page":2,"prev_page":null,"total_pages":4}`, "ab"},
		{"?per_page=2&page=4", `{"current_page":4,"current_pages":[2,3,4],"next_page":null,"per_page":2,"prev_page":3,"total_pages":4}`, "g"},
		{"?per_page=1&page=4", `{"current_page":4,"current_pages":[2,3,4,5,6],"next_page":5,"per_page":1,"prev_page":3,"total_pages":7}`, "d"},
		{"?per_page=1&page=1000000000", `{"current_page":1000000000,"current_pages":[],"next_page":null,"per_page":1,"prev_page":7,"total_pages":7}`, ""},
	} {
		a := w.must(200, "GET", "/api/v2/org"+c.query, "")
		var domains string
		for i := range 25 {
			domains += a.text("data", i, "domain")
		}
		if domains != c.domains || !strings.Contains(a.body, `"pagination":`+c.pagination+`,"total":7}`) {
			t.Errorf("%s = %s %s", c.query, domains, a.body)
		}
	}
	if a := w.must(200, "GET", "/api/v2/webhooks", ""); !strings.Contains(a.body, `"data":[],`) || !strings.Contains(a.body, `"total":0`) {
		t.Errorf("an empty list is %s", a.body)
	}
}

func TestConfig(t *testing.T) {
	_, err := api.New(api.Config{PublicURL: "rollcall.example/", WebhookAllow: []netip.Prefix{{}}})
	if err == nil {
		t.Fatal("New takes an empty Config")
	}
	for _, field := range []string{"Commands", "Read", "Log", "PublicURL", "WebhookAllow"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named: %v", field, err)
		}
	}
	if joined, is := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); !is || len(joined.Unwrap()) != 5 {
		t.Errorf("not five errors: %v", err)
	}
}
