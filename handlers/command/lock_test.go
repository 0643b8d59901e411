package command_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// Writers of one process take turns: nobody is refused, however many change one thing at once.
func TestWritersTakeTurns(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		const n = 64
		group, user := w.group("Team"), w.user("ada")
		users := make([]string, n)
		together(n, func(i int) { users[i] = w.user(fmt.Sprint("user", i)).ID })
		appended := w.log.appended.Load()
		together(2*n, func(i int) {
			var err error
			if i < n {
				_, err = w.commands.PatchGroup(t.Context(), caller, w.d, group.ID, members("add", users[i]))
			} else {
				_, err = w.commands.PatchUser(t.Context(), caller, w.d, user.ID, replace("title", fmt.Sprint("title", i)))
			}
			if err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
		if made := w.log.appended.Load() - appended; made != 2*n {
			t.Errorf("%d appends for %d changes", made, 2*n)
		}
		slices.Sort(users)
		shown, err := w.read.Group(t.Context(), w.d.ID, group.ID)
		if got := w.standing(group.ID); err != nil || shown.Count != n || !slices.Equal(got, users) {
			t.Errorf("%d members and a count of %d, %v", len(got), shown.Count, err)
		}
		if u, err := w.read.User(t.Context(), w.d.ID, user.ID); err != nil || u.Version != n+1 {
			t.Errorf("the user is at version %d, %v", u.Version, err)
		}
	})
}

// Deletions of users write to their groups too, without those groups' turn: they succeed all the same, and so does who changes the groups.
func TestDeletionsAmongOtherWriters(t *testing.T) {
	w := newWorld(t)
	const n = 24
	var users, guests []string
	for i := range n {
		users = append(users, w.user(fmt.Sprint("user", i)).ID)
		guests = append(guests, w.user(fmt.Sprint("guest", i)).ID)
	}
	one, two := w.group("One", users...), w.group("Two", users...)
	together(3*n, func(i int) {
		var err error
		switch id := i / 3; i % 3 {
		case 0:
			err = w.commands.DeleteUser(t.Context(), caller, w.d, users[id])
		case 1:
			_, err = w.commands.PatchGroup(t.Context(), caller, w.d, one.ID, members("add", guests[id]))
		default:
			_, err = w.commands.PatchGroup(t.Context(), caller, w.d, two.ID, members("add", guests[id]))
		}
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
		}
	})
	slices.Sort(guests)
	for _, g := range []projections.Group{one, two} {
		if got := w.standing(g.ID); !slices.Equal(got, guests) {
			t.Errorf("%d members are left, not the %d guests", len(got), n)
		}
	}
}

// Who waits for a turn goes when its caller does.
func TestTurnEndsWithTheCaller(t *testing.T) {
	w := newWorld(t)
	u := w.user("ada")
	ctx, cancel := context.WithCancel(t.Context())
	w.log.before = func(batch []eventstore.Write) error { // the turn is taken here
		w.log.before = nil
		cancel()
		_, err := w.commands.PatchUser(ctx, caller, w.d, u.ID, replace("title", "Lady"))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		return nil
	}
	got, err := w.commands.PatchUser(t.Context(), caller, w.d, u.ID, replace("title", "Countess"))
	if w.must(err); got.Attributes().Text("title") != "Countess" || w.log.before != nil {
		t.Errorf("%+v", got)
	}
}

// Whoever waits for another to have joined, or to be deleted, waits no longer than its caller does.
func TestWaitingEndsWithTheCaller(t *testing.T) {
	w := newWorld(t)
	g, u := w.group("Team"), w.user("ada")
	left, leave := context.WithCancel(t.Context())
	w.log.before = func([]eventstore.Write) error {
		w.log.before = nil
		leave()
		if err := w.commands.DeleteUser(left, caller, w.d, u.ID); !errors.Is(err, context.Canceled) {
			t.Errorf("a deletion beside one who joins ends with %v", err)
		}
		return nil
	}
	_, err := w.commands.PatchGroup(t.Context(), caller, w.d, g.ID, members("add", u.ID))
	w.must(err)
	w.must(w.commands.DeleteUser(t.Context(), caller, w.d, u.ID))
}
