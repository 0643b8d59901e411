package domain

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// trees draws what attributes may be: objects without empty members, with names and numbers as extensions have them.
func trees() *rapid.Generator[Attributes] {
	names := rapid.SampledFrom([]string{"userName", "name", "givenName", "emails", "a.b", "a", "b", "", "A", "urn:x:Ext:2.0:User", EnterpriseUserURN, "ü\u2028<&>"})
	scalar := rapid.OneOf(
		rapid.Map(rapid.SampledFrom([]string{"", "x", "X", "é\u2028<>"}), func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.SampledFrom([]string{"0", "-1.50", "1e400", "123456789012345678901234567890"}), func(s string) any { return json.Number(s) }),
	)
	var object func(depth int) *rapid.Generator[map[string]any]
	element := func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return scalar
		}
		return rapid.OneOf(scalar, rapid.Map(object(depth-1), func(m map[string]any) any { return m }))
	}
	member := func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return scalar
		}
		list := rapid.Map(rapid.SliceOfN(element(depth-1), 1, 3), func(l []any) any { return l })
		return rapid.OneOf(scalar, list, rapid.Map(object(depth-1), func(m map[string]any) any { return m }))
	}
	object = func(depth int) *rapid.Generator[map[string]any] {
		return rapid.MapOfN(names, member(depth), 1, 4)
	}
	return rapid.Map(object(3), func(m map[string]any) Attributes { return m })
}

func TestEditsGoFromOneStateToTheNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := trees().Draw(t, "a"), trees().Draw(t, "b")
		if rapid.Bool().Draw(t, "near") { // states that share most
			c := a.Clone()
			for _, d := range Diff(a, b) {
				if rapid.Bool().Draw(t, "take") {
					assign(c, d.Path, clone(d.After))
				}
			}
			b = c
		}
		beforeA, beforeB := a.Clone(), b.Clone()
		edit := EditOf(Diff(a, b))
		if edit.Empty() != reflect.DeepEqual(a, b) {
			t.Fatalf("empty: %v", edit.Empty())
		}
		_, data, err := Encode(UserUpdated{edit})
		if err != nil {
			t.Fatal(err)
		}
		event, err := Decode("user.updated", data)
		if err != nil {
			t.Fatal(err)
		}
		for what, e := range map[string]Edit{"decided": edit, "stored": event.(UserUpdated).Edit} {
			if got := e.On(a); !reflect.DeepEqual(got, b) {
				t.Fatalf("%s: got %s\nwant %s\nby %s", what, text(got), text(b), text(e))
			}
		}
		scribble(map[string]any(edit.On(a)))
		if !reflect.DeepEqual(a, beforeA) || !reflect.DeepEqual(b, beforeB) {
			t.Fatal("the states changed")
		}
		if _, again, _ := Encode(UserUpdated{edit}); string(again) != string(data) {
			t.Fatal("the edit shares memory with what it made")
		}
	})
}

// Whoever replays a user's events has the state that lived through them.
func TestReplayIsTheSameState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := func() Attributes {
			a := trees().Draw(t, "state")
			a["userName"] = "ada"
			delete(a, "active")
			if rapid.Bool().Draw(t, "says active") {
				a["active"] = rapid.Bool().Draw(t, "active")
			}
			return a
		}
		type record struct {
			name string
			data []byte
		}
		var log []record
		var lived User
		first := state()
		e, err := ProvisionUser("dir", first)
		for range rapid.IntRange(1, 6).Draw(t, "events") {
			if err != nil {
				t.Fatal(err)
			}
			if e != nil {
				name, data, err := Encode(e)
				if err != nil {
					t.Fatal(err)
				}
				log = append(log, record{name, data})
				was := lived
				if lived.Apply(e); was.Exists() {
					if want := map[[2]bool]string{{true, false}: "user.deactivated", {false, true}: "user.reactivated"}[[2]bool{was.Attributes.Active(), lived.Attributes.Active()}]; want != name && (want != "" || name != "user.updated") {
						t.Fatalf("%s, but active went from %v to %v", name, was.Attributes.Active(), lived.Attributes.Active())
					}
				}
			}
			next := state()
			if lived.Attributes["active"] == nil && next["active"] == true {
				delete(next, "active") // said or not, it is so
			}
			if e, err = lived.Become(next); e == nil && err == nil && !reflect.DeepEqual(lived.Attributes, next) {
				t.Fatal("something is new, and no event says so")
			}
		}
		var replayed User
		for _, r := range log {
			e, err := Decode(r.name, r.data)
			if err != nil {
				t.Fatal(err)
			}
			replayed.Apply(e)
		}
		if !reflect.DeepEqual(lived, replayed) {
			t.Fatalf("lived %s\nreplayed %s", text(lived.Attributes), text(replayed.Attributes))
		}
	})
}

