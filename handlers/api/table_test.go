package api_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// row is an operation of openapi.yaml. The tests of the frame go through all of them: a route that is new is held to the same without a word more.
type row struct {
	method, path string
	*openapi3.Operation
}

// table is every operation, in order.
func table(t testing.TB) (rows []row) {
	t.Helper()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range c.document.Paths.Map() {
		for method, o := range item.Operations() {
			rows = append(rows, row{method, path, o})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method)) })
	return rows
}

func (o row) String() string { return o.method + " " + o.path }

// needs is what a key must be permitted, "" if none is needed.
func (o row) needs() string {
	for _, requirement := range *o.Security {
		return requirement["key"][0]
	}
	return ""
}

// ofAll tells whether a key must be for all organizations.
func (o row) ofAll() bool {
	return slices.ContainsFunc(*o.Security, func(requirement openapi3.SecurityRequirement) bool {
		return slices.Contains(requirement["key"], "all_organizations")
	})
}

func (o row) takes(parameter string) bool {
	return o.Parameters.GetByInAndName("query", parameter) != nil
}

// streams tells whether an operation reads many objects from its body, bit by bit. Such have tests of their own for what one object may be.
func (o row) streams() bool {
	return o.RequestBody != nil && o.RequestBody.Value.Content["application/x-ndjson"] != nil
}

