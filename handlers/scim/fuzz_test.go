package scim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// The targets send what a stranger with a token may send, to the real handler over a real read model. Whatever comes, the answer is in SCIM's form, none
// says 500, and none tells of the inside of the server.

// hostile sends one request as it is, its query unescaped, and answers the status.
func (n *tenant) hostile(t *testing.T, method, path, query, body string, headers ...string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.URL.Path, r.URL.RawQuery = "/scim/v2/"+n.directory.ID+path, query
	r.Header.Set("Authorization", "Bearer "+n.token)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	n.server.Config.Handler.ServeHTTP(w, r)
	what := func() string {
		return method + " " + path + "?" + query + " " + body + " = " + strconv.Itoa(w.Code) + " " + w.Body.String()
	}
	if w.Code >= 500 && w.Code != http.StatusNotImplemented {
		t.Fatal(what())
	}
	if w.Code == 204 || w.Code == 304 {
		return w.Code, ""
	}
	if kind := w.Header().Get("Content-Type"); kind != "application/scim+json; charset=utf-8" {
		t.Fatalf("%s, of type %s", what(), kind)
	}
	var answered map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answered); err != nil || answered["schemas"] == nil {
		t.Fatalf("not in SCIM's form: %s", what())
	}
	if status, _ := answered["status"].(string); w.Code >= 400 && (status != strconv.Itoa(w.Code) || answered["detail"] == "") {
		t.Fatalf("no error of SCIM's: %s", what())
	}
	for _, leak := range []string{"SELECT", "sqlite", "SQL", "json:", "goroutine", ".go:", "strconv", "invalid character", "unexpected end", "context canceled", "EOF"} {
		sent := strings.Contains(body, leak) || strings.Contains(query, leak) || strings.Contains(path, leak)
		if strings.Contains(w.Body.String(), leak) && !sent {
			t.Fatalf("tells of our inside: %s", what())
		}
	}
	if shown := passwordIn(answered); shown {
		t.Fatalf("shows a password: %s", what())
	}
	return w.Code, w.Body.String()
}

// passwordIn finds an attribute of this name anywhere.
func passwordIn(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			if strings.EqualFold(name, "password") || passwordIn(e) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if passwordIn(e) {
				return true
			}
		}
	}
	return false
}

// fuzzed is a directory with a user and a group.
func fuzzed(f *testing.F) (n *tenant, user, group string) {
	n = newWorld(f).tenant("Acme", domain.CustomSCIM)
	user = idOf(f, n.must(201, "POST", "/Users", `{"userName":"ada","externalId":"e1","emails":[{"value":"a@b.test","type":"work"}],"urn:x:y":{"z":[1,{"a":"b"}]}}`))
	group = idOf(f, n.must(201, "POST", "/Groups", `{"displayName":"G","members":[{"value":"`+user+`"}]}`))
	return n, user, group
}

