package domain

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What strangers send is either read or refused in words for them; it never panics and never costs much.

func mustBeRefusal(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != Invalid && e.Code != TooLarge || e.Reason == "" || e.Message == "" || !utf8.ValidString(e.Message) {
		t.Fatalf("%#v", err)
	}
	return e
}

// Proves RFC 7644 §3.4.2.2, garbage.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`userName eq "ada"`, `title pr and not (userName sw "J") or active eq "True"`, `emails[type eq "work"].value eq "x"`,
		`id eq "X" and manager eq "Y"`, `members eq "Y"`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department co "é\"\u00e9"`,
		`meta.lastModified gt "2026-01-31T12:00:00.5+01:00"`, `urn:x:y:a.b.c eq 1e400`, `((((title pr))))`, `password pr`, `title eq "`,
		"userName eq \"\xff\"", `emails[`, `urn:`, `addresses[postalCode eq 3000]`, `title ne null`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, kind := range []*ResourceType{UserType, GroupType} {
			filter, err := kind.ParseFilter(in)
			if err != nil {
				if e := mustBeRefusal(t, err); e.Reason != InvalidFilter {
					t.Fatalf("%q: %#v", in, e)
				}
				continue
			}
			if strings.Contains(strings.ToLower(drawn(filter)), "password") && !strings.Contains(in, `"`) && !strings.Contains(strings.ToLower(in), "urn:") {
				t.Fatalf("%q asks for the password", in)
			}
			again, err := kind.ParseFilter(drawn(filter)) // with all brackets it means the same
			if err == nil && drawn(again) != drawn(filter) {
				t.Fatalf("%q\nis    %s\nagain %s", in, drawn(filter), drawn(again))
			}
			if err != nil && !strings.Contains(err.Error(), "nests too deep") && !strings.Contains(err.Error(), "too many terms") && !strings.Contains(err.Error(), "longer than") {
				t.Fatalf("%q is drawn as %s, which is refused: %v", in, drawn(filter), err)
			}
		}
	})
}

// Proves garbage.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"userName", "name.familyName", `emails[type eq "work" and primary eq "True"].value`, `members[value eq "a" or value eq "b"]`,
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager", "URN:X:y:z.a.b", "manager", "emails[", "emails[value pr].", " ", "urn:", "urn::", "urn:x:", "a.b.c[",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, kind := range []*ResourceType{UserType, GroupType} {
			target, known, err := kind.ParsePath(in)
			if err != nil {
				if e := mustBeRefusal(t, err); e.Reason != InvalidPath && e.Reason != InvalidFilter {
					t.Fatalf("%q: %#v", in, e)
				}
				continue
			}
			if !known {
				continue
			}
			if len(target.Path) == 0 || target.Path[0] == "" || (target.Selected != nil || target.Filter != nil) && !target.Attribute.MultiValued {
				t.Fatalf("%q: %#v", in, target)
			}
			if ref, ok := kind.Resolve(PathName(target.Path)); !ok || !reflect.DeepEqual(ref.Path, target.Path) {
				t.Fatalf("%q: the name of %q resolves to %q", in, target.Path, ref.Path)
			}
		}
	})
}

