package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// line is the one line that the server logged of a request.
func (w *world) line(a answer) map[string]any {
	w.t.Helper()
	var found []map[string]any
	for line := range strings.Lines(w.lines.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
		if fields["request"] == a.header.Get("X-Request-Id") {
			found = append(found, fields)
			if strings.Count(line, `"organization":`) > 1 {
				w.t.Errorf("it names an organization twice: %s", line)
			}
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("the server logged %d lines of a request: %v", len(found), found)
	}
	return found[0]
}

// TestEveryCallIsLogged in one line: what it was, by whom, about which organization, and how it ended; refused ones too.
func TestEveryCallIsLogged(t *testing.T) {
	var w *world
	var acme estate
	for _, o := range table(t) {
		if o.needs() == "" {
			continue
		}
		if w == nil {
			w = newWorld(t)
			acme = w.estate("Acme")
		}
		lacks := w.keyFor(estate{}, map[string]domain.Permission{"read": "write", "write": "read"}[o.needs()])
		path, body := o.at(t, acme.domain, acme.objects), o.body(t, acme)
		about := any(acme.id)
		if o.ofAll() || !o.inOrganization() && !o.names() && !strings.Contains(body, `"acme"`) {
			about = nil
		}
		for _, c := range []struct {
			name, bearer, path string
			status             int // 0 for any that is no error
			named, id          string
			organization       any
		}{
			{"refused by its secret", acme.key + "x", path, 401, "refused_apikey", acme.key, nil},
			{"refused without a key", "x.y", path, 401, "", "", nil},
			{"refused without the permission", lacks, path, 403, "apikey", lacks, nil},
			{"of a key for the organization", acme.key, path + "?surprise=1", 422, "apikey", acme.key, acme.id},
			{"of a key to read for the organization", acme.reads, path, 0, "apikey", acme.reads, acme.id},
			{"of a key for all", w.key, path, 0, "apikey", w.key, about},
		} {
			a := w.do(o.method, c.path, body, "Authorization", "Bearer "+c.bearer)
			line := w.line(a)
			if c.status != 0 && a.status != c.status || line["status"] != float64(a.status) || line["method"] != o.method || line["route"] != o.String() || line["took"].(float64) <= 0 {
				t.Errorf("%s, %s = %d is logged as %v", o, c.name, a.status, line)
			}
			for _, name := range []string{"apikey", "refused_apikey"} {
				want := any(nil)
				if name == c.named {
					want, _, _ = strings.Cut(c.id, ".")
				}
				if line[name] != want {
					t.Errorf("%s, %s: %s is %v, want %v", o, c.name, name, line[name], want)
				}
			}
			if made := a.text("__type__") == "Organization" && o.method == "POST"; made {
				c.organization = a.text("id")
			}
			if line["organization"] != c.organization {
				t.Errorf("%s, %s: the organization is %v, want %v", o, c.name, line["organization"], c.organization)
			}
			if wrong := a.status >= 400; wrong != (line["error"] != nil) {
				t.Errorf("%s, %s = %d: the error is %v", o, c.name, a.status, line["error"])
			}
			if _, secret, _ := strings.Cut(c.bearer, "."); len(secret) > 1 && strings.Contains(w.lines.String(), secret) {
				t.Errorf("%s, %s: the secret is logged", o, c.name)
			}
		}
		if o.method == "DELETE" { // what is gone cannot be asked for again
			w = nil
		}
	}
}

// TestTokensAreLogged: one for which key is made, and whose key one is of that is over.
func TestTokensAreLogged(t *testing.T) {
	w := newWorld(t)
	id, secret, _ := strings.Cut(w.key, ".")
	form := "grant_type=client_credentials&client_id=" + id + "&client_secret="
	made := w.token(form + secret)
	if line := w.line(made); line["apikey"] != id || line["route"] != "POST /oauth/token" {
		t.Errorf("%v", line)
	}
	if line := w.line(w.token(form + "wrong")); line["refused_apikey"] != id || line["status"] != float64(http.StatusUnauthorized) {
		t.Errorf("%v", line)
	}
	if line := w.line(w.token("grant_type=client_credentials&client_id=nobody&client_secret=x")); line["refused_apikey"] != nil {
		t.Errorf("an id that is none is logged: %v", line)
	}
	if line := w.line(w.as(made.text("access_token"), "GET", "/api/v2/org", "")); line["apikey"] != id {
		t.Errorf("%v", line)
	}
	w.clock.pass(time.Hour)
	if line := w.line(w.as(made.text("access_token"), "GET", "/api/v2/org", "")); line["refused_apikey"] != id || line["apikey"] != nil {
		t.Errorf("%v", line)
	}
}

// TestSlowedDownIsLogged: with the key that asks too often.
func TestSlowedDownIsLogged(t *testing.T) {
	w := newWorld(t)
	w.rate = 0.5
	w.start()
	w.must(200, "GET", "/api/v2/org", "")
	id, _, _ := strings.Cut(w.key, ".")
	if line := w.line(w.must(429, "GET", "/api/v2/org", "")); line["apikey"] != id || line["status"] != float64(http.StatusTooManyRequests) {
		t.Errorf("%v", line)
	}
}

// TestRepeatsAreLogged as such, and an error that is kept like any other.
func TestRepeatsAreLogged(t *testing.T) {
	w := newWorld(t)
	for i, repeated := range []any{nil, true} {
		line := w.line(w.once(w.key, "1", "POST", "/api/v2/org", `{"name":""}`))
		if line["status"] != 422.0 || line["repeated"] != repeated || i == 0 && line["error"] != "name is required" {
			t.Errorf("time %d: %v", i, line)
		}
	}
}
