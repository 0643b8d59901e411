package domain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const samples = "testdata/events"

// Each version of each event that was ever written has a sample, which is read for ever. Samples are add-only: a
// change that breaks one breaks the logs of those who run Rollcall. What must change gets a new version and a new sample.
func TestSamplesAreReadForEver(t *testing.T) {
	frozen := map[string]string{}
	sums, err := os.ReadFile(filepath.Join(samples, "frozen.sha256"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sums)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			t.Fatalf("frozen.sha256: %q", line)
		}
		frozen[name] = sum
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil || len(files) != len(frozen) {
		t.Errorf("%d samples, %d of them frozen (%v)", len(files), len(frozen), err)
	}
	current := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(file)
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != frozen[base] {
			t.Errorf("%s is not the frozen one: samples are add-only; write a new version beside it, and its sum into frozen.sha256", base)
		}
		var sample struct {
			Name       string
			Data, Meta json.RawMessage
		}
		if err := json.Unmarshal(data, &sample); err != nil {
			t.Fatalf("%s: %v", base, err)
		}
		event, err := Decode(sample.Name, sample.Data)
		if err != nil {
			t.Errorf("%s: %v", base, err)
			continue
		}
		meta, err := DecodeMeta(sample.Meta)
		if err != nil {
			t.Errorf("%s: %v", base, err)
			continue
		}
		if meta.Schema != SchemaVersion {
			continue // an earlier version is only read
		}
		current[sample.Name] = true
		if !strings.HasPrefix(base, sample.Name+".v1.") {
			t.Errorf("%s should be %s.v1.json, or %[2]s.v1.<field>.json for a field that it gained", base, sample.Name)
		}
		name, encoded, err := Encode(event)
		if err != nil || name != sample.Name || string(encoded) != compact(t, sample.Data) {
			t.Errorf("%s is written as %s %s, %v", base, name, encoded, err)
		}
		if encoded, err := EncodeMeta(meta); err != nil || string(encoded) != compact(t, sample.Meta) {
			t.Errorf("%s: the meta is written as %s, %v", base, encoded, err)
		}
	}
	for name := range eventTypes {
		if !current[name] {
			t.Errorf("%s has no sample of version %d", name, SchemaVersion)
		}
	}
}

func compact(t *testing.T, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The samples of an event show every field, or else they would not hold that field to its name.
func TestSamplesShowEveryField(t *testing.T) {
	for name, read := range eventTypes {
		files, err := filepath.Glob(filepath.Join(samples, name+".v1.*json"))
		if err != nil {
			t.Fatal(err)
		}
		var sample struct{ Data, Meta map[string]any } // of all samples together: Unmarshal adds to maps
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &sample); err != nil {
				t.Fatal(err)
			}
		}
		event, err := read([]byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		want, shown := jsonFields(reflect.TypeOf(event)), slices.Sorted(maps.Keys(sample.Data))
		if name == "user.deactivated" { // its only edit is active; user.reactivated shows unset
			want = []string{"set"}
		}
		if !slices.Equal(shown, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s shows %q of %q", name, shown, want)
		}
		if meta := jsonFields(reflect.TypeFor[Meta]()); len(sample.Meta) != len(meta) {
			t.Errorf("%s shows %d of the meta's %d fields", name, len(sample.Meta), len(meta))
		}
	}
}

