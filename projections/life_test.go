package projections_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// life lets things happen at random to a world, and knows what must then stand.
type life struct {
	*world
	*rand.Rand
	directories []*feed
	endpoints   []string
	names       int
	groups      int  // how many members groups are given at most at once
	crowds      bool // whether groups get many members at once, and lose them
}

// feed is a directory with what must stand in it.
type feed struct {
	projections.Directory
	users   map[string]domain.Attributes
	groups  map[string]map[string]bool // members by group
	idle    []string                   // ids that name nobody, or did, or somebody elsewhere
	userIDs []string                   // of users, in the order of creation
	ids     []string                   // of groups, in the order of creation
}

func newLife(w *world, seed uint64) *life {
	l := &life{world: w, Rand: rand.New(rand.NewPCG(seed, 1)), groups: 6}
	l.open()
	l.open()
	return l
}

func (l *life) open() {
	l.names++
	d := l.directory(fmt.Sprint("Organization ", l.names))
	l.directories = append(l.directories, &feed{Directory: d, users: map[string]domain.Attributes{}, groups: map[string]map[string]bool{}})
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// words are values with what is hard in them: case, composition, wildcards, quotes, escapes.
var words = []string{
	"Ada", "ada", "ADA", "Zoë", "Zoe\u0308", "ZOË", "straße", "STRASSE", "İstanbul", "ﬁn", "100%", "a_b", "a%b", "it's", `say "hi"`, `back\slash`, `\`, "", " ",
	"O'Brien; DROP TABLE users--", "日本語", "日本", "🙂", "a\tb", "line\nbreak", "<b>&amp;", "2", "true", "null", "\U0010FFFF", "ab\U0010FFFF", "ab\U0010FFFFc", "ab",
}

func (l *life) word() string { return pick(l.Rand, words...) + pick(l.Rand, "", "", "x", "Ö") }

func (l *life) some(a map[string]any, name string, value any) {
	if l.IntN(2) == 0 {
		a[name] = value
	}
}

func (l *life) values(types ...string) []any {
	out := []any{}
	for i, n := 0, l.IntN(3); i <= n; i++ {
		v := map[string]any{}
		l.some(v, "value", l.word())
		l.some(v, "type", pick(l.Rand, types...))
		l.some(v, "display", l.word())
		l.some(v, "primary", l.IntN(2) == 0)
		out = append(out, v)
	}
	return out
}

// attributes are those of a user, as a client may send them.
func (l *life) attributes() domain.Attributes {
	l.names++
	raw := map[string]any{"userName": pick(l.Rand, "User", "user", "Ü", "a b ", "1") + fmt.Sprint(l.names) + pick(l.Rand, "", "@Acme.test", " Straße")}
	l.some(raw, "externalId", pick(l.Rand, "00u1", "00U1", "x", ""))
	l.some(raw, "active", pick[any](l.Rand, true, false, "False"))
	for _, name := range []string{"displayName", "title", "nickName", "profileUrl", "locale"} {
		l.some(raw, name, l.word())
	}
	l.some(raw, "name", map[string]any{"givenName": l.word(), "familyName": l.word()})
	l.some(raw, "emails", l.values("work", "Work", "home"))
	l.some(raw, "phoneNumbers", l.values("mobile", "work"))
	l.some(raw, "x509Certificates", l.values("work"))
	l.some(raw, "addresses", []any{map[string]any{"locality": l.word(), "type": "work"}})
	l.some(raw, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", map[string]any{
		"employeeNumber": pick[any](l.Rand, "701984", json.Number("7")), "manager": map[string]any{"value": l.word(), "$ref": "../Users/1"}, "badge": pick[any](l.Rand, "b1", json.Number("3")),
	})
	odd := map[string]any{}
	for _, name := range oddNames {
		l.some(odd, name, pick[any](l.Rand, l.word(), json.Number("2"), json.Number("2.5"), json.Number("-1e3"), json.Number("9007199254740993"), json.Number("9007199254740992"),
			true, false, []any{l.word(), json.Number("2"), true}, map[string]any{"deep": l.word(), "er": json.Number("2")}, []any{map[string]any{"deep": "x"}}))
	}
	l.some(raw, pick(l.Rand, "urn:odd:Things:1", "URN:odd:things:1"), odd)
	a, err := domain.UserType.Canonical(raw)
	l.must(err)
	return a
}

// oddNames are attributes of an extension that Rollcall does not know.
var oddNames = []string{"plain", "it's", `back\slash`, "per%cent", "$", "under_score", "semi;--", "Zoë", "a+b", "🙂", "<", "'", `\u0041`, "{}"}

func (f *feed) someUser(l *life) string {
	if len(f.userIDs) == 0 {
		return l.newUser(f)
	}
	return pick(l.Rand, f.userIDs...)
}

func (f *feed) someGroup(l *life) string {
	if len(f.ids) == 0 {
		return l.newGroup(f)
	}
	return pick(l.Rand, f.ids...)
}

// anybody are ids that a client may name as members.
func (f *feed) anybody(l *life, n int) []string {
	other := pick(l.Rand, l.directories...)
	var out []string
	for range n {
		switch l.IntN(10) {
		case 0:
			l.names++
			out = append(out, fmt.Sprint("nobody-", l.names))
		case 1:
			out = append(out, append(slices.Clone(f.idle), "nobody-1")[l.IntN(len(f.idle)+1)])
		case 2:
			out = append(out, f.someGroup(l))
		case 3:
			if other != f && len(other.userIDs) > 0 {
				out = append(out, pick(l.Rand, other.userIDs...))
			}
		default:
			out = append(out, f.someUser(l))
		}
	}
	return out
}

func (l *life) newUser(f *feed) string {
	a := l.attributes()
	u := l.user(f.Directory, a)
	before, again := f.users[u.ID]
	if again && (f.Provider != domain.Okta || before.Active() || !a.Active() || before["externalId"] != a["externalId"]) {
		l.Fatalf("%s came back as\n%v\nthough it was\n%v", u.ID, a, before)
	}
	f.users[u.ID] = a
	if !again {
		f.userIDs = append(f.userIDs, u.ID)
	}
	l.sameUser(f, u)
	return u.ID
}

func (l *life) newGroup(f *feed) string {
	var members []string
	if len(f.ids) > 0 {
		members = f.anybody(l, l.IntN(l.groups))
	}
	l.names++
	g := l.group(f.Directory, pick(l.Rand, "Team ", "team ", "Größe ")+fmt.Sprint(l.names), members...)
	f.groups[g.ID] = map[string]bool{}
	for _, id := range members {
		f.groups[g.ID][id] = true
	}
	f.ids = append(f.ids, g.ID)
	l.sameGroup(f, g)
	return g.ID
}

// sameUser tells that a command answered what the read model shows.
func (l *life) sameUser(f *feed, u projections.User) {
	l.Helper()
	shown, err := l.read.User(l.Context(), f.ID, u.ID)
	l.must(err)
	if shown.ID != u.ID || shown.Version != u.Version || shown.Created != u.Created || shown.Modified != u.Modified || !reflect.DeepEqual(shown.Attributes, u.Attributes) {
		l.Fatalf("the command answered\n%+v\nthe read model\n%+v", u, shown)
	}
	if want := f.users[u.ID]; !reflect.DeepEqual(want, shown.Attributes) {
		l.Fatalf("user %s has\n%v\nnot\n%v", u.ID, shown.Attributes, want)
	}
}

func (l *life) sameGroup(f *feed, g projections.Group) {
	l.Helper()
	shown, err := l.read.Group(l.Context(), f.ID, g.ID)
	l.must(err)
	if shown.ID != g.ID || shown.Version != g.Version || shown.Count != g.Count || shown.Created != g.Created || shown.Modified != g.Modified || !reflect.DeepEqual(shown.Attributes, g.Attributes) {
		l.Fatalf("the command answered\n%+v\nthe read model\n%+v", g, shown)
	}
	want := f.groups[g.ID]
	standing, err := l.read.StandingAll(l.Context(), g.ID)
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
	members, err := l.read.Members(l.Context(), f.ID, g.ID, "", -1)
	l.must(err)
	var got []string
	for _, m := range members {
		got = append(got, m.ID)
	}
	if !slices.Equal(got, visible) {
		l.Fatalf("group %s shows %v, not %v", g.ID, got, visible)
	}
}

func (l *life) change(f *feed, id string, u projections.User, err error, next func(domain.Attributes)) {
	l.Helper()
	l.must(err)
	a := f.users[id].Clone()
	next(a)
	f.users[id] = a
	l.sameUser(f, u)
}

// sloppy is the directory as it reads what is written here, whatever dialect it was given.
func (f *feed) sloppy() projections.Directory {
	d := f.Directory
	d.Strict = false
	return d
}

func (l *life) patch(f *feed, id string, ops []domain.PatchOp, next func(domain.Attributes)) {
	l.Helper()
	u, err := l.commands.PatchUser(l.Context(), system, f.sloppy(), id, ops)
	l.change(f, id, u, err, next)
}

func (l *life) patchGroup(f *feed, id string, ops []domain.PatchOp) {
	l.Helper()
	g, err := l.commands.PatchGroup(l.Context(), system, f.sloppy(), id, ops)
	l.must(err)
	l.sameGroup(f, g)
}

func (f *feed) leave(id string) {
	for _, members := range f.groups {
		delete(members, id)
	}
	f.idle = append(f.idle, id)
}

// step lets one thing happen.
func (l *life) step() {
	l.Helper()
	f := pick(l.Rand, l.directories...)
	if l.crowds && l.IntN(5) == 0 {
		l.crowd(f)
		return
	}
	switch n := l.IntN(100); {
	case n < 20:
		l.newUser(f)
	case n < 30:
		l.newGroup(f)
	case n < 38:
		id, a := f.someUser(l), l.attributes()
		u, err := l.commands.ReplaceUser(l.Context(), system, f.Directory, id, a)
		if _, given := a["active"]; !given && f.users[id]["active"] != nil {
			a = a.Clone()
			a["active"] = f.users[id]["active"]
		}
		l.change(f, id, u, err, func(now domain.Attributes) { clear(now); maps.Copy(now, a) })
	case n < 46:
		title := "t" + l.word()
		l.patch(f, f.someUser(l), []domain.PatchOp{{Op: "replace", Path: "title", Value: title}}, func(a domain.Attributes) { a["title"] = title })
	case n < 52:
		active := l.IntN(2) == 0
		l.patch(f, f.someUser(l), []domain.PatchOp{{Op: "replace", Value: map[string]any{"active": active}}}, func(a domain.Attributes) { a["active"] = active })
	case n < 56:
		id := f.someUser(l)
		name := strings.ToUpper(f.users[id].Text("userName"))
		if l.IntN(2) == 0 {
			l.names++
			name = fmt.Sprint("Renamed", l.names)
		}
		l.patch(f, id, []domain.PatchOp{{Op: "replace", Path: "userName", Value: name}}, func(a domain.Attributes) { a["userName"] = name })
	case n < 62:
		id := f.someUser(l)
		l.must(l.commands.DeleteUser(l.Context(), system, f.Directory, id))
		delete(f.users, id)
		f.userIDs = slices.DeleteFunc(f.userIDs, func(u string) bool { return u == id })
		f.leave(id)
	case n < 74:
		id := f.someGroup(l)
		members := f.anybody(l, 1+l.IntN(l.groups))
		for _, m := range members {
			if m != id {
				f.groups[id][m] = true
			}
		}
		l.patchGroup(f, id, op("add", members...))
	case n < 82:
		id := f.someGroup(l)
		members := f.anybody(l, 1+l.IntN(l.groups))
		for _, m := range members {
			delete(f.groups[id], m)
		}
		l.patchGroup(f, id, op("remove", members...))
	case n < 88:
		l.replaceGroup(f)
	case n < 91:
		id := f.someGroup(l)
		l.must(l.commands.DeleteGroup(l.Context(), system, f.Directory, id))
		delete(f.groups, id)
		f.ids = slices.DeleteFunc(f.ids, func(g string) bool { return g == id })
		f.leave(id)
	case n < 93:
		l.fence(f)
	case n < 96:
		l.endpoint()
	case n < 99:
		l.changeDirectory(f)
	default:
		l.close(f)
	}
}

// crowd gives a group many members, or takes as many away.
func (l *life) crowd(f *feed) {
	id, n := f.oldestGroup(l), 20+l.IntN(110)
	standing := slices.Sorted(maps.Keys(f.groups[id]))
	verb, members := "add", []string(nil)
	if len(standing) > 120 && l.IntN(3) > 0 {
		verb = "remove"
		l.Shuffle(len(standing), func(i, j int) { standing[i], standing[j] = standing[j], standing[i] })
		members = standing[:min(n, len(standing))]
		for _, m := range members {
			delete(f.groups[id], m)
		}
	} else {
		for range n {
			l.names++
			members = append(members, fmt.Sprint("crowd-", l.names))
			f.groups[id][members[len(members)-1]] = true
		}
	}
	l.patchGroup(f, id, op(verb, members...))
}

// oldestGroup is the oldest group, so that crowds meet.
func (f *feed) oldestGroup(l *life) string {
	f.someGroup(l)
	return f.ids[0]
}

func (l *life) replaceGroup(f *feed) {
	id := f.someGroup(l)
	l.names++
	a := domain.Attributes{"displayName": fmt.Sprint("Team ", l.names), "externalId": l.word()}
	var p domain.MembersPlan
	if l.IntN(2) == 0 {
		members := f.anybody(l, l.IntN(l.groups))
		p = plan(l, members...)
		f.groups[id] = map[string]bool{}
		for _, m := range members {
			if m != id {
				f.groups[id][m] = true
			}
		}
	}
	g, err := l.commands.ReplaceGroup(l.Context(), system, f.Directory, id, a, p)
	l.must(err)
	l.sameGroup(f, g)
}

// fence is what a claimant appends to the stream of a user whose claim it found abandoned.
func (l *life) fence(f *feed) {
	u, err := l.read.User(l.Context(), f.ID, f.someUser(l))
	l.must(err)
	stream := projections.KindUser.Stream(u.ID)
	meta, err := domain.EncodeMeta(domain.Meta{RecordedAt: time.Now(), Directory: f.ID})
	l.must(err)
	name, data, err := domain.Encode(domain.UserClaimRevoked{Claim: "name-x"})
	l.must(err)
	l.names++
	var id eventstore.ID
	copy(id[:], fmt.Sprintf("fence-%010d", l.names))
	at, err := l.log.Append(l.Context(), eventstore.Write{Stream: stream, Expected: u.Version, Entries: []eventstore.Entry{{ID: id, Type: name, Data: data, Meta: meta}}})
	l.must(err)
	l.read.Expect(at)
}

func (l *life) endpoint() {
	switch n := l.IntN(3); {
	case n == 0 || len(l.endpoints) == 0:
		e, err := l.commands.CreateEndpoint(l.Context(), system, domain.EndpointCreated{Name: "hook", URL: "https://app.example/hook"}, []byte("secret"))
		l.must(err)
		l.endpoints = append(l.endpoints, e.ID)
		l.sameEndpoint(e)
	case n == 1:
		e, err := l.commands.DisableEndpoint(l.Context(), system, pick(l.Rand, l.endpoints...), "by hand")
		l.must(err)
		l.sameEndpoint(e)
	default:
		e, err := l.commands.TestEndpoint(l.Context(), system, pick(l.Rand, l.endpoints...))
		l.must(err)
		l.sameEndpoint(e)
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

func (l *life) changeDirectory(f *feed) {
	var err error
	switch l.IntN(4) {
	case 0:
		f.Directory, err = l.commands.SetDirectoryActive(l.Context(), system, f.Directory, !f.Active)
	case 1:
		f.Directory, _, err = l.commands.ResetToken(l.Context(), system, f.Directory, 0)
	case 2:
		f.Directory, _, err = l.commands.ResetToken(l.Context(), system, f.Directory, time.Hour)
	default:
		f.Directory, _, err = l.commands.UpdateDirectory(l.Context(), system, f.Directory, pick(l.Rand, domain.Okta, domain.AzureAD, ""), pick(l.Rand, nil, &domain.Dialect{}, &domain.Dialect{Strict: true}))
	}
	l.must(err)
	shown, err := l.read.Directory(l.Context(), f.ID)
	l.must(err)
	if !reflect.DeepEqual(shown, f.Directory) {
		l.Fatalf("the command answered\n%+v\nthe read model\n%+v", f.Directory, shown)
	}
}

// close deletes a directory, alone or with its organization, and opens another one.
func (l *life) close(f *feed) {
	if l.IntN(2) == 0 {
		l.must(l.commands.DeleteDirectory(l.Context(), system, f.Directory))
	} else {
		l.must(l.commands.DeleteOrganization(l.Context(), system, f.OrganizationID))
	}
	if _, err := l.read.Directory(l.Context(), f.ID); !errors.Is(err, projections.ErrNotFound) {
		l.Fatalf("the deleted directory: %v", err)
	}
	l.directories = slices.DeleteFunc(l.directories, func(d *feed) bool { return d == f })
	l.open()
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
	organizations, total, err := l.read.Organizations(ctx, 1, 1000)
	say([]any{organizations, total}, err)
	endpoints, total, err := l.read.Endpoints(ctx, 1, 1000)
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
			members, err := l.read.Members(ctx, f.ID, g.ID, "", -1)
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
