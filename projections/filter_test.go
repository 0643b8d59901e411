package projections_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// userShapes are the attributes that filters over users name, with the text that names them.
func userShapes() map[string]shape {
	shapes := map[string]shape{
		"userName": {path: []string{"userName"}, kind: "name"}, "USERNAME": {path: []string{"userName"}, kind: "name"},
		"id": {path: []string{"id"}, kind: "exact"}, "externalId": {path: []string{"externalId"}, kind: "exact"},
		"displayName": {path: []string{"displayName"}, kind: "text"}, "title": {path: []string{"title"}, kind: "text"},
		"nickName": {path: []string{"nickName"}, kind: "text"}, "profileUrl": {path: []string{"profileUrl"}, kind: "exact"},
		"name.givenName": {path: []string{"name", "givenName"}, kind: "text"}, "locale": {path: []string{"locale"}, kind: "text"},
		"active":                     {path: []string{"active"}, kind: "bool"},
		"manager.value":              {path: []string{enterprise, "manager", "value"}, kind: "text"},
		"manager":                    {path: []string{enterprise, "manager", "value"}, kind: "text", short: true},
		enterprise + ":manager.$ref": {path: []string{enterprise, "manager", "$ref"}, kind: "exact"},
		strings.ToUpper(enterprise) + ":EMPLOYEENUMBER": {path: []string{enterprise, "employeeNumber"}, kind: "text"},
		enterprise + ":badge":                           {path: []string{enterprise, "badge"}, kind: "any"},
		"groups":                                        {path: []string{"groups", "value"}, many: true, kind: "exact", short: true},
		"groups.value":                                  {path: []string{"groups", "value"}, many: true, kind: "exact"},
		"groups.display":                                {path: []string{"groups", "display"}, many: true, kind: "text"},
		"groups.type":                                   {path: []string{"groups", "type"}, many: true, kind: "text"},
		"schemas":                                       {path: []string{"schemas"}, many: true, kind: "text"},
		"meta.resourceType":                             {path: []string{"meta", "resourceType"}, kind: "exact"},
		"emails":                                        {path: []string{"emails", "value"}, many: true, kind: "text", short: true},
		"addresses.locality":                            {path: []string{"addresses", "locality"}, many: true, kind: "text"},
	}
	for _, name := range []string{"emails", "phoneNumbers", "x509Certificates"} {
		for _, sub := range []string{"value", "type", "display"} {
			shapes[name+"."+sub] = shape{path: []string{name, sub}, many: true, kind: "text"}
		}
		shapes[name+".primary"] = shape{path: []string{name, "primary"}, many: true, kind: "bool"}
	}
	shapes["x509Certificates.value"] = shape{path: []string{"x509Certificates", "value"}, many: true, kind: "binary"}
	for _, name := range oddNames {
		shapes["urn:ODD:things:1:"+name] = shape{path: []string{"urn:odd:things:1", name}, kind: "any"}
	}
	shapes["urn:odd:things:1:PLAIN"] = shape{path: []string{"urn:odd:things:1", "plain"}, kind: "any"}
	shapes["urn:odd:things:1:plain.Deep"] = shape{path: []string{"urn:odd:things:1", "plain", "deep"}, kind: "any"}
	shapes["urn:nobody:has:this"] = shape{path: []string{"urn:nobody:has", "this"}, kind: "any"}
	return shapes
}

var groupShapes = map[string]shape{
	"id": {path: []string{"id"}, kind: "exact"}, "externalId": {path: []string{"externalId"}, kind: "exact"},
	"displayName": {path: []string{"displayName"}, kind: "text"},
	"members":     {path: []string{"members", "value"}, many: true, kind: "exact", short: true}, "members.value": {path: []string{"members", "value"}, many: true, kind: "exact"},
	"members.type": {path: []string{"members", "type"}, many: true, kind: "text"}, "members.display": {path: []string{"members", "display"}, many: true, kind: "text"},
	"schemas": {path: []string{"schemas"}, many: true, kind: "text"}, "meta.resourceType": {path: []string{"meta", "resourceType"}, kind: "exact"},
}

