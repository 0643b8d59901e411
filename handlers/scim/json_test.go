package scim

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func FuzzWriter(f *testing.F) {
	for _, text := range []string{"", "Ada", `"`, `\`, "<&>", "a\n\x00\x1f\x7f", "Ädä \u2028", "\xff half \xe2\x80"} {
		f.Add(text, 1)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		inner, err := encode(map[string]any{text: text, "urn:x": []any{map[string]any{"deep": text}, text}})
		if err != nil {
			t.Fatal(err)
		}
		at := time.UnixMilli(int64(n)).UTC()
		var w writer
		w.begin('{')
		w.name("list")
		w.begin('[')
		w.text(text)
		w.text(text)
		w.json(inner)
		w.end(']')
		w.member("text", text)
		w.number("number", n)
		w.time("time", at)
		w.inside([]byte(`{}`))
		w.inside([]byte(`{"a":1,"b":{}}`))
		w.end('}')
		var got, in any
		if err := json.Unmarshal(w, &got); err != nil {
			t.Fatalf("%s: %v", w, err)
		}
		if err := json.Unmarshal(inner, &in); err != nil {
			t.Fatal(err)
		}
		plain, _ := json.Marshal(text) // what is no UTF-8 is replaced
		var legible string
		if err := json.Unmarshal(plain, &legible); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"list": []any{legible, legible, in}, "text": legible, "number": float64(n), "time": at.Format("2006-01-02T15:04:05.000Z"), "a": float64(1), "b": map[string]any{},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nis %v\nnot %v", w, got, want)
		}
		var found []string
		names(inner, func(name []byte) {
			var s string
			if err := json.Unmarshal(name, &s); err != nil {
				t.Fatal(err)
			}
			found = append(found, s)
		})
		for _, name := range found {
			if _, there := in.(map[string]any)[name]; !there {
				t.Errorf("%s has no %q", inner, name)
			}
		}
		if len(found) != len(in.(map[string]any)) {
			t.Errorf("%q are the names of %s", found, inner)
		}
	})
}