// Proves garbage.
func FuzzFilter(f *testing.F) {
	n, user, group := fuzzed(f)
	for _, filter := range []string{
		`userName eq "ada"`, `emails[type eq "work" and value co "@"].value sw "a"`, `not (active eq true) or meta.created gt "2026-01-01T00:00:00Z"`,
		`id eq "` + user + `" and manager eq "x"`, `members.value eq "` + user + `" or id eq "` + group + `"`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr`,
		`urn:x:y:z eq 1`, `groups.display ew "G"`, `((((userName pr))))`, `title ne null`, `userName eq "\u0000\ud800"`, "\x00\xff", `x509Certificates eq "%%%"`,
	} {
		f.Add(filter, "userName", "id,emails.value")
	}
	f.Add("", "emails[type eq \"x\"]", ",,urn:,password")
	f.Fuzz(func(t *testing.T, filter, sortBy, attributes string) {
		q := url.Values{"filter": {filter}, "count": {"5"}}
		n.hostile(t, "GET", "/Users", q.Encode(), "")
		n.hostile(t, "GET", "/Groups", q.Encode(), "")
		n.hostile(t, "GET", "/Users", url.Values{"sortBy": {sortBy}, "attributes": {attributes}, "count": {"5"}}.Encode(), "")
		n.hostile(t, "GET", "/Users/"+user, "excludedAttributes="+url.QueryEscape(attributes), "")
		n.hostile(t, "GET", "/Groups", "filter="+filter, "")
		search, err := json.Marshal(map[string]any{"filter": filter, "sortBy": sortBy, "attributes": []string{attributes}, "count": 5})
		if err != nil {
			t.Fatal(err)
		}
		n.hostile(t, "POST", "/Users/.search", "", string(search))
		n.hostile(t, "POST", "/.search", "", filter)
	})
}

// Proves garbage.
func FuzzCursor(f *testing.F) {
	n, _, _ := fuzzed(f)
	for i := range 3 {
		n.must(201, "POST", "/Users", `{"userName":"u`+strconv.Itoa(i)+`"}`)
	}
	first := n.list("/Users", "cursor", "", "count", "2")
	sorted := n.list("/Users", "cursor", "", "count", "2", "sortBy", "userName")
	if first.NextCursor == "" || sorted.NextCursor == "" {
		f.Fatal("the lists have no second page")
	}
	f.Add(first.NextCursor, "", "2", "")
	f.Add(sorted.NextCursor, "userName", "2", "")
	f.Add("", "userName", "-1", "")
	f.Add("AAAA", "", "1e9", "9999999999999999999")
	f.Add("\xff=", "x", "x", "-9223372036854775808")
	f.Add("gICAgICAgICAAQ", "", "0", "0")
	f.Fuzz(func(t *testing.T, cursor, sortBy, count, start string) {
		q := url.Values{"cursor": {cursor}, "count": {count}, "sortBy": {sortBy}}
		if status, body := n.hostile(t, "GET", "/Users", q.Encode(), ""); status != 200 && status != 400 {
			t.Errorf("%v: %d %s", q, status, body)
		}
		n.hostile(t, "GET", "/Groups", q.Encode(), "")
		q.Del("cursor")
		q.Set("startIndex", start)
		n.hostile(t, "GET", "/Users", q.Encode(), "")
		n.hostile(t, "GET", "/Users", "cursor="+cursor+"&count="+count, "")
	})
}

// FuzzBody writes with any body. What it makes of the user and the group stays for the next, as with a real client.
//
// Proves garbage.
func FuzzBody(f *testing.F) {
	n, user, group := fuzzed(f)
	for _, body := range []string{
		okUser, `{"userName":"ada","password":"s3cret","emails":[{"value":"x","primary":true},{"value":"y","primary":"True"}],"active":"False","name":{"givenName":7}}`,
		`{"displayName":"G","members":[{"value":"` + user + `"},"` + group + `",{"$ref":"../Groups/` + group + `","value":"` + group + `"}]}`,
		`{"Operations":[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x"},{"op":"remove","path":"urn:x:y:z"},{"op":"add","value":{"urn:x:y":{"q":null},"name.givenName":"x"}}]}`,
		`{"Operations":[{"op":"remove","path":"members[value eq \"` + user + `\"]"},{"op":"add","path":"members","value":[{"value":"nobody"}]},{"op":"replace","path":"password","value":"s3cret"}]}`,
		`{"Operations":[{"op":"add","path":"roles","value":"[{\"value\":\"x\"}]"},{"op":"remove","path":"manager","value":""}]}`,
		`{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":[{"value":"m"}],"password":"s3cret"},"userName":"\u0000"}`,
		`[`, `{"a":1e999999}`, "\xff\xfe", `{"userName":"a"} x`, `{"members":{"value":{}}}`,
	} {
		f.Add(body, `W/"1"`, "application/scim+json")
	}
	f.Add(okUser, "*", "text/plain;charset=\xff")
	f.Fuzz(func(t *testing.T, body, match, kind string) {
		for _, request := range [][2]string{
			{"POST", "/Users"}, {"PUT", "/Users/" + user}, {"PATCH", "/Users/" + user}, {"POST", "/Groups"}, {"PUT", "/Groups/" + group}, {"PATCH", "/Groups/" + group},
		} {
			n.hostile(t, request[0], request[1], "", body)
			n.hostile(t, request[0], request[1], "", body, "If-Match", match, "Content-Type", kind)
		}
		n.hostile(t, "GET", "/Users/"+user, "", "", "If-None-Match", match)
		n.hostile(t, "GET", "/Groups/"+group, "", "")
		n.hostile(t, "GET", "/Users", "count=5", "")
	})
}

// Proves garbage.
func FuzzBulk(f *testing.F) {
	n, user, group := fuzzed(f)
	for _, body := range []string{
		`{"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"a","password":"s3cret"}},{"method":"POST","path":"/Groups","bulkId":"g","data":{"displayName":"x","members":[{"value":"bulkId:a"}]}}]}`,
		`{"failOnErrors":1,"Operations":[{"method":"PATCH","path":"/Users/bulkId:a","version":"W/\"1\"","data":{"Operations":[{"op":"add","path":"title","value":"bulkId:a"}]}},{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"b"}},{"method":"DELETE","path":"/Users/bulkId:a"}]}`,
		`{"Operations":[{"method":"PUT","path":"/Users/` + user + `","data":{"userName":"ada"}},{"method":"PATCH","path":"/Groups/` + group + `","data":{"Operations":[{"op":"remove","path":"members[value eq \"bulkId:x\"]"}]}}]}`,
		`{"Operations":[{"method":"POST","path":"/Groups","bulkId":"a","data":{"displayName":"bulkId:a"}}]}`,
		`{"Operations":[null,{},{"method":7},{"method":"GET","path":"/Users/%zz"},{"method":"DELETE","path":"//Users//"}],"failOnErrors":1e3}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		status, answered := n.hostile(t, "POST", "/Bulk", "", body)
		if status != 200 {
			return
		}
		var b struct {
			Operations []struct {
				Status, Location string
				Response         map[string]any
			}
		}
		if err := json.Unmarshal([]byte(answered), &b); err != nil || len(b.Operations) == 0 {
			t.Fatalf("%s: %s", body, answered)
		}
		for _, o := range b.Operations {
			code, err := strconv.Atoi(o.Status)
			if err != nil || code < 200 || code >= 500 || code >= 400 != (o.Response != nil) || o.Response != nil && o.Response["status"] != o.Status {
				t.Errorf("%s: %s", body, answered)
			}
			if strings.Contains(o.Location, "bulkId") {
				t.Errorf("an id holds bulkId: %s", answered)
			}
		}
	})
}

// FuzzRequestPath asks for any path below the directory's base URL and beside it, by any method.
//
// Proves garbage.
func FuzzRequestPath(f *testing.F) {
	n, user, group := fuzzed(f)
	for _, below := range []string{
		"/Users", "//Users//", "/Users/" + user, "/Groups/" + group + "/", "/Users/%2F", "/Users/..", "/Users/../../other/Users", "/./Groups", "/Schemas/URN:x", "/ResourceTypes/user",
		"/Bulk", "/.search", "/Users/.search", "/Me", "/ServiceProviderConfig", "/Users/\x00", "/Users/%zz", "/Users/" + user + "?x", "/Groups/*", "/Users/{id}", "", "/",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			f.Add(method, below, "application/scim+json")
		}
	}
	f.Add("HEAD", "/Users", "")
	f.Fuzz(func(t *testing.T, method, below, accept string) {
		if !strings.HasPrefix(path.Clean("/scim/v2/directory"+below), "/scim/") {
			return // it leads out of this door
		}
		switch method {
		case "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS": // others have no body, or are answered before any handler
		default:
			method = "GET"
		}
		if method == "DELETE" && (strings.Contains(below, user) || strings.Contains(below, group)) {
			method = "GET" // the next one needs them
		}
		if strings.Contains(strings.ToLower(accept), "application/json") {
			accept = "" // that answers in another media type
		}
		status, body := n.hostile(t, method, below, "", `{"Operations":[]}`, "Accept", accept)
		if status >= 300 && status < 400 {
			t.Fatalf("%s %q is sent elsewhere: %d %s", method, below, status, body)
		}
	})
}