// filters draws filters over the attributes, with values that stand in the resources and others.
func filters(shapes map[string]shape, values map[string][]any) *rapid.Generator[*node] {
	names := slices.Sorted(maps.Keys(shapes))
	compare := func(t *rapid.T, names []string, within string) *node {
		n := &node{name: rapid.SampledFrom(names).Draw(t, "name")}
		kind := shapes[within+n.name].kind
		var known []any
		if known = values[within+n.name]; len(known) == 0 {
			known = []any{"x"}
		}
		ops := []string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"}
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			n.op = "pr"
			return n
		case 1:
			n.op = rapid.SampledFrom(ops[:2]).Draw(t, "op")
			return n
		case 2:
			n.value = rapid.SampledFrom(words).Draw(t, "word")
		default:
			n.value = rapid.SampledFrom(known).Draw(t, "known")
		}
		switch kind {
		case "bool":
			n.value, ops = rapid.Bool().Draw(t, "bool"), ops[:2]
		case "binary":
			ops = ops[:2]
		}
		switch v := n.value.(type) {
		case bool:
			ops = ops[:2]
		case json.Number:
			ops = slices.Delete(ops, 2, 5)
		case string:
			if r := []rune(v); len(r) > 1 && kind != "binary" {
				n.value = string(r[rapid.IntRange(0, len(r)-1).Draw(t, "from"):])
				if rapid.Bool().Draw(t, "to the end") {
					n.value = v
				}
			}
		default:
			n.value = "x" // an object or a list has no form in a filter
		}
		n.op = rapid.SampledFrom(ops).Draw(t, "op")
		return n
	}
	var draw func(t *rapid.T, depth int, names []string, within string) *node
	draw = func(t *rapid.T, depth int, names []string, within string) *node {
		what := rapid.IntRange(0, 9).Draw(t, "kind")
		switch {
		case depth == 0 || what < 5:
			return compare(t, names, within)
		case what < 8:
			return &node{op: rapid.SampledFrom([]string{"and", "or"}).Draw(t, "op"), left: draw(t, depth-1, names, within), right: draw(t, depth-1, names, within)}
		case what == 8 || within != "":
			return &node{op: "not", left: draw(t, depth-1, names, within)}
		}
		var bracketed []string
		for _, name := range names {
			if shapes[name].many && strings.HasSuffix(name, ".value") {
				bracketed = append(bracketed, strings.TrimSuffix(name, ".value"))
			}
		}
		name := rapid.SampledFrom(bracketed).Draw(t, "of")
		var subs []string
		for _, other := range names {
			if sub, ok := strings.CutPrefix(other, name+"."); ok {
				subs = append(subs, sub)
			}
		}
		return &node{op: "[]", name: name, left: draw(t, depth-1, subs, name+".")}
	}
	return rapid.Custom(func(t *rapid.T) *node { return draw(t, 4, names, "") })
}

// known gathers the values that stand, by the names that filters know them by.
func known(resources []resource, shapes map[string]shape) map[string][]any {
	out := map[string][]any{}
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		for _, r := range resources {
			for _, v := range valuesAt(r, shapes[name]) {
				if v != nil {
					out[name] = append(out[name], v)
				}
			}
		}
	}
	return out
}

// TestFilters holds SQL's answers against an evaluation in memory.
//
// Proves RFC 7643 §2.2, RFC 7644 §3.4.2.2.
func TestFilters(t *testing.T) {
	w := newWorld(t)
	l := newLife(w, 7)
	l.groups = 10
	for range 400 {
		l.step()
	}
	for _, f := range l.directories {
		for len(f.userIDs) < 60 {
			l.newUser(f)
		}
		for len(f.ids) < 12 {
			l.newGroup(f)
		}
	}
	f := l.directories[0]
	users, groups := f.resources(l)
	t.Run("users", func(t *testing.T) {
		shapes := userShapes()
		generated := filters(shapes, known(users, shapes))
		many(t, func(t *rapid.T) {
			n := generated.Draw(t, "filter")
			parsed, err := domain.UserType.ParseFilter(n.String())
			if err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			page, err := w.read.Users(w.Context(), f.ID, projections.Query{Filter: parsed, Start: 1, Count: 1000})
			if err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			var got []string
			for _, u := range page.Items {
				got = append(got, u.ID)
			}
			agree(t, n, got, users, shapes)
		})
	})
	t.Run("groups", func(t *testing.T) {
		generated := filters(groupShapes, known(groups, groupShapes))
		many(t, func(t *rapid.T) {
			n := generated.Draw(t, "filter")
			parsed, err := domain.GroupType.ParseFilter(n.String())
			if err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			page, err := w.read.Groups(w.Context(), f.ID, projections.Query{Filter: parsed, Start: 1, Count: 1000})
			if err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			var got []string
			for _, g := range page.Items {
				got = append(got, g.ID)
			}
			agree(t, n, got, groups, groupShapes)
		})
	})
}

