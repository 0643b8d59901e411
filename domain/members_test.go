package domain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// shown writes a plan: "*" if it clears, then +id and -id in order, a nested group with a colon.
func shown(p MembersPlan) string {
	var out []string
	if p.Clear {
		out = append(out, "*")
	}
	for _, w := range p.Wanted {
		sign := "-"
		if w.In {
			sign = "+"
		}
		out = append(out, strings.TrimSuffix(sign+w.Member.ID+":"+w.Member.Type, ":"))
	}
	return strings.Join(out, " ")
}

func TestPatchMembers(t *testing.T) {
	for _, c := range []struct{ name, operations, want, refused string }{
		{"add", `[{"op":"add","path":"members","value":[{"value":"1"},{"value":"2"}]}]`, "+1 +2", ""},
		{"Entra: add and remove with null references", `[{"op":"Add","path":"members","value":[{"$ref":null,"value":"1"}]},{"op":"Remove","path":"members","value":[{"$ref":null,"value":"2"}]}]`, "+1 -2", ""},
		{"one without an array", `[{"op":"add","path":"members","value":{"value":"1"}}]`, "+1", ""},
		{"plain ids", `[{"op":"add","path":"members","value":["1","2"]},{"op":"remove","path":"members","value":"3"}]`, "+1 +2 -3", ""},
		{"null among them", `[{"op":"add","path":"members","value":[null,{"value":"1"}]}]`, "+1", ""},
		{"by its value", `[{"op":"remove","path":"members[value eq \"1\"]"}]`, "-1", ""},
		{"by several values", `[{"op":"remove","path":"members[value eq \"1\" or (value eq \"2\" or value eq \"3\")]"}]`, "-1 -2 -3", ""},
		{"in any case", `[{"op":"REMOVE","path":"MEMBERS[VALUE EQ \"a\"]"}]`, "-a", ""},
		{"Okta: remove one, add another", `[{"op":"remove","path":"members[value eq \"1\"]"},{"op":"add","path":"members","value":[{"value":"2","display":"u2@x"}]}]`, "-1 +2", ""},
		{"Okta: all", `[{"op":"replace","path":"members","value":[{"value":"1"},{"value":"2"}]}]`, "* +1 +2", ""},
		{"Okta: rename with members and id", `[{"op":"replace","value":{"id":"g","displayName":"Crew","members":[{"value":"1"}]}}]`, "* +1", ""},
		{"without a path", `[{"op":"add","value":{"members":[{"value":"1"}]}}]`, "+1", ""},
		{"the last word on an id counts", `[{"op":"add","path":"members","value":["1"]},{"op":"remove","path":"members[value eq \"1\"]"},{"op":"remove","path":"members","value":["2"]},{"op":"add","path":"members","value":["2"]}]`, "-1 +2", ""},
		{"replace forgets what came before", `[{"op":"add","path":"members","value":["1"]},{"op":"replace","path":"members","value":["2"]},{"op":"add","path":"members","value":["3"]},{"op":"remove","path":"members","value":["2"]}]`, "* -2 +3", ""},
		{"remove all", `[{"op":"remove","path":"members"}]`, "*", ""},
		{"replace by nobody", `[{"op":"replace","path":"members","value":[]}]`, "*", ""},
		{"replace by null", `[{"op":"replace","path":"members","value":null}]`, "*", ""},
		{"null without a path", `[{"op":"replace","value":{"displayName":"Crew","members":null}}]`, "", ""},
		{"replace by an empty text", `[{"op":"replace","path":"members","value":""}]`, "", "invalid invalidValue"},
		{"true and false", `[{"op":"add","path":"members","value":[true]}]`, "", "invalid invalidValue"},
		{"null among those that replace", `[{"op":"replace","path":"members","value":[null,{"value":"1"}]}]`, "", "invalid invalidValue"},
		{"nothing added", `[{"op":"add","path":"members","value":[]},{"op":"add","path":"members","value":null}]`, "", ""},
		{"an empty list removes nobody", `[{"op":"remove","path":"members","value":[]},{"op":"remove","path":"members","value":""}]`, "", ""},
		{"nested groups", `[{"op":"add","path":"members","value":[{"value":"1","type":"group"},{"value":"2","$ref":"https://x/scim/v2/d/Groups/2"},{"value":"3","type":"User"}]}]`, "+1:Group +2:Group +3", ""},
		{"replace one by another", `[{"op":"replace","path":"members[value eq \"1\"]","value":{"value":"2"}}]`, "-1 +2", ""},
		{"add to one is to add it", `[{"op":"add","path":"members[value eq \"1\"]","value":{"value":"1","type":"Group"}}]`, "+1:Group", ""},
		{"what is beside an id is ours to say", `[{"op":"replace","path":"members[value eq \"1\"].display","value":"x"},{"op":"remove","path":"members.display"},{"op":"add","path":"members.type","value":"User"}]`, "", ""},
		{"add by values", `[{"op":"add","path":"members.value","value":["1"]}]`, "+1", ""},
		{"the id of a member is immutable", `[{"op":"replace","path":"members[value eq \"1\"].value","value":"2"}]`, "", "invalid mutability"},
		{"remove the id of a member", `[{"op":"remove","path":"members[value eq \"1\"].value"}]`, "", "invalid mutability"},
		{"remove the ids of all", `[{"op":"remove","path":"members.value"}]`, "", "invalid mutability"},
		{"selected otherwise", `[{"op":"remove","path":"members[display eq \"x\"]"}]`, "", "invalid invalidFilter"},
		{"selected by another comparison", `[{"op":"remove","path":"members[value sw \"1\"]"}]`, "", "invalid invalidFilter"},
		{"selected by what it is not", `[{"op":"remove","path":"members[not (value eq \"1\")]"}]`, "", "invalid invalidFilter"},
		{"selected by null", `[{"op":"remove","path":"members[value eq null]"}]`, "", "invalid invalidFilter"},
		{"selected by nothing", `[{"op":"remove","path":"members[value eq \"\"]"}]`, "", "invalid invalidValue"},
		{"selected with its type", `[{"op":"remove","path":"members[value eq \"1\" and type eq \"User\"]"},{"op":"remove","path":"members[type eq \"User\" and (value eq \"2\" or value eq \"3\")]"}]`, "-1 -2 -3", ""},
		{"selected by type", `[{"op":"remove","path":"members[type eq \"User\"]"}]`, "", "invalid invalidFilter"},
		{"selected by two ids at once", `[{"op":"remove","path":"members[value eq \"1\" and value eq \"2\"]"}]`, "", "invalid invalidFilter"},
		{"selected by what its type is not", `[{"op":"remove","path":"members[value eq \"1\" and type ne \"User\"]"}]`, "", "invalid invalidFilter"},
		{"no id", `[{"op":"add","path":"members","value":[{"display":"x"},{"value":"1"},{},{"value":""},{"value":null},"",null]},{"op":"remove","path":"members","value":[{"value":""},{"value":"2"}]}]`, "+1 -2", ""},
		{"no id at all adds and removes nobody", `[{"op":"add","path":"members","value":[{"value":""}]},{"op":"add","path":"members","value":{}},{"op":"remove","path":"members","value":[{"value":""}]}]`, "", ""},
		{"no id among those that replace", `[{"op":"replace","path":"members","value":[{"value":""},{"value":"1"}]}]`, "", "invalid invalidValue"},
		{"none that replaces has an id", `[{"op":"replace","path":"members","value":[{"value":""},{}]}]`, "", "invalid invalidValue"},
		{"null replaces", `[{"op":"replace","path":"members","value":[null]}]`, "", "invalid invalidValue"},
		{"no id in the place of one", `[{"op":"replace","path":"members[value eq \"1\"]","value":{"value":""}}]`, "", "invalid invalidValue"},
		{"a long id", `[{"op":"add","path":"members","value":["` + strings.Repeat("x", maxMemberID+1) + `"]}]`, "", "invalid invalidValue"},
		{"no member at all", `[{"op":"add","path":"members","value":[[1]]}]`, "", "invalid invalidValue"},
		{"all or nothing", `[{"op":"add","path":"members","value":["1"]},{"op":"add","path":"members[shoe eq \"1\"]","value":["1"]}]`, "", "invalid invalidFilter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, plan, err := GroupType.Patch(tree(t, `{"displayName":"Staff"}`), operations(t, c.operations))
			if said := refusal(err); said != c.refused {
				t.Fatalf("refused %q (%v), want %q", said, err, c.refused)
			}
			if shown(plan) != c.want {
				t.Errorf("the plan is %q, want %q", shown(plan), c.want)
			}
			if got["members"] != nil {
				t.Errorf("members among the attributes: %s", text(got))
			}
			if plan.Empty() != (c.want == "") || len(plan.IDs()) != len(plan.Wanted) {
				t.Errorf("empty %v, ids %v", plan.Empty(), plan.IDs())
			}
		})
	}
}

