package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// refused holds an error of an operation to its form: the status, the field that it names ("" for none) and the request's id.
func (w *world) refused(o row, path, body string, status int, field string, headers ...string) {
	w.t.Helper()
	before := w.head()
	a := w.do(o.method, path, body, headers...)
	if a.status != status || a.header.Get("Content-Type") != "application/json" {
		w.t.Errorf("%s %.200s %.100s = %d, want %d: %s", o, path, body, a.status, status, a.body)
		return
	}
	if o.needs() == "" { // a form of its own
		return
	}
	fields, _ := a.at("error", "fields").(map[string]any)
	if field == "" && len(fields) > 0 || field != "" && fields[field] == nil {
		w.t.Errorf("%s %.200s %.100s names %v, want %q", o, path, body, fields, field)
	}
	if a.text("error", "request_id") != a.header.Get("X-Request-Id") {
		w.t.Errorf("%s: %s", o, a.body)
	}
	if w.head() != before {
		w.t.Errorf("%s %.200s %.100s wrote to the log", o, path, body)
	}
}

// TestEveryQueryIsChecked: parameters that an operation does not know, and values that its description does not allow.
func TestEveryQueryIsChecked(t *testing.T) {
	w := newWorld(t)
	acme := w.estate("Acme")
	looked := 0
	for _, o := range table(t) {
		if o.needs() == "" {
			continue
		}
		path := o.at(t, acme.domain, acme.objects)
		w.refused(o, path+"?surprise=1", o.body(t, acme), 422, "surprise")
		w.refused(o, path+"?a=%zz", o.body(t, acme), 400, "")
		for _, p := range o.Parameters {
			s := p.Value.Schema.Value
			var wrong []string
			switch {
			case p.Value.In != "query":
				continue
			case s.Type.Is("integer"):
				wrong = []string{"", "x", "1.5", "1e3", "-1", "99999999999999999999", fmt.Sprint(*s.Min - 1)}
				if s.Max != nil {
					wrong = append(wrong, fmt.Sprint(int(*s.Max)+1))
				}
			case len(s.Enum) > 0 || s.Pattern != "":
				wrong = []string{"nonsense", "NULL", "%00"}
			}
			for _, value := range wrong {
				looked++
				w.refused(o, path+"?"+p.Value.Name+"="+value, o.body(t, acme), 422, p.Value.Name)
			}
		}
	}
	if looked < 100 {
		t.Errorf("only %d values were tried", looked)
	}
}

// TestEveryListHasPages: an operation that answers a list says so, and takes the parameters of one.
func TestEveryListHasPages(t *testing.T) {
	for _, o := range table(t) {
		answer := o.Responses.Status(200)
		if answer == nil || answer.Value.Content["application/json"] == nil {
			continue
		}
		s := answer.Value.Content["application/json"].Schema.Value
		if kind := s.Properties["__type__"]; kind == nil || kind.Value.Const != "List" {
			continue
		}
		if _, byCursor := s.Properties["pagination"].Value.Properties["next_after"]; !o.takes("per_page") || !byCursor && !o.takes("page") || byCursor && !o.takes("after") {
			t.Errorf("%s answers a list without the parameters of its pages", o)
		}
	}
}

// TestEveryBodyIsChecked: what is no JSON object, is too large or too deep, of another media type, or has fields that are unknown or of another type.
func TestEveryBodyIsChecked(t *testing.T) {
	w := newWorld(t)
	acme := w.estate("Acme")
	looked := 0
	for _, o := range table(t) {
		if o.streams() {
			continue
		}
		path, example := o.at(t, acme.domain, acme.objects), o.body(t, acme)
		if o.needs() != "" && o.method != "GET" || example != "" {
			looked++
			large := `{"name":"` + strings.Repeat("a", 1<<20) + `"}`
			for _, body := range []string{`{`, `[]`, `null`, `"name"`, `{"a":1} {}`, `{"a":1,}`, "\x00", `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`} {
				w.refused(o, path, body, 400, "")
			}
			w.refused(o, path, large, 413, "")
			w.refused(o, path, `<a/>`, 415, "", "Content-Type", "text/xml")
			w.refused(o, path, `{}`, 415, "", "Content-Type", ";")
		}
		if o.needs() == "" {
			continue
		}
		fields := map[string]any{}
		if example != "" {
			if err := json.Unmarshal([]byte(example), &fields); err != nil {
				t.Fatal(err)
			}
		}
		with := func(name string, value any) string {
			changed := maps.Clone(fields)
			changed[name] = value
			text, err := json.Marshal(changed)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		w.refused(o, path, with("surprise", nil), 422, "surprise")
		if example == "" {
			continue
		}
		schema := o.RequestBody.Value.Content.Get("application/json").Schema.Value
		if open := schema.AdditionalProperties.Has; open == nil || *open {
			t.Errorf("%s does not say that it takes no other fields", o)
		}
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			for _, value := range otherTypes(schema.Properties[name].Value) {
				w.refused(o, path, with(name, value), 422, name)
			}
		}
		for _, name := range schema.Required {
			w.refused(o, path, with(name, nil), 422, name)
		}
	}
	if looked < 20 {
		t.Errorf("only %d operations were looked at", looked)
	}
}

// otherTypes are values that a field is not of.
func otherTypes(s *openapi3.Schema) []any {
	types := s.Type.Slice()
	for _, choice := range s.AnyOf {
		types = append(types, choice.Value.Type.Slice()...)
	}
	values := map[string]any{"string": "nonsense", "integer": 7, "boolean": true, "array": []any{map[string]any{}}, "object": map[string]any{"a": []any{}}}
	var out []any
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if free := name == "string" || name == "integer" || name == "boolean"; !free || !slices.Contains(types, name) {
			out = append(out, values[name]) // a list or an object is wrong within, where it is not as a whole
		}
	}
	return out
}

// TestBodyThatTurnsOutEmpty: one whose length is not told, as by a proxy, is none.
func TestBodyThatTurnsOutEmpty(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	r := httptest.NewRequest("POST", "/api/v2/org/acme/directory-sync", io.MultiReader())
	r.Header.Set("Authorization", "Bearer "+w.key)
	if r.ContentLength != -1 {
		t.Fatalf("the length is told: %d", r.ContentLength)
	}
	a := httptest.NewRecorder()
	if w.handler.ServeHTTP(a, r); a.Code != 201 {
		t.Errorf("%d %s", a.Code, a.Body)
	}
}