// many checks ten at a time.
func many(t *testing.T, check func(*rapid.T)) {
	times := 10
	if raced {
		times = 1
	}
	rapid.Check(t, func(t *rapid.T) {
		for range times {
			check(t)
		}
	})
}

func agree(t *rapid.T, n *node, got []string, of []resource, shapes map[string]shape) {
	var want []string
	for _, r := range of {
		if n.holds(r, shapes) {
			want = append(want, r["id"].(string))
		}
	}
	if slices.Equal(got, want) {
		return
	}
	for _, r := range of {
		if id := r["id"].(string); slices.Contains(got, id) != slices.Contains(want, id) {
			t.Fatalf("%s\nSQL answers %d, the evaluation %d; they differ about\n%v", n, len(got), len(want), r)
		}
	}
}

// resources are the users and groups of the directory as they are shown.
func (f *feed) resources(l *life) (users, groups []resource) {
	names := map[string]string{}
	for _, id := range f.ids {
		g, err := l.read.Group(l.Context(), f.ID, id)
		l.must(err)
		names[id] = g.Attributes().Text("displayName")
	}
	for id, u := range f.users {
		if names[id] = u.Text("userName"); u["displayName"] != nil {
			names[id] = u.Text("displayName")
		}
	}
	for _, id := range f.userIDs {
		r := resource{"id": id}
		maps.Copy(r, f.users[id])
		if r["active"] == nil {
			r["active"] = true
		}
		f.describe(r, domain.UserType)
		var in []any
		holds := f.holding(id)
		for _, g := range f.ids {
			if holds[g] != "" {
				in = append(in, map[string]any{"value": g, "display": names[g], "type": holds[g]})
			}
		}
		if in != nil {
			r["groups"] = in
		}
		users = append(users, r)
	}
	for _, id := range f.ids {
		g, err := l.read.Group(l.Context(), f.ID, id)
		l.must(err)
		r := resource{"id": id}
		maps.Copy(r, g.Attributes())
		f.describe(r, domain.GroupType)
		var members []any
		for _, m := range slices.Sorted(maps.Keys(f.groups[id])) {
			switch { // others are not shown
			case f.users[m] != nil:
				members = append(members, map[string]any{"value": m, "display": names[m], "type": "User"})
			case f.groups[m] != nil:
				members = append(members, map[string]any{"value": m, "display": names[m], "type": "Group"})
			}
		}
		if members != nil {
			r["members"] = members
		}
		groups = append(groups, r)
	}
	return users, groups
}

// describe adds what the server says of a resource.
func (f *feed) describe(r resource, t *domain.ResourceType) {
	schemas := []any{t.Core.ID}
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if domain.IsURN(name) {
			schemas = append(schemas, name)
		}
	}
	r["schemas"], r["meta"] = schemas, map[string]any{"resourceType": t.Name}
}

// holding are the groups that a user is in, direct or indirect.
func (f *feed) holding(user string) map[string]string {
	in := map[string]string{}
	for g, members := range f.groups {
		if members[user] {
			in[g] = "direct"
		}
	}
	for grown := true; grown; {
		grown = false
		for g, members := range f.groups {
			for inner := range in {
				if in[g] == "" && members[inner] {
					in[g], grown = "indirect", true
				}
			}
		}
	}
	return in
}