// A patch ends the same in one request or in two.
func TestPatchInOneOrTwoRequests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths := []string{"title", "name", "name.givenName", "active", "emails", `emails[type eq "work"]`, `emails[type eq "work"].value`,
			`emails[type eq "home" and primary eq true].display`, `emails[primary eq "True"].value`, "emails.type", "emails.primary", "addresses",
			`addresses[type eq "work"].locality`, "manager", "manager.value", "manager.$ref", EnterpriseUserURN, EnterpriseUserURN + ":badge",
			"urn:x:y:2.0:User", "URN:X:Y:2.0:USER:tags", "urn:x:y:2.0:User:a.b", "id", "shoe"}
		text := rapid.SampledFrom([]string{"", "x", "y", "work", "True"})
		values := rapid.OneOf(
			rapid.Map(text, func(s string) any { return s }),
			rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](json.Number("7")), rapid.Just[any]([]any{}),
			rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"value", "type", "display", "$ref", "givenName", "tags", "a.b", "badge", "locality"}), text, 0, 3), func(m map[string]string) any {
				out := map[string]any{}
				for k, v := range m {
					out[k] = v
				}
				return out
			}),
		)
		values = rapid.OneOf(values, rapid.Map(rapid.SliceOfN(values, 1, 3), func(l []any) any { return l }))
		operation := rapid.Custom(func(t *rapid.T) PatchOp {
			o := PatchOp{Op: rapid.SampledFrom([]string{"add", "replace", "Remove"}).Draw(t, "op"), Path: rapid.SampledFrom(paths).Draw(t, "path")}
			if rapid.Bool().Draw(t, "with value") {
				o.Value = values.Draw(t, "value")
			}
			if o.Op != "Remove" && rapid.Bool().Draw(t, "without path") {
				o.Path, o.Value = "", map[string]any{o.Path: o.Value, rapid.SampledFrom(paths).Draw(t, "second"): values.Draw(t, "value")}
			}
			return o
		})
		resource := Attributes{"userName": "ada"}
		for range 4 { // begin anywhere
			if next, _, err := UserType.Patch(resource, []PatchOp{operation.Draw(t, "before")}); err == nil {
				resource = next
			}
		}
		before := resource.Clone()
		list := rapid.SliceOfN(operation, 2, 6).Draw(t, "operations")
		cut := rapid.IntRange(1, len(list)-1).Draw(t, "cut")
		once, _, onceErr := UserType.Patch(resource, list)
		half, _, twiceErr := UserType.Patch(resource, list[:cut])
		var twice Attributes
		if twiceErr == nil {
			var u User
			u.Apply(UserProvisioned{"dir", resource})
			if e, err := u.Become(half); err != nil {
				t.Fatal(err)
			} else if e != nil {
				u.Apply(e)
			}
			twice, _, twiceErr = UserType.Patch(u.Attributes, list[cut:])
		}
		user := User{Attributes: resource} // to whom it is one whether he says that he is active
		if refusal(onceErr) != refusal(twiceErr) || onceErr == nil && !reflect.DeepEqual(user.active(once), user.active(twice)) {
			t.Fatalf("once  %v %v\ntwice %v %v", once, onceErr, twice, twiceErr)
		}
		if !reflect.DeepEqual(resource, before) {
			t.Fatal("the resource changed")
		}
		if onceErr == nil {
			wellFormed(t, UserType, once)
		}
	})
}

