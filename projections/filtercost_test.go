package projections_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// A directory finds nothing of another one, whatever it asks.
//
// Proves tenancy.
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
	if members, err := w.read.Members(t.Context(), ours.ID, spy.ID); err != nil || len(members) != 0 {
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

// What a directory asks for costs what it holds, however large another one is.
//
// Proves tenancy.
func TestFiltersCostTheirDirectoryOnly(t *testing.T) {
	w := newWorld(t)
	small, large := w.directory("Small"), w.directory("Large")
	u := w.user(small, domain.Attributes{"userName": "ada"})
	w.group(small, "Team", u.ID)
	cost := func(kind *domain.ResourceType, text string) projections.Work {
		t.Helper()
		q := projections.Query{Filter: w.filter(kind, text), Start: 1, Count: 10}
		return w.read.ReadWork(t, func() {
			var err error
			if kind == domain.UserType {
				_, err = w.read.Users(t.Context(), small.ID, q)
			} else {
				_, err = w.read.Groups(t.Context(), small.ID, q)
			}
			w.must(err)
		})
	}
	asked := map[string]*domain.ResourceType{
		`members pr`: domain.GroupType, `members.value co "x"`: domain.GroupType, `members.value ne "x"`: domain.GroupType, `members.value eq "x"`: domain.GroupType, `displayName co "x"`: domain.GroupType,
		`members.type eq "User"`: domain.GroupType, `members.display co "x"`: domain.GroupType, `schemas eq "x"`: domain.GroupType,
		`groups.display co "x"`: domain.UserType, `groups.type eq "indirect"`: domain.UserType, `groups.value eq "x"`: domain.UserType,
		`groups pr`: domain.UserType, `groups.value ne "x"`: domain.UserType, `emails pr`: domain.UserType, `emails.value co "x"`: domain.UserType, `title co "x"`: domain.UserType, `active eq false`: domain.UserType,
	}
	before := map[string]projections.Work{}
	for text, kind := range asked {
		before[text] = cost(kind, text)
	}
	ids := w.imported(large, 500)
	for n := range 20 {
		w.group(large, fmt.Sprint("Team ", n), ids...)
	}
	for text, kind := range asked {
		if after := cost(kind, text); after.Steps > before[text].Steps+100 {
			t.Errorf("%s took %+v, and %+v beside a large directory", text, before[text], after)
		}
	}
}

// A user is found by its name among ten thousand as it is among a hundred.
//
// Proves RFC 7644 §3.4.2.2.
func TestAUserIsFoundAtTheSameCost(t *testing.T) {
	w := newWorld(t)
	small, large := w.directory("Small"), w.directory("Large")
	w.imported(small, 100)
	ids := w.importedAs(large, "other", 12_000)
	cost := func(d projections.Directory, text string) projections.Work {
		t.Helper()
		return w.read.ReadWork(t, func() {
			page, err := w.read.Users(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.UserType, text), Start: 1, Count: 100})
			w.must(err)
			if page.Total != 1 {
				t.Errorf("%s: %d users", text, page.Total)
			}
		})
	}
	few, many := cost(small, `userName eq "user77"`), cost(large, `userName eq "USER7777"`)
	if many.Steps > few.Steps+20 {
		t.Errorf("among 100: %+v, among %d: %+v", few, len(ids), many)
	}
}

// What identity providers ask for is found by an index.
//
// Proves RFC 7644 §3.4.2.2.
func TestFilterPlans(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	for text, index := range map[string]string{
		`userName eq "ada"`:                         "users_by_name",
		`externalId eq "x"`:                         "users_by_external_id",
		`id eq "x"`:                                 "sqlite_autoindex_users_1",
		`displayName eq "x"`:                        "users_by_display_name",
		`displayName sw "x"`:                        "users_by_display_name",
		`emails[type eq "work" and value eq "x"]`:   "users_by_email",
		`emails[type eq "work"].value eq "x"`:       "users_by_email",
		`emails.value eq "x"`:                       "users_by_email",
		`emails eq "x"`:                             "users_by_email",
		`groups.value eq "x"`:                       "sqlite_autoindex_groups_1",
		`groups[value eq "x" and type eq "direct"]`: "sqlite_autoindex_groups_1",
		`groups.display eq "x"`:                     "groups_by_display_name",
		`id eq "x" and manager eq "y"`:              "sqlite_autoindex_users_1",
		`userName eq "ada" and active eq true`:      "users_by_name",
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
		`displayName eq "x"`:                       "groups_by_display_name",
		`externalId eq "x"`:                        "groups_by_external_id",
		`id eq "x"`:                                "sqlite_autoindex_groups_1",
		`members.value eq "x"`:                     "members_of (member=?)",
		`members[value eq "x"]`:                    "members_of (member=?)",
		`members[value eq "x" and type eq "User"]`: "members_of (member=?)",
		`id eq "X" and members eq "Y"`:             "sqlite_autoindex_groups_1",
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
