package command_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

func ids(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("member-%05d", i)
	}
	return out
}

func (w *world) standing(group string) []string {
	w.Helper()
	all, err := w.read.StandingAll(w.Context(), w.d.ID, group)
	w.must(err)
	out := []string{}
	for _, m := range all {
		out = append(out, m.ID)
	}
	return out
}

func TestManyMembersTakeSeveralEvents(t *testing.T) {
	w := newWorld(t)
	many := ids(5001)
	before := w.head()
	g := w.group("Large", many...)
	w.caughtUp()
	if got, want := w.since(before), []string{"group 1 group.created", "group 2 group.members_changed"}; !slices.Equal(got, want) {
		t.Errorf("creating made %q", got)
	}
	if got := w.standing(g.ID); g.Count != 5001 || g.Version != 2 || !slices.Equal(got, many) {
		t.Errorf("%d members, a count of %d at version %d", len(got), g.Count, g.Version)
	}
	before = w.head()
	g, err := w.commands.ReplaceGroup(t.Context(), caller, w.d, g.ID, domain.Attributes{"displayName": "Small"}, w.plan("x", many[17]))
	w.must(err)
	w.caughtUp()
	if got, want := w.since(before), []string{"group 3 group.updated", "group 4 group.members_changed"}; !slices.Equal(got, want) {
		t.Errorf("replacing made %q", got)
	}
	shown, err := w.read.Group(t.Context(), w.d.ID, g.ID)
	w.must(err)
	if got := w.standing(g.ID); !slices.Equal(got, []string{many[17], "x"}) || g.Count != 2 || shown.Count != 2 || shown.Version != 4 || g.Version != 4 {
		t.Errorf("%v, a count of %d and %d", got, g.Count, shown.Count)
	}
}

func TestGroupKeepsMembersThatWereNotGiven(t *testing.T) {
	w := newWorld(t)
	g := w.group("Team", "a", "b")
	g, err := w.commands.ReplaceGroup(t.Context(), caller, w.d, g.ID, domain.Attributes{"displayName": "Other"}, domain.MembersPlan{})
	w.must(err)
	if got := w.standing(g.ID); !slices.Equal(got, []string{"a", "b"}) || g.Count != 2 || g.Attributes().Text("displayName") != "Other" {
		t.Errorf("%v, %+v", got, g)
	}
	g, err = w.commands.ReplaceGroup(t.Context(), caller, w.d, g.ID, domain.Attributes{"displayName": "Other"}, w.plan())
	w.must(err)
	if got := w.standing(g.ID); len(got) != 0 || g.Count != 0 {
		t.Errorf("members given as none left %v", got)
	}
}

func TestGroupsInGroups(t *testing.T) {
	w := newWorld(t)
	u := w.user("ada")
	inner := w.group("Inner", u.ID)
	outer := w.group("Outer", inner.ID, u.ID)
	standing, err := w.read.StandingAll(t.Context(), w.d.ID, outer.ID)
	w.must(err)
	for _, m := range standing {
		if (m.Type == "Group") != (m.ID == inner.ID) {
			t.Errorf("member %+v", m)
		}
	}
	g, err := w.commands.PatchGroup(t.Context(), caller, w.d, outer.ID, members("add", outer.ID, "x"))
	w.must(err)
	if got := w.standing(outer.ID); slices.Contains(got, outer.ID) || len(got) != 3 || g.Count != 3 {
		t.Errorf("a group became its own member: %v", got)
	}
	before := w.head()
	w.must(w.commands.DeleteGroup(t.Context(), caller, w.d, inner.ID))
	if got, want := w.since(before), []string{"group 2 group.deleted", "group 3 group.members_changed"}; !slices.Equal(got, want) {
		t.Errorf("deleting made %q", got)
	}
	if got := w.standing(outer.ID); slices.Contains(got, inner.ID) {
		t.Errorf("the deleted group is a member: %v", got)
	}
}

// A user that is deleted leaves its groups in the same batch, and the events tell why.
//
// Proves RFC 7644 §3.6.
func TestDeletedUserLeavesItsGroups(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		u := w.user("ada")
		one, two, other := w.group("One", u.ID, "x"), w.group("Two", u.ID), w.group("Three", "x")
		before, appended := w.head(), w.log.appended.Load()
		w.must(w.commands.DeleteUser(t.Context(), caller, w.d, u.ID))
		if n := w.log.appended.Load() - appended; n != 1 {
			t.Errorf("%d batches", n)
		}
		var cause string
		var types []string
		for r := range all(w, w.log.All(t.Context(), before)) {
			s, err := projections.DecodeRecord(r)
			w.must(err)
			types = append(types, r.Type)
			if _, deleted := s.Event.(domain.UserDeleted); deleted {
				cause = r.ID.String()
			}
			if delta := domain.DeltaOf(s.Event); len(delta.Removed) > 0 && (s.Meta.CausationID != cause || delta.Removed[0].ID != u.ID || s.Meta.CorrelationID != caller.Request) {
				t.Errorf("%+v because of %q, not %q", s.Event, s.Meta.CausationID, cause)
			}
		}
		if got := strings.Join(types, " "); got != "user.deleted group.members_changed group.members_changed name.released" {
			t.Errorf("got %s", got)
		}
		for id, want := range map[string][]string{one.ID: {"x"}, two.ID: {}, other.ID: {"x"}} {
			g, err := w.read.Group(t.Context(), w.d.ID, id)
			if got := w.standing(id); err != nil || !slices.Equal(got, want) || g.Count != len(want) {
				t.Errorf("%v with a count of %d, %v; want %v", got, g.Count, err, want)
			}
		}
	})
}