// jsonFields are the names of a struct's fields as they are stored, with a ? for those that may be absent cut off.
func jsonFields(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		f := of.Field(i)
		if f.Anonymous {
			names = append(names, jsonFields(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// optional are the fields that are absent when they are empty.
func optional(of reflect.Type) map[string]bool {
	out := map[string]bool{}
	for i := range of.NumField() {
		f := of.Field(i)
		if f.Anonymous {
			maps.Copy(out, optional(f.Type))
			continue
		}
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		out[name] = strings.HasPrefix(rest, "omit")
	}
	return out
}

var (
	headline = regexp.MustCompile(`(?m)^## (.+)$`)
	row      = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (\\w+)(\\??) \\| .+ \\|$")
)

// EVENTS.md describes each event with each of its fields in their order, and no other.
func TestEventsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("EVENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]reflect.Type{"Meta": reflect.TypeFor[Meta]()}
	for name, read := range eventTypes {
		event, err := read([]byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		if event.EventName() != name {
			t.Errorf("%s is read as %s", name, event.EventName())
		}
		types[name] = reflect.TypeOf(event)
	}
	heads := headline.FindAllSubmatchIndex(page, -1)
	for i, head := range heads {
		end := len(page)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		name, section := string(page[head[2]:head[3]]), page[head[1]:end]
		of, known := types[name]
		if !known {
			t.Errorf("EVENTS.md has %s, which is no event, or has it twice", name)
			continue
		}
		delete(types, name)
		noun, _, _ := strings.Cut(name, ".")
		if name != "Meta" && !bytes.Contains(section, []byte("Version 1, stream `"+noun+"-<")) {
			t.Errorf("EVENTS.md: %s lacks its version and stream", name)
		}
		var fields []string
		for _, m := range row.FindAllSubmatch(section, -1) {
			fields = append(fields, string(m[1]))
			if may, is := optional(of)[string(m[1])], len(m[3]) > 0; may != is {
				t.Errorf("EVENTS.md: %s.%s may be absent: %v, says the code", name, m[1], may)
			}
		}
		if want := jsonFields(of); !slices.Equal(fields, want) {
			t.Errorf("EVENTS.md: %s has the fields %q, the code %q", name, fields, want)
		}
		if rows := bytes.Count(section, []byte("\n| `")); rows != len(fields) {
			t.Errorf("EVENTS.md: %s has rows that cannot be read", name)
		}
	}
	for name := range types {
		t.Errorf("EVENTS.md lacks %s", name)
	}
}

// Whatever has an EventName is in eventTypes, or a log with it could not be read.
func TestTheSetOfEventsIsClosed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, read := range eventTypes {
		event, _ := read([]byte(`{}`))
		listed[reflect.TypeOf(event).Name()] = true
	}
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := goparser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "EventName" {
				continue
			}
			found++
			if of, ok := f.Recv.List[0].Type.(*ast.Ident); !ok || !listed[of.Name] {
				t.Errorf("%s: an event that is not in eventTypes, or has a pointer receiver", file)
			}
		}
	}
	if found != len(eventTypes) {
		t.Errorf("%d events, %d in eventTypes", found, len(eventTypes))
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, data string }{
		{"user.exploded", `{}`},
		{"user.deleted", ``},
		{"user.deleted", `[]`},
		{"user.deleted", `null`},
		{"user.deleted", `{} {}`},
		{"user.deleted", `{}x`},
		{"user.updated", `{"set":[]}`},
		{"user.updated", `{"unset":"x"}`},
		{"name.claimed", `{"owner":"user-1"`},
	} {
		if e, err := Decode(c.name, []byte(c.data)); err == nil {
			t.Errorf("%s %s: %#v", c.name, c.data, e)
		} else if !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s %s: %v", c.name, c.data, err)
		}
	}
	if _, err := DecodeMeta([]byte(`[]`)); err == nil {
		t.Error("a meta that is a list")
	}
	if e, err := Decode("user.deleted", []byte(`{"of":"a newer Rollcall"}`)); err != nil || e != (UserDeleted{}) {
		t.Errorf("%#v, %v", e, err)
	}
}

func TestEncodeMeta(t *testing.T) {
	when := time.Date(2026, 1, 31, 12, 0, 0, 123999999, time.FixedZone("CET", 3600))
	data, err := EncodeMeta(Meta{CorrelationID: "c", Actor: "system", Source: SourceSystem, RecordedAt: when})
	if want := `{"$correlationId":"c","actor":"system","source":"system","recorded_at":"2026-01-31T11:00:00.123Z","schema":1}`; err != nil || string(data) != want {
		t.Errorf("got  %s, %v\nwant %s", data, err, want)
	}
}
