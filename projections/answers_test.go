package projections_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// sameUser tells that a command answered what the read model shows.
func (l *life) sameUser(f *feed, u projections.User) {
	l.Helper()
	shown, err := l.read.User(l.Context(), f.ID, u.ID)
	l.must(err)
	if shown.ID != u.ID || shown.Version != u.Version || shown.Created != u.Created || shown.Modified != u.Modified || !reflect.DeepEqual(shown.Attributes(), u.Attributes()) {
		l.Fatalf("the command answered\n%+v\nthe read model\n%+v", u, shown)
	}
	if want := f.users[u.ID]; !reflect.DeepEqual(want, shown.Attributes()) {
		l.Fatalf("user %s has\n%v\nnot\n%v", u.ID, shown.Attributes(), want)
	}
}

func (l *life) sameGroup(f *feed, g projections.Group) {
	l.Helper()
	shown, err := l.read.Group(l.Context(), f.ID, g.ID)
	l.must(err)
	if shown.ID != g.ID || shown.Version != g.Version || shown.Count != g.Count || shown.Created != g.Created || shown.Modified != g.Modified || !reflect.DeepEqual(shown.Attributes(), g.Attributes()) {
		l.Fatalf("the command answered\n%+v\nthe read model\n%+v", g, shown)
	}
	want := f.groups[g.ID]
	standing, err := l.read.StandingAll(l.Context(), f.ID, g.ID)
	l.must(err)
	if len(standing) != len(want) || g.Count != len(want) {
		l.Fatalf("group %s has %d members and counts %d, not %d", g.ID, len(standing), g.Count, len(want))
	}
	var visible []string
	for _, m := range standing {
		if !want[m.ID] {
			l.Fatalf("%s is a member of %s", m.ID, g.ID)
		}
		if f.users[m.ID] != nil || f.groups[m.ID] != nil {
			visible = append(visible, m.ID)
		}
		if isGroup := f.groups[m.ID] != nil; isGroup && m.Type != "Group" {
			l.Fatalf("member %s of %s is of type %q", m.ID, g.ID, m.Type)
		}
	}
	members, err := l.read.Members(l.Context(), f.ID, g.ID)
	l.must(err)
	var got []string
	for _, m := range members {
		got = append(got, m.ID)
	}
	if !slices.Equal(got, visible) {
		l.Fatalf("group %s shows %v, not %v", g.ID, got, visible)
	}
}

func (l *life) sameEndpoint(e projections.Endpoint) {
	l.Helper()
	shown, err := l.read.Endpoint(l.Context(), e.ID)
	l.must(err)
	if !reflect.DeepEqual(shown, e) {
		l.Fatalf("the command answered\n%+v\nthe read model\n%+v", e, shown)
	}
}

// answers is what every query of the read model says about everything.
func (l *life) answers() string {
	l.Helper()
	ctx := l.Context()
	var out strings.Builder
	e := json.NewEncoder(&out)
	say := func(v any, err error) {
		l.Helper()
		l.must(err)
		l.must(e.Encode(v))
	}
	organizations, total, err := l.read.Organizations(ctx, "", 1, 1000)
	say([]any{organizations, total}, err)
	endpoints, total, err := l.read.Endpoints(ctx, "", 1, 1000)
	say([]any{endpoints, total}, err)
	for _, f := range l.directories {
		d, err := l.read.Directory(ctx, f.ID)
		say(d, err)
		users, err := l.read.Users(ctx, f.ID, projections.Query{Start: 1, Count: 10_000})
		say(users, err)
		if len(users.Items) != len(f.userIDs) || users.Total != len(f.userIDs) {
			l.Fatalf("%d users and a total of %d, not %d", len(users.Items), users.Total, len(f.userIDs))
		}
		for i, u := range users.Items {
			if u.ID != f.userIDs[i] {
				l.Fatalf("user %d is %s, not %s", i, u.ID, f.userIDs[i])
			}
		}
		groups, err := l.read.Groups(ctx, f.ID, projections.Query{Start: 1, Count: 10_000})
		say(groups, err)
		for i, g := range groups.Items {
			if g.ID != f.ids[i] {
				l.Fatalf("group %d is %s, not %s", i, g.ID, f.ids[i])
			}
			l.sameGroup(f, g)
			members, err := l.read.Members(ctx, f.ID, g.ID)
			say(members, err)
		}
		everybody := slices.Concat(f.userIDs, f.ids, f.idle)
		memberships, err := l.read.Memberships(ctx, f.ID, everybody)
		say(memberships, err)
		names, err := l.read.UserNames(ctx, f.ID, everybody)
		say(names, err)
		names, err = l.read.GroupNames(ctx, f.ID, everybody)
		say(names, err)
		for _, text := range []string{`active eq true`, `emails pr`, `title co "t"`, `groups pr`, `not (displayName pr)`} {
			users, err := l.read.Users(ctx, f.ID, projections.Query{Filter: l.filter(domain.UserType, text), Start: 1, Count: 1000})
			say(users, err)
		}
		groups, err = l.read.Groups(ctx, f.ID, projections.Query{Filter: l.filter(domain.GroupType, `members pr`), Start: 1, Count: 1000})
		say(groups, err)
	}
	return out.String()
}

// firstDifference shows where two texts begin to differ.
func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("line %d\n%s\n%s", i+1, as[i], bs[i])
		}
	}
	return fmt.Sprintf("%d lines and %d", len(as), len(bs))
}

func lives(t *testing.T, n int, f func(t *testing.T, seed uint64)) {
	if raced {
		n = 1
	}
	for seed := range uint64(n) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { f(t, seed) })
	}
}
