package scim_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

const okUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada"}`

// patchOf is the body of a PATCH.
func patchOf(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":` + operations + `}`
}

// TestRefusals holds bad input to its status and scimType, in SCIM's form, with nothing written and nothing leaked.
//
// Proves RFC 7643 §2.2, §2.3, §3.1, RFC 7644 §2, §3.1, §3.2, §3.5.2, §3.8, §3.11, §3.12, §3.13, §4, limits.
func TestRefusals(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	id := idOf(t, n.must(201, "POST", "/Users", okUser))
	group := idOf(t, n.must(201, "POST", "/Groups", `{"displayName":"G"}`))
	deep := strings.Repeat(`{"a":`, 20) + `1` + strings.Repeat(`}`, 20)
	cases := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		scimType                 string
	}{
		{"malformed JSON", "POST", "/Users", `{"userName":`, nil, 400, "invalidSyntax"},
		{"no JSON", "POST", "/Users", `<xml/>`, nil, 400, "invalidSyntax"},
		{"an array", "POST", "/Users", `[]`, nil, 400, "invalidSyntax"},
		{"null", "POST", "/Users", `null`, nil, 400, "invalidSyntax"},
		{"an empty body", "POST", "/Users", ``, nil, 400, "invalidSyntax"},
		{"something after the object", "POST", "/Users", okUser + `{}`, nil, 400, "invalidSyntax"},
		{"nested too deep", "POST", "/Users", deep, nil, 400, "invalidSyntax"},
		{"an attribute twice", "POST", "/Users", `{"userName":"a","USERNAME":"b"}`, nil, 400, "invalidSyntax"},
		{"a name twice", "POST", "/Users", `{"userName":"a","name":{"givenName":"a","givenName":"b"}}`, nil, 400, "invalidSyntax"},
		{"no userName", "POST", "/Users", `{"displayName":"x"}`, nil, 400, "invalidValue"},
		{"an empty userName", "POST", "/Users", `{"userName":""}`, nil, 400, "invalidValue"},
		{"a long userName", "POST", "/Users", `{"userName":"` + strings.Repeat("x", 1025) + `"}`, nil, 400, "invalidValue"},
		{"too many values", "PUT", "/Users/" + id, `{"userName":"ada","emails":["0"` + many(1000) + `]}`, nil, 413, "tooMany"},
		{"a userName with a control character", "POST", "/Users", `{"userName":"a\u0000b"}`, nil, 400, "invalidValue"},
		{"a userName with a zero-width space", "POST", "/Users", `{"userName":"a\u200bb"}`, nil, 400, "invalidValue"},
		{"active is no boolean", "POST", "/Users", `{"userName":"x","active":"maybe"}`, nil, 400, "invalidValue"},
		{"name is a number", "POST", "/Users", `{"userName":"x","name":7}`, nil, 400, "invalidValue"},
		{"an extension is a text", "POST", "/Users", `{"userName":"x","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":"x"}`, nil, 400, "invalidValue"},
		{"a certificate is not base64", "POST", "/Users", `{"userName":"x","x509Certificates":[{"value":"%%%"}]}`, nil, 400, "invalidValue"},
		{"the name is taken", "POST", "/Users", `{"userName":"ADA"}`, nil, 409, "uniqueness"},
		{"a wrong media type", "POST", "/Users", okUser, []string{"Content-Type", "text/plain"}, 415, ""},
		{"a body over the limit", "POST", "/Users", `{"userName":"` + strings.Repeat("x", 16<<20) + `"}`, nil, 413, ""},
		{"an unknown resource", "GET", "/Users/nobody", "", nil, 404, ""},
		{"an unknown resource to write", "PUT", "/Users/nobody", okUser, nil, 404, ""},
		{"an unknown resource to change", "PATCH", "/Users/nobody", patchOf(`[{"op":"add","path":"title","value":"x"}]`), nil, 404, ""},
		{"an unknown resource to delete", "DELETE", "/Users/nobody", "", nil, 404, ""},
		{"a group is no user", "GET", "/Users/" + group, "", nil, 404, ""},
		{"an unknown path", "GET", "/Robots", "", nil, 404, ""},
		{"a wrong method", "POST", "/Users/" + id, okUser, nil, 405, ""},
		{"a write to discovery", "PUT", "/ServiceProviderConfig", "{}", nil, 405, ""},
		{"/Me", "GET", "/Me", "", nil, 501, ""},
		{"a bulk request without operations", "POST", "/Bulk", "{}", nil, 400, "invalidSyntax"},
		{"a bulk request with no operation", "POST", "/Bulk", `{"Operations":[]}`, nil, 400, "invalidSyntax"},
		{"a bulk request with too many operations", "POST", "/Bulk", `{"Operations":[1` + strings.Repeat(",1", 1000) + `]}`, nil, 413, ""},
		{"a bulk request over the limit", "POST", "/Bulk", `{"Operations":["` + strings.Repeat("x", 16<<20) + `"]}`, nil, 413, ""},
		{"a bulkId twice", "POST", "/Bulk", `{"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{}},{"method":"POST","path":"/Groups","bulkId":"a","data":{}}]}`, nil, 400, "invalidValue"},
		{"failOnErrors is no number", "POST", "/Bulk", `{"failOnErrors":"x","Operations":[1]}`, nil, 400, "invalidValue"},
		{"failOnErrors is negative", "POST", "/Bulk", `{"failOnErrors":-1,"Operations":[1]}`, nil, 400, "invalidValue"},
		{"a wrong method on /Bulk", "GET", "/Bulk", "", nil, 405, ""},
		{"an unreadable filter", "GET", "/Users?filter=userName%20eq", "", nil, 400, "invalidFilter"},
		{"a filter on an unknown attribute", "GET", "/Users?filter=shoeSize%20eq%20%2242%22", "", nil, 400, "invalidFilter"},
		{"a filter on the password", "GET", "/Users?filter=password%20sw%20%22a%22", "", nil, 400, "invalidFilter"},
		{"a filter that is not supported", "GET", "/Users?filter=meta.location%20eq%20%22x%22", "", nil, 400, "invalidFilter"},
		{"a filter over the limit", "GET", "/Users?filter=userName%20eq%20%22" + strings.Repeat("x", 5000) + "%22", "", nil, 400, "invalidFilter"},
		{"a filter nested too deep", "GET", "/Users?filter=" + strings.Repeat("(", 40) + "active%20eq%20true" + strings.Repeat(")", 40), "", nil, 400, "invalidFilter"},
		{"a filter on discovery", "GET", "/Schemas?filter=id%20pr", "", nil, 403, ""},
		{"startIndex is no number", "GET", "/Users?startIndex=x", "", nil, 400, "invalidValue"},
		{"count is no number", "GET", "/Users?count=1e99", "", nil, 400, "invalidValue"},
		{"attributes and excludedAttributes", "GET", "/Users?attributes=id&excludedAttributes=name", "", nil, 400, "invalidValue"},
		{"attributes and excludedAttributes with a write", "POST", "/Groups?attributes=id&excludedAttributes=x", `{"displayName":"H"}`, nil, 400, "invalidValue"},
		{"no operations", "PATCH", "/Users/" + id, patchOf(`[]`), nil, 400, "invalidSyntax"},
		{"operations are no list", "PATCH", "/Users/" + id, patchOf(`{}`), nil, 400, "invalidSyntax"},
		{"an operation is no object", "PATCH", "/Users/" + id, patchOf(`[1]`), nil, 400, "invalidSyntax"},
		{"an unknown operation", "PATCH", "/Users/" + id, patchOf(`[{"op":"move","path":"title","value":"x"}]`), nil, 400, "invalidSyntax"},
		{"the path is a number", "PATCH", "/Users/" + id, patchOf(`[{"op":"add","path":1,"value":"x"}]`), nil, 400, "invalidSyntax"},
		{"an unreadable path", "PATCH", "/Users/" + id, patchOf(`[{"op":"add","path":"emails value","value":"x"}]`), nil, 400, "invalidPath"},
		{"an unreadable filter in a path", "PATCH", "/Users/" + id, patchOf(`[{"op":"add","path":"emails[type eq","value":"x"}]`), nil, 400, "invalidFilter"},
		{"remove without a path", "PATCH", "/Users/" + id, patchOf(`[{"op":"remove"}]`), nil, 400, "noTarget"},
		{"a read-only attribute", "PATCH", "/Users/" + id, patchOf(`[{"op":"replace","path":"id","value":"x"}]`), nil, 400, "mutability"},
		{"removing what is required", "PATCH", "/Users/" + id, patchOf(`[{"op":"remove","path":"userName"}]`), nil, 400, "mutability"},
		{"the second of two operations is bad", "PATCH", "/Users/" + id, patchOf(`[{"op":"add","path":"title","value":"x"},{"op":"replace","path":"active","value":"perhaps"}]`), nil, 400, "invalidValue"},
		{"too many operations", "PATCH", "/Users/" + id, patchOf(`[` + strings.Repeat(`{"op":"add","path":"title","value":"x"},`, 1000) + `{"op":"add","path":"title","value":"x"}]`), nil, 413, "tooMany"},
		{"members without a value in the place of others", "PATCH", "/Groups/" + group, patchOf(`[{"op":"replace","path":"members","value":[{"display":"x"}]}]`), nil, 400, "invalidValue"},
		{"a group of members without a value", "PUT", "/Groups/" + group, `{"displayName":"G","members":[{"value":""},{}]}`, nil, 400, "invalidValue"},
		{"no token", "GET", "/Users", "", []string{"Authorization", ""}, 401, ""},
		{"another scheme", "GET", "/Users", "", []string{"Authorization", "Basic YTpi"}, 401, ""},
		{"a wrong secret", "GET", "/Users", "", []string{"Authorization", "Bearer " + n.token + "x"}, 401, ""},
		{"a token without a form", "GET", "/Users", "", []string{"Authorization", "Bearer x"}, 401, ""},
	}
	before := n.head()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := n.do(c.method, c.path, c.body, c.headers...)
			var e struct {
				Schemas                  []string
				Status, ScimType, Detail string
			}
			if err := json.Unmarshal([]byte(a.body), &e); err != nil {
				t.Fatalf("the answer is no SCIM error: %s", a.body)
			}
			if a.status != c.status || e.ScimType != c.scimType || e.Status != strconv.Itoa(c.status) {
				t.Errorf("answered %d %q %q (%s), want %d %q", a.status, e.Status, e.ScimType, e.Detail, c.status, c.scimType)
			}
			if len(e.Schemas) != 1 || e.Schemas[0] != "urn:ietf:params:scim:api:messages:2.0:Error" || e.Detail == "" {
				t.Errorf("not in SCIM's form: %s", a.body)
			}
			for _, leak := range []string{"SELECT", "sqlite", "json:", "goroutine", ".go:", "strconv", "invalid character"} {
				if strings.Contains(a.body, leak) {
					t.Errorf("the answer tells of our inside: %s", a.body)
				}
			}
			if a.header.Get("X-Request-Id") == "" {
				t.Error("the answer has no request id")
			}
			if c.status == 401 && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Error("401 without WWW-Authenticate")
			}
			if c.status == 405 && a.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
	if after := n.head(); after != before {
		t.Errorf("a refused request wrote: the log went from %s to %s", before, after)
	}
}

// many are texts that differ, each behind a comma.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"x` + strconv.Itoa(i) + `"`)
	}
	return b.String()
}

func idOf(t testing.TB, a answer) string {
	t.Helper()
	var r struct{ ID string }
	if err := json.Unmarshal([]byte(a.body), &r); err != nil || r.ID == "" {
		t.Fatalf("no id in %s", a.body)
	}
	return r.ID
}

// TestUnknownDirectoryIsAWrongToken: a stranger learns nothing of which directories there are.
//
// Proves RFC 7644 §2.
func TestUnknownDirectoryIsAWrongToken(t *testing.T) {
	w := newWorld(t)
	acme, other := w.tenant("Acme", domain.Okta), w.tenant("Globex", domain.Okta)
	wrong := acme.do("GET", "/Users", "", "Authorization", "Bearer "+other.token)
	nowhere := *acme
	nowhere.directory.ID = "019a0000-0000-7000-8000-000000000000"
	unknown := nowhere.do("GET", "/Users", "")
	if wrong.status != 401 || unknown.status != 401 || wrong.body != unknown.body {
		t.Errorf("told apart: %d %s and %d %s", wrong.status, wrong.body, unknown.status, unknown.body)
	}
}