func TestPlanMembers(t *testing.T) {
	group, err := GroupType.Canonical(tree(t, `{"displayName":"Staff","Members":[{"Value":"1"},{"value":"2","type":"Group"},{"value":"1"},"3"]}`))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := PlanMembers(group["members"])
	if err != nil || shown(plan) != "* +1 +2:Group +3" {
		t.Errorf("%q, %v", shown(plan), err)
	}
	if plan, err = PlanMembers(nil); err != nil || shown(plan) != "*" || plan.Empty() {
		t.Errorf("nobody: %q, %v", shown(plan), err)
	}
	for _, in := range []string{`[{}]`, `[{"value":""},"1",{}]`, `[{"value":""},{"value":null},""]`, `""`, `{"display":"x"}`} {
		if _, err = PlanMembers(value(t, in)); refusal(err) != "invalid invalidValue" {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// Whatever operations come, in however many requests, the group has the members that a set would have.
func TestMembersAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Custom(func(t *rapid.T) string { return strconv.Itoa(rapid.IntRange(0, 7).Draw(t, "id")) })
		ids := rapid.SliceOfN(id, 0, 5)
		var g Group
		g.Apply(GroupCreated{Directory: "d", Attributes: Attributes{"displayName": "Staff"}})
		standing, model := []Member{}, map[string]bool{}
		for range rapid.IntRange(1, 5).Draw(t, "requests") {
			var list []PatchOp
			for range rapid.IntRange(1, 6).Draw(t, "operations") {
				some := ids.Draw(t, "ids")
				var filter, objects = []string{}, []any{}
				for _, id := range some {
					filter = append(filter, fmt.Sprintf("value eq %q", id))
					objects = append(objects, map[string]any{"value": id})
				}
				path := "members[" + strings.Join(filter, " or ") + "]"
				switch kind := rapid.SampledFrom([]string{"add", "remove", "replace", "clear", "select"}).Draw(t, "kind"); {
				case kind == "select" && len(some) > 0:
					list = append(list, PatchOp{"remove", path, nil})
					for _, id := range some {
						delete(model, id)
					}
				case kind == "clear":
					list = append(list, PatchOp{"remove", "members", nil})
					clear(model)
				case kind == "remove":
					list = append(list, PatchOp{"remove", "members", objects})
					for _, id := range some {
						delete(model, id)
					}
				default:
					if kind == "replace" {
						clear(model)
					} else {
						kind = "add"
					}
					list = append(list, PatchOp{kind, "members", objects})
					for _, id := range some {
						model[id] = true
					}
				}
			}
			_, plan, err := GroupType.Patch(g.Attributes, list)
			if err != nil {
				t.Fatal(err)
			}
			asked := standing // whoever has all members may hand in all of them, or those that the plan names
			if !plan.Clear && rapid.Bool().Draw(t, "only those named") {
				asked = slices.DeleteFunc(slices.Clone(standing), func(m Member) bool { return !slices.Contains(plan.IDs(), m.ID) })
			}
			delta := plan.Delta(asked)
			for _, m := range delta.Added {
				if slices.Contains(standing, m) {
					t.Fatalf("%v was a member already", m)
				}
			}
			for _, m := range delta.Removed {
				if !slices.Contains(standing, m) {
					t.Fatalf("%v was no member", m)
				}
			}
			events, err := g.Become(g.Attributes, delta)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				g.Apply(e)
				standing = slices.DeleteFunc(standing, func(m Member) bool { return slices.Contains(DeltaOf(e).Removed, m) })
				standing = append(standing, DeltaOf(e).Added...)
			}
			if len(standing) != len(model) || g.Count != len(model) {
				t.Fatalf("%v (count %d), want %v", standing, g.Count, model)
			}
			for _, m := range standing {
				if !model[m.ID] {
					t.Fatalf("%v, want %v", standing, model)
				}
			}
		}
	})
}