// wellFormed: no null, nothing empty, one primary, and a PUT of it changes nothing.
func wellFormed(t interface{ Fatalf(string, ...any) }, kind *ResourceType, a Attributes) {
	again, err := kind.Canonical(a)
	if err != nil || !reflect.DeepEqual(a, again) {
		t.Fatalf("%s reads as %s, %v", text(a), text(again), err)
	}
	for name, v := range a {
		primary := 0
		list, _ := v.([]any)
		for _, e := range list {
			if m, _ := e.(map[string]any); m["primary"] == true {
				primary++
			}
		}
		if primary > 1 {
			t.Fatalf("%d values of %s are primary", primary, name)
		}
	}
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{`{}`, `{}`, `null`},
		{`{"a":1}`, `{"a":1}`, `null`},
		{`{"a":1}`, `{"a":1.0}`, `[{"Path":["a"],"Before":1,"After":1.0}]`},
		{`{"b":1,"a":{"y":1,"x":2}}`, `{"c":1,"a":{"y":2}}`, `[{"Path":["a","x"],"Before":2,"After":null},{"Path":["a","y"],"Before":1,"After":2},{"Path":["b"],"Before":1,"After":null},{"Path":["c"],"Before":null,"After":1}]`},
		{`{"a":{"x":1}}`, `{"a":"s"}`, `[{"Path":["a"],"Before":{"x":1},"After":"s"}]`},
		{`{"a":[{"x":1}]}`, `{"a":[{"x":2}]}`, `[{"Path":["a"],"Before":[{"x":1}],"After":[{"x":2}]}]`},
		{`{}`, `{"urn:x:y":{"m":{"v":1}}}`, `[{"Path":["urn:x:y","m","v"],"Before":null,"After":1}]`},
	} {
		if got := text(Diff(tree(t, c.a), tree(t, c.b))); got != c.want {
			t.Errorf("%s -> %s\ngot  %s\nwant %s", c.a, c.b, got, c.want)
		}
	}
	if d := Diff(nil, tree(t, `{"urn:x:y":{"m":{"v":1}}}`)); len(d) != 1 || d[0].Name() != "urn:x:y:m.v" {
		t.Errorf("%+v", d)
	}
}

// Proves Directory Sync §before-and-after.
func TestChangeBetween(t *testing.T) {
	before := tree(t, `{"id":"u","active":true,"name":{"givenName":"A","familyName":"B"},"title":"Dr"}`)
	after := tree(t, `{"id":"u","active":false,"name":{"givenName":"C","familyName":"B"},"`+EnterpriseUserURN+`":{"department":"D"}}`)
	c := ChangeBetween(TypeUserDeactivated, before, after)
	want := []string{"active", "name.givenName", "title", EnterpriseUserURN + ":department"}
	if c.Type != TypeUserDeactivated || !slices.Equal(c.Changed, want) {
		t.Errorf("%s %q", c.Type, c.Changed)
	}
	if got := text(c.Previous); got != `{"active":true,"name.givenName":"A","title":"Dr"}` {
		t.Errorf("previous %s", got)
	}
	if got := text(c.New); got != `{"active":false,"name.givenName":"C","`+EnterpriseUserURN+`:department":"D"}` {
		t.Errorf("new %s", got)
	}
	created, deleted := ChangeBetween(TypeUserCreated, nil, before), ChangeBetween(TypeUserDeleted, before, nil)
	if text(created.New) != text(deleted.Previous) || len(created.Previous)+len(deleted.New) != 0 || created.Before != nil || deleted.After != nil {
		t.Errorf("created %+v\ndeleted %+v", created, deleted)
	}
	if none := ChangeBetween(TypeUserUpdated, before, before); none.Changed == nil || len(none.Changed) != 0 {
		t.Errorf("%+v", none)
	}
}

func TestEditLeavesTheStateBeforeAlone(t *testing.T) {
	a := tree(t, `{"name":{"givenName":"A"},"emails":[{"value":"x"}]}`)
	e := Edit{Set: tree(t, `{"name":{"familyName":"B"},"urn:x:y":{"l":[{"k":1}]}}`), Unset: [][]string{{"emails"}, {"name", "givenName"}, {"no", "such"}}}
	got := e.On(a)
	if text(got) != `{"name":{"familyName":"B"},"urn:x:y":{"l":[{"k":1}]}}` {
		t.Error(text(got))
	}
	scribble(map[string]any(got))
	if text(a) != `{"emails":[{"value":"x"}],"name":{"givenName":"A"}}` || text(e.Set) != `{"name":{"familyName":"B"},"urn:x:y":{"l":[{"k":1}]}}` {
		t.Errorf("the state became %s, the edit %s", text(a), text(e.Set))
	}
}