// A user is found by the groups that it is shown in, also by those that hold it through others, and by how they do.
//
// Proves RFC 7643 §4.1.2, RFC 7644 §3.4.2.2.
func TestFiltersOfNestedGroups(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	ada, bob := w.user(d, domain.Attributes{"userName": "ada"}), w.user(d, domain.Attributes{"userName": "bob", "displayName": "Bob", enterprise: map[string]any{"department": "d"}, "URN:x:Y": map[string]any{"a": "1"}})
	w.user(d, domain.Attributes{"userName": "eve"}) // in none
	inner := w.group(d, "Inner", ada.ID)
	middle := w.group(d, "Middle", inner.ID)
	outer := w.group(d, "Outer", middle.ID, bob.ID)
	_, err := w.commands.PatchGroup(t.Context(), system, d, inner.ID, op("add", outer.ID, "nobody")) // a circle
	w.must(err)
	is := func(id string) string { return ` eq "` + id + `"` }
	for text, want := range map[string]string{
		"groups.value" + is(inner.ID): "ada bob", "groups.value" + is(middle.ID): "ada bob", "groups.value" + is(outer.ID): "ada bob", "groups.value" + is("x"): "",
		"groups.value ne" + strings.TrimPrefix(is(outer.ID), " eq"): "eve", `groups pr`: "ada bob", `not (groups pr)`: "eve",
		`groups.display eq "inner"`: "ada bob", `groups.display sw "OUT"`: "ada bob", `groups.type eq "Direct"`: "ada bob", `groups.type ne "indirect"`: "eve", `groups.type eq null`: "eve",
		"groups[type eq \"direct\" and value" + is(inner.ID) + "]": "ada", "groups[type eq \"direct\" and value" + is(outer.ID) + "]": "bob", "groups[type eq \"direct\" and value" + is(middle.ID) + "]": "",
		"groups[type eq \"indirect\" and value" + is(outer.ID) + "]": "ada", "groups[type ne \"direct\" and display eq \"Middle\"]": "ada bob", "groups[type eq \"indirect\" and value" + is(inner.ID) + "]": "bob",
		`schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"`: "ada bob eve", `schemas eq "` + enterprise + `"`: "bob", `schemas eq "urn:X:y"`: "bob", `schemas ne "urn:x:y"`: "ada eve",
		`schemas sw "urn:ietf"`: "ada bob eve", `schemas ew "y"`: "bob", `schemas pr`: "ada bob eve", `schemas eq null`: "", `schemas eq "displayName"`: "",
		`meta.resourceType eq "User"`: "ada bob eve", `meta.resourceType eq "Group"`: "", `meta.resourceType ne "Group"`: "ada bob eve", `meta.resourceType pr`: "ada bob eve",
	} {
		page, err := w.read.Users(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.UserType, text), Start: 1, Count: 10})
		w.must(err)
		var got []string
		for _, u := range page.Items {
			got = append(got, u.Attributes().Text("userName"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("users where %s: %v, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		`members.type eq "user"`: "Inner Outer", `members.type eq "Group"`: "Inner Middle Outer", `members.display eq "ADA"`: "Inner", `members.display co "bo"`: "Outer", `members.display eq "inner"`: "Middle",
		"members[value" + is(bob.ID) + ` and type eq "User"]`: "Outer", "members[value" + is(bob.ID) + ` and type eq "Group"]`: "", "members[value" + is(outer.ID) + ` and type eq "Group" and display sw "o"]`: "Inner",
		`members.value eq "nobody"`: "", `members.display eq null`: "", `schemas eq "urn:ietf:params:scim:schemas:core:2.0:Group"`: "Inner Middle Outer", `meta.resourceType eq "User"`: "",
	} {
		page, err := w.read.Groups(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.GroupType, text), Start: 1, Count: 10})
		w.must(err)
		var got []string
		for _, g := range page.Items {
			got = append(got, g.Attributes().Text("displayName"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("groups where %s: %v, want %s", text, got, want)
		}
	}
	in, err := w.read.Memberships(t.Context(), d.ID, []string{ada.ID, bob.ID}) // what is shown
	w.must(err)
	for user, groups := range in {
		for _, g := range groups {
			how := "indirect"
			if g.Direct {
				how = "direct"
			}
			text := fmt.Sprintf(`id eq %q and groups[value eq %q and type eq %q and display eq %q]`, user, g.Group, how, g.Display)
			if page, err := w.read.Users(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.UserType, text), Start: 1, Count: 10}); err != nil || page.Total != 1 {
				t.Errorf("%s: %d, %v", text, page.Total, err)
			}
		}
	}
}