// body is the example of a body, with the organization of an estate and the ids of its objects; "" if there is none.
func (o row) body(t testing.TB, e estate) string {
	t.Helper()
	if o.RequestBody == nil {
		return ""
	}
	media := o.RequestBody.Value.Content.Get("application/json")
	if media.Example == nil {
		t.Fatalf("%s has no example of a body", o)
	}
	example := media.Example
	if fields, is := example.(map[string]any); is {
		fields = maps.Clone(fields)
		for name, value := range fields {
			noun, _ := strings.CutSuffix(name, "_id")
			if id := e.objects[noun+"s"]; id != "" {
				fields[name] = id
			} else if value == "acme" {
				fields[name] = e.domain
			}
		}
		example = fields
	}
	text, err := json.Marshal(example)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// estate is an organization with one of everything, and with keys that are for it only.
type estate struct {
	domain, id      string
	objects         map[string]string // ids, by the step before {id} in a path
	key, reads, all string
}

// estate makes one.
func (w *world) estate(name string) estate {
	w.t.Helper()
	d := w.tenant(name)
	e := estate{domain: d.Organization, id: d.OrganizationID, objects: map[string]string{}}
	hook := w.must(201, "POST", "/api/v2/webhooks", `{"name":"`+name+`","target_url":"https://a.example","organization":"`+e.domain+`"}`).text("id")
	user := w.user(d, domain.Attributes{"userName": "ada@" + e.domain + ".test"})
	e.objects["webhooks"], e.objects["users"], e.objects["groups"] = hook, user, w.group(d, "Engineering", user)
	w.caughtUp() // users are not waited for where deliveries are listed
	e.objects["webhook-events"] = w.must(200, "GET", "/api/v2/webhook-events?subject=user-"+user, "").text("data", 0, "id")
	e.objects["replays"] = w.must(202, "POST", "/api/v2/webhooks/"+hook+"/replay", `{"from":"0"}`).text("id")
	e.objects["applications"] = w.must(201, "POST", "/api/v2/applications", `{"name":"`+name+`","default_redirect_url":"https://a.example","allowed_redirect_urls":["http://localhost:3000"]}`).text("id")
	e.objects["sso-connections"] = w.must(201, "POST", "/api/v2/sso-connections", `{"organization_id":"`+e.domain+`","application_id":"`+e.objects["applications"]+`","sso_admin_email":"it@a.example"}`).text("id")
	e.objects["admins"] = w.must(201, "POST", "/api/v2/org/"+e.domain+"/admins", `{"email":"it@a.example"}`).text("id")
	e.objects["mails"] = w.invite(d, "it@a.example").ID
	e.objects["api-keys"] = strings.Split(w.keyFor(e, "read"), ".")[0]
	e.key, e.reads, e.all = w.keyFor(e, "read", "write"), w.keyFor(e, "read"), w.key
	return e
}

// keyFor makes a key that is for the estate only; for the zero one, for all.
func (w *world) keyFor(e estate, permissions ...domain.Permission) string {
	w.t.Helper()
	_, token, err := w.commands.CreateAPIKey(w.t.Context(), system, "of "+e.domain, permissions, projections.Organization{ID: e.id, Domain: e.domain})
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// at is the path of an operation, in an organization, on another one's objects perhaps.
func (o row) at(t testing.TB, organization string, objects map[string]string) string {
	t.Helper()
	steps := strings.Split(o.path, "/")
	for i, step := range steps {
		switch {
		case step == "{org}":
			steps[i] = organization
		case strings.HasPrefix(step, "{"):
			if steps[i] = objects[steps[i-1]]; steps[i] == "" {
				t.Fatalf("%s: an estate has no %s yet; give it one", o, steps[i-1])
			}
		}
	}
	return strings.Join(steps, "/")
}

// names tells whether the path names an object by an id of its own.
func (o row) names() bool { return strings.Contains(strings.ReplaceAll(o.path, "{org}", ""), "{") }

func (o row) inOrganization() bool { return strings.Contains(o.path, "{org}") }

// as is do with another key.
func (w *world) as(key, method, path, body string) answer {
	w.t.Helper()
	return w.do(method, path, body, "Authorization", "Bearer "+key)
}

// TestEveryRouteNeedsItsPermission: who may read changes nothing, and who may write reads nothing.
func TestEveryRouteNeedsItsPermission(t *testing.T) {
	w := newWorld(t)
	acme := w.estate("Acme")
	for _, of := range []estate{{}, acme} {
		keys := map[string]string{"read": w.keyFor(of, "write"), "write": w.keyFor(of, "read")} // by what they lack
		before := w.head()
		for _, o := range table(t) {
			if o.needs() == "" {
				continue
			}
			path := o.at(t, acme.domain, acme.objects)
			if a := w.as(keys[o.needs()], o.method, path, o.body(t, acme)); a.status != 403 || a.text("error", "code") != "forbidden" {
				t.Errorf("%s without the permission to %s = %d %s", o, o.needs(), a.status, a.body)
			}
			if o.needs() == "write" {
				continue
			}
			if of.id != "" && o.ofAll() {
				continue
			}
			if a := w.as(keys["write"], o.method, path, o.body(t, acme)); a.status != 200 {
				t.Errorf("%s with the permission to read = %d %s", o, a.status, a.body)
			}
		}
		if w.head() != before {
			t.Error("a key without the permission wrote to the log, or one that may read only did")
		}
	}
}

// TestEveryRouteKeepsOrganizationsApart: with a key for one organization nothing of another one is there.
func TestEveryRouteKeepsOrganizationsApart(t *testing.T) {
	w := newWorld(t)
	acme, globex := w.estate("Acme"), w.estate("Globex")
	before, looked := w.head(), 0
	for _, o := range table(t) {
		if o.ofAll() {
			if a := w.as(acme.key, o.method, o.at(t, acme.domain, acme.objects), o.body(t, acme)); a.status != 403 || a.text("error", "code") != "forbidden" {
				t.Errorf("%s with a key for acme = %d %s", o, a.status, a.body)
			}
			continue
		}
		var foreign []string // paths to what is globex's
		if o.inOrganization() {
			foreign = append(foreign, o.at(t, globex.domain, globex.objects), o.at(t, globex.id, globex.objects))
		}
		if o.names() {
			foreign = append(foreign, o.at(t, acme.domain, globex.objects))
		}
		for _, path := range foreign {
			looked++
			if a := w.as(acme.key, o.method, path, o.body(t, acme)); a.status != 404 || a.text("error", "code") != "not_found" || strings.Contains(strings.ToLower(a.body), "globex") {
				t.Errorf("%s: a key for acme is answered about %s: %d %s", o, path, a.status, a.body)
			}
		}
		if body := o.body(t, globex); strings.Contains(body, `"globex"`) {
			looked++
			if a := w.as(acme.key, o.method, o.at(t, acme.domain, acme.objects), body); a.status != 422 {
				t.Errorf("%s: a key for acme asks for globex in the body: %d %s", o, a.status, a.body)
			}
		}
	}
	if w.head() != before || looked < 40 {
		t.Errorf("%d requests, %v", looked, w.head())
	}
}

// TestEveryRouteIsOpenToItsOwnKey is what makes the test before it worth something: the same requests, with the key of whose it is.
func TestEveryRouteIsOpenToItsOwnKey(t *testing.T) {
	var w *world
	var acme estate
	for _, o := range table(t) {
		if !o.inOrganization() && !o.names() || o.ofAll() {
			continue
		}
		if w == nil {
			w = newWorld(t)
			acme = w.estate("Acme")
		}
		if a := w.as(acme.key, o.method, o.at(t, acme.domain, acme.objects), o.body(t, acme)); a.status >= 400 && a.status != 409 {
			t.Errorf("%s with a key for the organization = %d %s", o, a.status, a.body)
		}
		if o.method == "DELETE" { // what is gone cannot be asked for again
			w = nil
		}
	}
}

// TestListsShowOneOrganization: lists leave out what is not the organization's that a key is for.
func TestListsShowOneOrganization(t *testing.T) {
	w := newWorld(t)
	acme, globex := w.estate("Acme"), w.estate("Globex")
	w.must(201, "POST", "/api/v2/webhooks", `{"name":"global","target_url":"https://a.example"}`)
	for _, o := range table(t) {
		if o.method != "GET" || o.needs() == "" || o.ofAll() || strings.Contains(o.path, "{") {
			continue
		}
		path := o.path + "?per_page=100"
		if !o.takes("per_page") {
			path = o.path + "?limit=1000"
		}
		whole, own := w.as(w.key, "GET", path, ""), w.as(acme.key, "GET", path, "")
		if whole.status != 200 || own.status != 200 || !strings.Contains(whole.body, "globex") && !strings.Contains(whole.body, globex.objects["webhooks"]) {
			t.Fatalf("%s = %d %s, and for acme %d", o, whole.status, whole.body, own.status)
		}
		if !strings.Contains(own.body, "acme") && !strings.Contains(own.body, acme.objects["webhooks"]) {
			t.Errorf("%s does not show acme what is its own: %s", o, own.body)
		}
		for what := range maps.Values(globex.objects) {
			if strings.Contains(own.body, what) || strings.Contains(own.body, "globex") || strings.Contains(own.body, "global") {
				t.Errorf("%s shows %s of globex to acme: %s", o, what, own.body)
			}
		}
		if n, is := own.at("total").(float64); is && int(n) != len(own.at("data").([]any)) {
			t.Errorf("%s counts %v of %d", o, n, len(own.at("data").([]any)))
		}
	}
}

// TestFiltersReachNoFurther: what a list leaves out no filter brings back.
func TestFiltersReachNoFurther(t *testing.T) {
	w := newWorld(t)
	acme, globex := w.estate("Acme"), w.estate("Globex")
	for _, filter := range []string{"webhook_id=" + globex.objects["webhooks"], "subject=user-" + globex.objects["users"]} {
		path := "/api/v2/webhook-events?" + filter
		if a := w.as(acme.key, "GET", path, ""); a.status != 200 || a.at("total") != 0.0 || len(a.at("data").([]any)) != 0 {
			t.Errorf("%s = %d %s", filter, a.status, a.body)
		}
		if a := w.as(globex.key, "GET", path, ""); a.at("total") == 0.0 {
			t.Errorf("%s shows its own key nothing", filter)
		}
	}
}