// Proves garbage.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`{"Operations":[{"op":"Replace","path":"active","value":"False"},{"op":"Add","path":"emails[type eq \"work\"].value","value":"w@x"}]}`,
		`{"Operations":[{"op":"replace","value":{"id":"x","name.givenName":"A","name":{"familyName":"B"},"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager":[{"value":"m","$ref":null}]}},{"op":"Remove","path":"manager","value":""}]}`,
		`{"Operations":[{"op":"add","path":"urn:x:Ext:2.0:User","value":{"a.b":[1,{"c":null}],"n":1e400}},{"op":"add","path":"URN:X:EXT:2.0:USER:a.b","value":[1,2]},{"op":"remove","path":"urn:x:ext:2.0:user:n"}]}`,
		`{"Operations":[{"op":"add","path":"roles","value":["{\"value\":\"admin\",\"primary\":\"True\"}","x"]},{"op":"remove","path":"roles","value":[{"value":"X"}]},{"op":"add","path":"roles[primary eq true].display","value":"A"}]}`,
		`{"Operations":[{"op":"add","path":"members","value":[{"value":"1"},"2"]},{"op":"remove","path":"members[value eq \"1\"]"},{"op":"remove","path":"members","value":[{"$ref":null,"value":"2"}]}]}`,
		`{"Operations":[{"op":"replace","value":{"urn:ietf:params:scim:schemas:core:2.0:User":{"title":"x"},"emails.value":"x","emails.primary":true}},{"op":"remove","path":"emails.value"}]}`,
		`{"Operations":[{"op":"replace","path":"displayName","value":"Crew"},{"op":"add","path":"externalId","value":7}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		body, err := ReadObject(in, 12)
		if err != nil {
			return
		}
		var list []PatchOp
		raw, _ := body["Operations"].([]any)
		for _, o := range raw {
			m, _ := o.(map[string]any)
			op, _ := m["op"].(string)
			path, _ := m["path"].(string)
			list = append(list, PatchOp{op, path, m["value"]})
		}
		for kind, resource := range map[*ResourceType]string{
			UserType: `{"userName":"ada","emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"}],"roles":[{"value":"x"}],
				"addresses":[{"type":"work","locality":"Bern"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"m","$ref":"r"}},"urn:x:Ext:2.0:User":{"a.b":[1,"x"],"o":{"p":1}}}`,
			GroupType: `{"displayName":"Staff"}`,
		} {
			resource, before, listBefore := tree(t, resource), tree(t, resource), clone(map[string]any(body))
			once, plan, err := kind.Patch(resource, list)
			if !reflect.DeepEqual(resource, before) || !reflect.DeepEqual(map[string]any(body), listBefore) {
				t.Fatal("the input changed")
			}
			if err != nil {
				mustBeRefusal(t, err)
			} else {
				wellFormed(t, kind, once)
				if got := EditOf(Diff(resource, once)).On(resource); !reflect.DeepEqual(got, once) {
					t.Fatalf("the edit makes %s of %s", text(got), text(once))
				}
				if kind == GroupType && once["members"] != nil {
					t.Fatal("members among the attributes")
				}
			}
			for _, m := range plan.Wanted {
				if checkMember(m.Member.ID) != nil {
					t.Fatalf("%#v", m)
				}
			}
			if len(list) < 2 {
				continue
			}
			twice, _, twiceErr := kind.Patch(resource, list[:1])
			if twiceErr == nil {
				twice, _, twiceErr = kind.Patch(twice, list[1:])
			}
			if twiceErr == nil && (err != nil || !reflect.DeepEqual(once, twice)) {
				t.Fatalf("once  %s %v\ntwice %s", text(once), err, text(twice))
			}
		}
	})
}

// Proves garbage.
func FuzzReadObject(f *testing.F) {
	for _, seed := range []string{
		`{"userName":"a","emails":[{"value":"x","primary":"True"},{"value":"x"}],"active":"False","name":{"givenName":null}}`,
		`{"displayName":"S","members":["1",{"value":"2","type":"Group"}],"urn:x:y":{"n":1e999,"a":[[],{}]}}`,
		`{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"managerId":"x"}}}`,
		`{"roles":["{\"value\":\"a\"}"]}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{}{}`, `]]{"a":[[[[[[[[[[`, `{"a":"\\"}`, `{"a":{"a":1,"a":2}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		const most = 8
		object, err := ReadObject(in, most)
		if err != nil {
			if e := mustBeRefusal(t, err); e.Reason != InvalidSyntax {
				t.Fatalf("%#v", e)
			}
			return
		}
		if d := nesting(object); d > most {
			t.Fatalf("%d deep", d)
		}
		again, err := ReadObject([]byte(text(object)), most)
		if err != nil || !reflect.DeepEqual(object, again) {
			t.Fatalf("%s reads as %s, %v", text(object), text(again), err)
		}
		for _, kind := range []*ResourceType{UserType, GroupType} {
			a, err := kind.Canonical(object)
			if !reflect.DeepEqual(object, again) {
				t.Fatal("the input changed")
			}
			if err != nil {
				mustBeRefusal(t, err)
				continue
			}
			if twice, err := kind.Canonical(a); err != nil || !reflect.DeepEqual(a, twice) {
				t.Fatalf("%s reads as %s, %v", text(a), text(twice), err)
			}
			if plan, err := PlanMembers(a["members"]); err == nil {
				if d := plan.Delta(nil); len(d.Removed) > 0 || len(d.Added) > len(plan.Wanted) {
					t.Fatalf("%#v", d)
				}
			}
		}
	})
}

// nesting is how many objects and arrays stand within each other.
func nesting(v any) int {
	deepest := -1
	switch v := v.(type) {
	case map[string]any:
		deepest = 0
		for _, e := range v {
			deepest = max(deepest, nesting(e))
		}
	case []any:
		deepest = 0
		for _, e := range v {
			deepest = max(deepest, nesting(e))
		}
	}
	return deepest + 1
}

func FuzzNameKey(f *testing.F) {
	for _, seed := range []string{"ada", "Ａｄａ", "andre\u0301", "\u017fam", "Ada Lovelace", "a\u200bb", "İ", "ΣΟΦΙΑΣ x", "ß", "\u2764\ufe0f", "ｶﾞ", "\U0001d400", "\u1e9e x", "a\u0345", "\xff", "", " ", "\u0130\u0307 x", "ŉ x", "\uab73)", "\u13a3)", "  "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		key, err := NameKey(name)
		if err != nil {
			if e := mustBeRefusal(t, err); e.Reason != InvalidValue {
				t.Fatalf("%#v", e)
			}
			return
		}
		if again, err := NameKey(key); err != nil || again != key {
			t.Fatalf("%+q has the key %+q, and that %+q, %v", name, key, again, err)
		}
		for _, same := range []string{norm.NFC.String(name), norm.NFD.String(name)} {
			if other, err := NameKey(same); err != nil || other != key {
				t.Fatalf("%+q has the key %+q, and %+q has %+q, %v", name, key, same, other, err)
			}
		}
		if !utf8.ValidString(key) {
			t.Fatalf("%+q has the key %+q", name, key)
		}
	})
}

// What an application says of a user is refused by field, or makes a user that says it; said again it changes nothing.
func FuzzProfile(f *testing.F) {
	for _, seed := range []string{
		`{"email":"a@x.test","name":"Ada","given_name":"A","family_name":"B","nickname":"c","picture":"https://x.test/a"}`, `{"email":""}`, `{"emails":[{}]}`,
		`{"userName":"ada","emails":[{"value":"a@x.test","type":"work"},{"value":"b@x.test","primary":true}],"email":"c@x.test"}`, `{"name":{"a":[]}}`, `{"name":{}}`, `{"photos":[{"value":"x"}],"picture":""}`,
		`{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":""}}}`, `{"x509Certificates":[{"value":"AA=="}]}`, `{"active":null,"externalId":""}`,
	} {
		f.Add(seed)
	}
	before := tree(f, `{"userName":"ada","emails":[{"value":"a@x.test","primary":true},{"value":"b@x.test"}],"photos":[{"value":"x"}],"name":{"givenName":"Ada"}}`)
	f.Fuzz(func(t *testing.T, in string) {
		object, err := ReadObject([]byte(in), 8)
		if err != nil {
			return
		}
		p, err := ReadProfile(object)
		if err != nil {
			if e := mustBeRefusal(t, err); len(e.Fields) == 0 {
				t.Fatalf("%q: %#v", in, e)
			}
			return
		}
		next := p.On(before)
		if again := p.On(next); !reflect.DeepEqual(again, next) {
			t.Fatalf("%q makes %s, and again %s", in, text(next), text(again))
		}
		for name, value := range next {
			if isEmpty(value) || value == "" {
				t.Fatalf("%q leaves %s empty", in, name)
			}
		}
		made, err := p.New()
		if err == nil {
			_, err = ProvisionUser("dir", made)
		}
		if err != nil {
			mustBeRefusal(t, err)
		}
	})
}
