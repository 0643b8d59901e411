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
	shapes["urn:odd:things:1:plain.deep"] = shape{path: []string{"urn:odd:things:1", "plain", "deep"}, kind: "any"}
	shapes["urn:nobody:has:this"] = shape{path: []string{"urn:nobody:has", "this"}, kind: "any"}
	return shapes
}

var groupShapes = map[string]shape{
	"id": {path: []string{"id"}, kind: "exact"}, "externalId": {path: []string{"externalId"}, kind: "exact"},
	"displayName": {path: []string{"displayName"}, kind: "text"},
	"members":     {path: []string{"members", "value"}, many: true, kind: "exact", short: true}, "members.value": {path: []string{"members", "value"}, many: true, kind: "exact"},
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
		rapid.Check(t, func(t *rapid.T) {
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
		rapid.Check(t, func(t *rapid.T) {
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
	for _, id := range f.userIDs {
		r := resource{"id": id}
		maps.Copy(r, f.users[id])
		if r["active"] == nil {
			r["active"] = true
		}
		var in []any
		for _, g := range f.ids {
			if f.groups[g][id] {
				in = append(in, map[string]any{"value": g})
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
		maps.Copy(r, g.Attributes)
		var members []any
		for _, m := range slices.Sorted(maps.Keys(f.groups[id])) {
			if f.users[m] != nil || f.groups[m] != nil { // others are not shown
				members = append(members, map[string]any{"value": m})
			}
		}
		if members != nil {
			r["members"] = members
		}
		groups = append(groups, r)
	}
	return users, groups
}

func TestFiltersThatCannotBeAsked(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	for _, text := range []string{
		`schemas eq "x"`, `schemas pr`, `meta.version eq "1"`, `meta.resourceType eq "User"`, `meta pr`, `groups.display eq "x"`, `groups[type eq "direct"]`,
		`urn:a:b:c co true`, `urn:a:b:c sw 5`, `urn:a:b:c eq 1e999`, enterprise + ` eq "x"`,
	} {
		_, err := w.read.Users(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.UserType, text), Start: 1, Count: 1})
		if e := domain.Shown(err); e.Code != domain.Invalid || e.Reason != domain.InvalidFilter {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{`members.display eq "x"`, `members[type eq "User"]`, `members.$ref pr`} {
		_, err := w.read.Groups(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.GroupType, text), Start: 1, Count: 1})
		if e := domain.Shown(err); e.Code != domain.Invalid || e.Reason != domain.InvalidFilter {
			t.Errorf("%s: %v", text, err)
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
		`meta.created eq "%sZ"`: 1, `meta.created ne "%sZ"`: 0, `meta.created ge "%sZ"`: 1, `meta.created gt "%sZ"`: 0, `meta.created le "%sZ"`: 1, `meta.created lt "%sZ"`: 0,
		`meta.created eq "%s0001Z"`: 0, `meta.created ne "%s0001Z"`: 1, `meta.created ge "%s0001Z"`: 0, `meta.created gt "%s0001Z"`: 0,
		`meta.created le "%s0001Z"`: 1, `meta.created lt "%s0001Z"`: 1, `meta.created pr`: 1, `meta.created eq null`: 0,
		`meta.lastModified lt "` + second + `"`: 1, `meta.lastModified gt "` + second + `"`: 0,
		enterprise + ` pr`: 1, strings.ToUpper(enterprise) + ` eq null`: 0, `urn:a:b:c pr`: 1, `URN:A:B:c eq "X"`: 1, `urn:a:b:C pr`: 0,
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

// A directory finds nothing of another one, whatever it asks.
func TestFiltersStayInTheirDirectory(t *testing.T) {
	w := newWorld(t)
	ours, theirs := w.directory("Ours"), w.directory("Theirs")
	u := w.user(theirs, domain.Attributes{"userName": "ada", "emails": []any{map[string]any{"value": "ada@x.test"}}})
	g := w.group(theirs, "Team", u.ID)
	spy := w.group(ours, "Spies", u.ID, g.ID) // names what is not its own
	for _, text := range []string{
		`id eq "` + u.ID + `"`, `userName eq "ada" or userName pr`, `not (userName eq "x")`, `emails.value eq "ada@x.test"`, `groups.value eq "` + g.ID + `"`, `groups pr`, `title ne "x"`,
	} {
		if page, err := w.read.Users(t.Context(), ours.ID, projections.Query{Filter: w.filter(domain.UserType, text), Start: 1, Count: 10}); err != nil || page.Total != 0 {
			t.Errorf("users where %s: %+v, %v", text, page, err)
		}
	}
	if page, err := w.read.Users(t.Context(), theirs.ID, projections.Query{Filter: w.filter(domain.UserType, `groups.value eq "`+spy.ID+`"`), Start: 1, Count: 10}); err != nil || page.Total != 0 {
		t.Errorf("a user is seen in another directory's group: %+v, %v", page, err)
	}
	for _, text := range []string{`members.value eq "` + u.ID + `"`, `members pr`, `id eq "` + g.ID + `"`} {
		if page, err := w.read.Groups(t.Context(), ours.ID, projections.Query{Filter: w.filter(domain.GroupType, text), Start: 1, Count: 10}); err != nil || page.Total != 0 {
			t.Errorf("groups where %s: %+v, %v", text, page, err)
		}
	}
	if in, err := w.read.Memberships(t.Context(), theirs.ID, []string{u.ID}); err != nil || len(in[u.ID]) != 1 || in[u.ID][0].Group != g.ID {
		t.Errorf("%v, %v", in, err)
	}
	if members, err := w.read.Members(t.Context(), ours.ID, spy.ID, "", -1); err != nil || len(members) != 0 {
		t.Errorf("%v, %v", members, err)
	}
	if names, err := w.read.UserNames(t.Context(), ours.ID, []string{u.ID}); err != nil || len(names) != 0 {
		t.Errorf("%v, %v", names, err)
	}
	for what, err := range map[string]error{
		"the user":  func() error { _, err := w.read.User(t.Context(), ours.ID, u.ID); return err }(),
		"the group": func() error { _, err := w.read.Group(t.Context(), ours.ID, g.ID); return err }(),
	} {
		if err != projections.ErrNotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What identity providers ask for is found by an index.
func TestFilterPlans(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	for text, index := range map[string]string{
		`userName eq "ada"`:                       "users_by_name",
		`externalId eq "x"`:                       "users_by_external_id",
		`id eq "x"`:                               "sqlite_autoindex_users_1",
		`displayName eq "x"`:                      "users_by_display_name",
		`displayName sw "x"`:                      "users_by_display_name",
		`emails[type eq "work" and value eq "x"]`: "users_by_email",
		`emails[type eq "work"].value eq "x"`:     "users_by_email",
		`emails.value eq "x"`:                     "users_by_email",
		`emails eq "x"`:                           "users_by_email",
		`groups.value eq "x"`:                     "(grp=?)",
		`id eq "x" and manager eq "y"`:            "sqlite_autoindex_users_1",
		`userName eq "ada" and active eq true`:    "users_by_name",
	} {
		plan := w.read.Plans(t, func() {
			for _, start := range []int{1, 2} { // the second one counts
				_, err := w.read.Users(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.UserType, text), Start: start, Count: 100})
				w.must(err)
			}
		})
		if strings.Contains(plan, "SCAN r") || strings.Contains(plan, "SCAN e") || strings.Contains(plan, "SCAN m") || strings.Contains(plan, "users_in_order") || !strings.Contains(plan, index) {
			t.Errorf("%s:\n%s", text, plan)
		}
	}
	for text, index := range map[string]string{
		`displayName eq "x"`:           "groups_by_display_name",
		`externalId eq "x"`:            "groups_by_external_id",
		`id eq "x"`:                    "sqlite_autoindex_groups_1",
		`members.value eq "x"`:         "members_of (member=?)",
		`members[value eq "x"]`:        "members_of (member=?)",
		`id eq "X" and members eq "Y"`: "sqlite_autoindex_groups_1",
	} {
		plan := w.read.Plans(t, func() {
			for _, start := range []int{1, 2} { // the second one counts
				_, err := w.read.Groups(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.GroupType, text), Start: start, Count: 100})
				w.must(err)
			}
		})
		if strings.Contains(plan, "SCAN r") || strings.Contains(plan, "SCAN m") || strings.Contains(plan, "groups_in_order") || !strings.Contains(plan, index) {
			t.Errorf("%s:\n%s", text, plan)
		}
	}
}
