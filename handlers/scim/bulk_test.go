package scim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

type bulkAnswer struct {
	Operations []struct{ Method, BulkID, Location, Version, Status string }
}

func (n *tenant) bulk(operations ...string) (bulkAnswer, answer) {
	n.t.Helper()
	a := n.must(200, "POST", "/Bulk", `{"Operations":[`+strings.Join(operations, ",")+`]}`)
	var b bulkAnswer
	if err := json.Unmarshal([]byte(a.body), &b); err != nil {
		n.t.Fatal(err)
	}
	return b, a
}

func TestBulkIsAuditedAsOneRequest(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.Okta)
	before := n.head()
	_, a := n.bulk(
		`{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"a"}}`,
		`{"method":"PATCH","path":"/Users/bulkId:a","data":{"Operations":[{"op":"add","path":"title","value":"t"}]}}`,
		`{"method":"DELETE","path":"/Users/bulkId:a"}`,
	)
	seen := 0
	for r, err := range n.log.All(t.Context(), before) {
		if err != nil {
			t.Fatal(err)
		}
		meta, err := domain.DecodeMeta(r.Meta)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		id, _, _ := strings.Cut(n.token, ".")
		if meta.Request != a.header.Get("X-Request-Id") || meta.Actor != "token:"+id || meta.Source != domain.SourceSCIM {
			t.Errorf("%s says %+v", r.Type, meta)
		}
	}
	if seen != 5 { // claimed, provisioned, updated, deleted, released
		t.Errorf("%d events", seen)
	}
}

// TestBulkStopsAtFailOnErrors: what stands behind the last failure that is accepted is not done.
func TestBulkStopsAtFailOnErrors(t *testing.T) {
	for limit, want := range map[string]string{"1": "201 400", "2": "201 400 201 400", "0": "201 400 201 400 201", "null": "201 400 201 400 201", "3": "201 400 201 400 201"} {
		n := newWorld(t).tenant("Acme", domain.Okta)
		var operations []string
		for i := range 5 {
			name := fmt.Sprint("u", i)
			if i%2 == 1 {
				name = ""
			}
			operations = append(operations, fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"%d","data":{"userName":%q}}`, i, name))
		}
		a := n.must(200, "POST", "/Bulk", `{"failOnErrors":`+limit+`,"Operations":[`+strings.Join(operations, ",")+`]}`)
		var b bulkAnswer
		if err := json.Unmarshal([]byte(a.body), &b); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range b.Operations {
			got = append(got, o.Status)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("failOnErrors %s: %v, want %s", limit, got, want)
		}
		users := strings.Count(want, "201")
		if list := n.list("/Users"); list.TotalResults != users {
			t.Errorf("failOnErrors %s left %d users, want %d", limit, list.TotalResults, users)
		}
	}
}

// TestBulk: an operation does to the log what the same request by itself does.
//
// Proves RFC 7644 §3.7, §3.7.1, §3.7.2, §3.7.3, §3.7.4.
func TestBulk(t *testing.T) {
	steps := []struct{ method, path, data string }{
		{"POST", "/Users", `{"userName":"ada","password":"x","emails":[{"value":"a@b.test","type":"work"}]}`},
		{"PUT", "/Users/%s", `{"userName":"ada","active":"False"}`},
		{"PATCH", "/Users/%s", `{"Operations":[{"op":"Replace","path":"active","value":"True"},{"op":"add","path":"emails[type eq \"home\"].value","value":"h@b.test"}]}`},
		{"PATCH", "/Users/%s", `{"Operations":[{"op":"replace","path":"id","value":"x"}]}`},
		{"DELETE", "/Users/%s", ""},
		{"DELETE", "/Users/%s", ""},
	}
	alone, together := newWorld(t).tenant("Acme", domain.Okta), newWorld(t).tenant("Acme", domain.Okta)
	from, fromTogether := alone.head(), together.head()
	id, want := "", ""
	var operations []string
	for _, s := range steps {
		path := s.path
		if strings.Contains(path, "%s") {
			path = fmt.Sprintf(s.path, id)
		}
		a := alone.do(s.method, path, s.data)
		if id == "" {
			id = idOf(t, a)
		}
		want += fmt.Sprintln(a.status, a.header.Get("ETag"))
		o := fmt.Sprintf(`{"method":%q,"path":%q,"bulkId":"ada"`, s.method, strings.ReplaceAll(s.path, "%s", "bulkId:ada"))
		if s.data != "" {
			o += `,"data":` + s.data
		}
		operations = append(operations, o+"}")
	}
	b, _ := together.bulk(operations...)
	got := ""
	for _, o := range b.Operations {
		got += fmt.Sprintln(o.Status, o.Version)
	}
	if got != want {
		t.Errorf("answered\n%s\nby themselves\n%s", got, want)
	}
	if got, want := together.events(t, fromTogether), alone.events(t, from); got != want {
		t.Errorf("wrote\n%s\nby themselves\n%s", got, want)
	}
}

// events is what was written after a position, without ids.
func (n *tenant) events(t *testing.T, after eventstore.Position) string {
	var out strings.Builder
	for r, err := range n.log.All(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, r.Type, strings.ReplaceAll(uuids.ReplaceAllString(string(r.Data), "$id"), n.directory.ID, "$directory"))
	}
	return out.String()
}
