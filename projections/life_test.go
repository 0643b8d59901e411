package projections_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/command"
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
	idle    []string                   // of users and groups that are deleted
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
	f.join(g.ID, members)
	f.ids = append(f.ids, g.ID)
	l.sameGroup(f, g)
	return g.ID
}

func (l *life) change(f *feed, id string, u projections.User, err error, next func(domain.Attributes)) {
	l.Helper()
	l.must(err)
	before := f.users[id]
	a := before.Clone()
	if next(a); before["active"] == nil && a["active"] == true { // it was so already
		delete(a, "active")
	}
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

// join adds members to a group, all but itself and those that are deleted.
func (f *feed) join(group string, members []string) {
	for _, m := range members {
		if m != group && !slices.Contains(f.idle, m) {
			f.groups[group][m] = true
		}
	}
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
		f.join(id, members)
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
		f.join(id, members)
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
		e, err := l.commands.CreateEndpoint(l.Context(), system, domain.EndpointSettings{Name: "hook", URL: "https://app.example/hook"}, nil, keys.NewSigning(false))
		l.must(err)
		l.endpoints = append(l.endpoints, e.ID)
		l.sameEndpoint(e)
	case n == 1:
		e, err := l.commands.DisableEndpoint(l.Context(), system, pick(l.Rand, l.endpoints...), "by hand")
		l.must(err)
		l.sameEndpoint(e)
	default:
		id := pick(l.Rand, l.endpoints...)
		e, err := pick(l.Rand, l.commands.EnableEndpoint, l.commands.PauseEndpoint, func(ctx context.Context, c command.Caller, id string) (projections.Endpoint, error) {
			return l.commands.UpdateEndpoint(ctx, c, id, func(s *domain.EndpointSettings, _ map[string]string) (map[string]string, error) {
				s.RateLimit = 1 + l.IntN(5)
				return map[string]string{"X-Key": fmt.Sprint(l.IntN(2))}, nil
			})
		}, func(ctx context.Context, c command.Caller, id string) (projections.Endpoint, error) {
			p, _, err := l.commands.RotateKey(ctx, c, id, 0)
			return p, err
		})(l.Context(), system, id)
		l.must(err)
		l.sameEndpoint(e)
		if e.Active() {
			e, err := l.commands.TestEndpoint(l.Context(), system, id, nil)
			l.must(err)
			l.sameEndpoint(e)
		}
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
		d, _, reset := l.commands.ResetToken(l.Context(), system, f.Directory, time.Hour)
		switch within := !f.PreviousUntil.IsZero(); {
		case !within:
			f.Directory, err = d, reset
		case reset == nil || domain.Shown(reset).Code != domain.Conflict:
			l.Fatalf("another overlap while the token before is valid until %s: %v", f.PreviousUntil, reset)
		}
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