func TestFiltersThatCannotBeAsked(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	for _, text := range []string{
		`meta.version eq "1"`, `meta.location eq "x"`, `meta pr`, `groups.$ref eq "x"`, `groups[$ref pr]`,
		`urn:a:b:c co true`, `urn:a:b:c sw 5`, `urn:a:b:c eq 1e999`, enterprise + ` eq "x"`,
	} {
		_, err := w.read.Users(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.UserType, text), Start: 1, Count: 1})
		if e := domain.Shown(err); e.Code != domain.Invalid || e.Reason != domain.InvalidFilter {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{`members.$ref pr`, `members[$ref eq "x"]`} {
		_, err := w.read.Groups(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.GroupType, text), Start: 1, Count: 1})
		if e := domain.Shown(err); e.Code != domain.Invalid || e.Reason != domain.InvalidFilter {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFilterHardCases(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	w.user(d, domain.Attributes{"userName": "Lange Straße", "displayName": "ab\U0010FFFFc", "urn:a:b": map[string]any{
		"text": "2", "number": json.Number("2"), "big": json.Number("9007199254740993"), "true": true, `qu"ote`: "x", `end\`: "x", `back\slash`: "x", "list": []any{"p", nil, json.Number("3")}, "nulls": []any{nil}, "object": map[string]any{"text": "q"},
	}})
	for text, want := range map[string]int{
		`userName co "straße"`: 1, `userName co "strasse"`: 0, `userName eq "lange straße"`: 1, `userName sw "lange s"`: 1, `userName ew "SSE"`: 0,
		`displayName sw "ab"`: 1, `displayName sw "ab\udbff\udfff"`: 1, `displayName sw "ac"`: 0,
		`urn:a:b:text gt 1`: 0, `urn:a:b:text eq 2`: 0, `urn:a:b:text eq "2"`: 1, `urn:a:b:number lt "x"`: 0, `urn:a:b:number eq "2"`: 0, `urn:a:b:number eq 2.0`: 1, `urn:a:b:number co "2"`: 0,
		`urn:a:b:big eq 9007199254740993`: 1, `urn:a:b:big eq 9007199254740992`: 0, `urn:a:b:big gt 9007199254740992`: 1,
		`urn:a:b:true eq true`: 1, `urn:a:b:true eq 1`: 0, `urn:a:b:true ne false`: 1, `urn:a:b:number eq true`: 0, `urn:a:b:none eq false`: 0,
		`urn:a:b:back\slash eq "x"`: 1, `urn:a:b:list eq "P"`: 1, `urn:a:b:list ne "p"`: 0, `urn:a:b:list gt 2`: 1, `urn:a:b:list eq "[\"p\",null,3]"`: 0,
		`urn:a:b:object eq "q"`: 0, `urn:a:b:object pr`: 1, `urn:a:b:object.text eq "q"`: 1, `urn:A:b:OBJECT.Text eq "q"`: 1, `urn:a:b:nulls pr`: 0, `urn:a:b:nulls eq null`: 1, `urn:a:b:list eq null`: 0, `urn:a:b:none ne "x"`: 1, `not (urn:a:b:none eq "x")`: 1,
		`userName eq "x' OR 1=1 --"`: 0, `title ne "x"`: 1, `title co ""`: 0, `displayName co ""`: 1,
	} {
		page, err := w.read.Users(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.UserType, text), Start: 1, Count: 10})
		if err != nil || page.Total != want {
			t.Errorf("%s found %d, %v; want %d", text, page.Total, err, want)
		}
	}
}

func TestFilterTimesAndExtensions(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	u := w.user(d, domain.Attributes{"userName": "ada", "urn:a:b": map[string]any{"c": "x"}, enterprise: map[string]any{"department": "d"}})
	stamp := u.Created.Format("2006-01-02T15:04:05.000")
	second := u.Created.Add(time.Second).Format("2006-01-02T15:04:05.000-07:00")
	for text, want := range map[string]int{
		`meta.created eq "%sZ"`: 1, `meta.created eq "%s"`: 1, `meta.created gt "%s"`: 0, `meta.created ne "%sZ"`: 0, `meta.created ge "%sZ"`: 1, `meta.created gt "%sZ"`: 0, `meta.created le "%sZ"`: 1, `meta.created lt "%sZ"`: 0,
		`meta.created eq "%s0001Z"`: 0, `meta.created ne "%s0001Z"`: 1, `meta.created ge "%s0001Z"`: 0, `meta.created gt "%s0001Z"`: 0,
		`meta.created le "%s0001Z"`: 1, `meta.created lt "%s0001Z"`: 1, `meta.created pr`: 1, `meta.created eq null`: 0,
		`meta.lastModified lt "` + second + `"`: 1, `meta.lastModified gt "` + second + `"`: 0,
		enterprise + ` pr`: 1, strings.ToUpper(enterprise) + ` eq null`: 0, `urn:a:b:c pr`: 1, `URN:A:B:c eq "X"`: 1, `urn:a:b:C pr`: 1, `urn:a:b:d pr`: 0,
	} {
		if strings.Contains(text, "%s") {
			text = fmt.Sprintf(text, stamp)
		}
		page, err := w.read.Users(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.UserType, text), Start: 1, Count: 10})
		if err != nil || page.Total != want {
			t.Errorf("%s found %d, %v; want %d", text, page.Total, err, want)
		}
	}
}