// While a user is deleted, somebody takes it out of a group, or deletes the group: it does not leave twice.
func TestDeletedUserLeavesOnce(t *testing.T) {
	for _, when := range []string{"before the group is loaded", "before the append"} {
		t.Run(when, func(t *testing.T) {
			w := newWorld(t)
			u := w.user("ada")
			g, gone := w.group("Team", u.ID, "x"), w.group("Gone", u.ID)
			other := w.service()
			meddle := func() {
				w.log.reading, w.log.before = nil, nil
				_, err := other.PatchGroup(t.Context(), caller, w.d, g.ID, members("remove", u.ID))
				w.must(err)
				w.must(other.DeleteGroup(t.Context(), caller, w.d, gone.ID))
			}
			if when == "before the append" {
				w.log.before = func([]eventstore.Write) error { meddle(); return nil }
			} else {
				w.log.reading = func(stream string) {
					if stream == projections.KindGroup.Stream(g.ID) {
						meddle()
					}
				}
			}
			w.must(w.commands.DeleteUser(t.Context(), caller, w.d, u.ID))
			shown, err := w.read.Group(t.Context(), w.d.ID, g.ID)
			if err != nil || shown.Count != 1 || shown.Version != 2 {
				t.Errorf("%+v, %v", shown, err)
			}
			if w.log.reading != nil || w.log.before != nil {
				t.Error("nothing came between")
			}
		})
	}
}

// What is decided on must not be newer than what the read model tells about it: a model that lags behind the group that was
// loaded is waited for, and one that stopped is no ground to decide on.
func TestModelThatLagsIsNoGround(t *testing.T) {
	w := newWorld(t)
	g := w.group("Team")
	if got := w.standing(g.ID); len(got) != 0 { // the model has come so far
		t.Fatal(got)
	}
	stream := projections.KindGroup.Stream(g.ID)
	poison := w.write("user-x", 0, domain.UserDeleted{})
	poison.Entries[0].Type = "user.from_the_future"
	added := domain.GroupMembersChanged{MembersDelta: domain.MembersDelta{Added: []domain.Member{{ID: "x"}}}}
	at, err := w.log.Store.Append(t.Context(), poison, w.write(stream, 1, added)) // by another process: nobody told the model
	w.must(err)
	if err := w.read.Progress().Wait(t.Context(), at); err == nil {
		t.Fatal("the model goes on")
	}
	before := w.head()
	_, err = w.commands.PatchGroup(t.Context(), caller, w.d, g.ID, members("add", "x"))
	w.refused(err, "unavailable")
	if got := w.since(before); got != nil {
		t.Errorf("it was decided: %q", got)
	}
}

// Many services add and remove members of one group at once: the count is that of those who stand.
func TestCountsUnderContention(t *testing.T) {
	w := newWorld(t)
	var users []string
	for n := range 12 {
		users = append(users, w.user(fmt.Sprint("user", n)).ID)
	}
	g := w.group("Team")
	together(4, func(i int) {
		s := w.service()
		for n := range 12 {
			var err error
			switch id := users[(n*7+i)%12]; (n + i) % 4 {
			case 0, 1:
				_, err = s.PatchGroup(t.Context(), caller, w.d, g.ID, members("add", id))
			case 2:
				_, err = s.PatchGroup(t.Context(), caller, w.d, g.ID, members("remove", id))
			default:
				if err = s.DeleteUser(t.Context(), caller, w.d, id); domain.Shown(err).Code == domain.NotFound {
					err = nil
				}
			}
			if err != nil {
				w.refused(err, "conflict")
			}
		}
	})
	shown, err := w.read.Group(t.Context(), w.d.ID, g.ID)
	w.must(err)
	if got := w.standing(g.ID); shown.Count != len(got) {
		t.Errorf("a count of %d for %v", shown.Count, got)
	}
	folded, err := projections.Fold(t.Context(), w.log, projections.KindGroup, g.ID, 0)
	w.must(err)
	if folded.Count() != shown.Count {
		t.Errorf("the log counts %d, the read model %d", folded.Count(), shown.Count)
	}
}
