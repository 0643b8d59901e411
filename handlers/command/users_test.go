package command_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

func TestConfigIsComplete(t *testing.T) {
	_, err := command.New(command.Config{})
	if err == nil || err.Error() != "command: Log is required\ncommand: Read is required\ncommand: Keys is required" {
		t.Errorf("got %v", err)
	}
}

// The answer of an append is lost: the same batch is sent again, and there is one user.
func TestLostAnswer(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		lost := fmt.Errorf("the line is dead: %w", eventstore.ErrUnavailable)
		for _, when := range []struct {
			what          string
			before, after error
		}{{"before it was written", lost, nil}, {"after it was written", nil, lost}} {
			var ids []eventstore.ID
			tries := 0
			w.log.before = func(batch []eventstore.Write) error {
				tries++
				var now []eventstore.ID
				for _, write := range batch {
					for _, e := range write.Entries {
						now = append(now, e.ID)
					}
				}
				if tries > 1 && !slices.Equal(now, ids) {
					t.Errorf("%s: try %d has the ids %v, not %v", when.what, tries, now, ids)
				}
				ids = now
				if tries == 1 {
					return when.before
				}
				return nil
			}
			w.log.after = func() error {
				if tries == 1 {
					return when.after
				}
				return nil
			}
			before := w.head()
			u := w.user("ada " + when.what)
			if got := w.since(before); tries != 2 || !slices.Equal(got, []string{"name 1 name.claimed", "user 1 user.provisioned"}) {
				t.Errorf("%s: %d tries left %q", when.what, tries, got)
			}
			if got := w.find("ada " + when.what); got.ID != u.ID {
				t.Errorf("%s: %s was answered, %s is there", when.what, u.ID, got.ID)
			}
			w.log.before, w.log.after = nil, nil
		}
	})
}

func TestUnavailableLog(t *testing.T) {
	w := newWorld(t)
	tries := 0
	w.log.before = func([]eventstore.Write) error { tries++; return fmt.Errorf("down: %w", eventstore.ErrUnavailable) }
	_, err := w.commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": "ada"})
	w.refused(err, "unavailable")
	if !errors.Is(err, eventstore.ErrUnavailable) || tries != 3 {
		t.Errorf("%d tries, %v", tries, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.log.before = func([]eventstore.Write) error {
		tries++
		cancel()
		return fmt.Errorf("down: %w", eventstore.ErrUnavailable)
	}
	tries = 0
	_, err = w.commands.CreateUser(ctx, caller, w.d, domain.Attributes{"userName": "ada"})
	w.refused(err, "unavailable")
	if tries != 1 {
		t.Errorf("%d tries for a caller that has gone", tries)
	}
}

func TestConflictsAreDecidedAgain(t *testing.T) {
	w := newWorld(t)
	u := w.user("ada")
	stream := projections.KindUser.Stream(u.ID)
	meddle := func(times int) *int {
		n := 0
		w.log.before = func(batch []eventstore.Write) error {
			if batch[0].Stream == stream && n < times {
				n++
				w.append(w.write(stream, batch[0].Expected, domain.UserUpdated{Edit: domain.Edit{Set: domain.Attributes{"nickName": fmt.Sprintf("%d of %d", n, times)}}}))
			}
			return nil
		}
		return &n
	}
	n := meddle(2)
	got, err := w.commands.PatchUser(t.Context(), caller, w.d, u.ID, replace("title", "Countess"))
	w.must(err)
	if *n != 2 || got.Version != 4 || got.Attributes().Text("title") != "Countess" || got.Attributes().Text("nickName") != "2 of 2" {
		t.Errorf("after %d conflicts %+v", *n, got)
	}
	n = meddle(20)
	before := w.log.appended.Load()
	_, err = w.commands.PatchUser(t.Context(), caller, w.d, u.ID, replace("title", "Lady"))
	w.refused(err, "conflict")
	if w.log.appended.Load()-before != 10 || *n != 10 {
		t.Errorf("%d appends", w.log.appended.Load()-before)
	}
}

func TestNothingChangedIsNoEvent(t *testing.T) {
	w := newWorld(t)
	a := domain.Attributes{"userName": "ada", "active": true, "emails": []any{map[string]any{"value": "a@x.test"}}}
	u, err := w.commands.CreateUser(t.Context(), caller, w.d, a)
	w.must(err)
	g := w.group("Team", u.ID)
	before := w.head()
	for what, do := range map[string]func() (any, error){
		"PUT user": func() (any, error) { return w.commands.ReplaceUser(t.Context(), caller, w.d, u.ID, a.Clone()) },
		"PATCH user": func() (any, error) {
			return w.commands.PatchUser(t.Context(), caller, w.d, u.ID, replace("active", "True"))
		},
		"PUT group": func() (any, error) {
			return w.commands.ReplaceGroup(t.Context(), caller, w.d, g.ID, g.Attributes(), w.plan(u.ID))
		},
		"PATCH group": func() (any, error) {
			return w.commands.PatchGroup(t.Context(), caller, w.d, g.ID, members("add", u.ID))
		},
		"remove a stranger": func() (any, error) {
			return w.commands.PatchGroup(t.Context(), caller, w.d, g.ID, members("remove", "stranger"))
		},
		"itself": func() (any, error) {
			return w.commands.PatchGroup(t.Context(), caller, w.d, g.ID, members("add", g.ID))
		},
		"activate": func() (any, error) { return w.commands.SetDirectoryActive(t.Context(), caller, w.d, true) },
	} {
		if _, err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := w.since(before); got != nil {
			t.Errorf("%s made %q", what, got)
		}
	}
}

// What a PUT does not say about active stays; what it says counts.
func TestReplaceKeepsActive(t *testing.T) {
	w := newWorld(t)
	u := w.user("ada")
	put := func(a domain.Attributes) domain.Attributes {
		t.Helper()
		given := a.Clone()
		got, err := w.commands.ReplaceUser(t.Context(), caller, w.d, u.ID, a)
		w.must(err)
		if !reflect.DeepEqual(a, given) {
			t.Errorf("the attributes that were given became %v", a)
		}
		return got.Attributes()
	}
	if got := put(domain.Attributes{"userName": "ada", "title": "T"}); got["active"] != nil {
		t.Errorf("active appeared: %v", got)
	}
	put(domain.Attributes{"userName": "ada", "active": false})
	before := w.head()
	if got := put(domain.Attributes{"userName": "ada", "title": "U"}); got["active"] != false || got["title"] != "U" {
		t.Errorf("a suspended user became %v", got)
	}
	if got := put(domain.Attributes{"userName": "ada", "active": true}); got["active"] != true || got["title"] != nil {
		t.Errorf("got %v", got)
	}
	if got, want := w.since(before), []string{"user 4 user.updated", "user 5 user.reactivated"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnotherDirectorysIdsAreNotFound(t *testing.T) {
	w := newWorld(t)
	u, g := w.user("ada"), w.group("Team")
	other := w.directory("Other")
	for what, do := range map[string]func() error{
		"PUT user": func() error {
			_, err := w.commands.ReplaceUser(t.Context(), caller, other, u.ID, domain.Attributes{"userName": "x"})
			return err
		},
		"PATCH user": func() error {
			_, err := w.commands.PatchUser(t.Context(), caller, other, u.ID, replace("title", "x"))
			return err
		},
		"DELETE user": func() error { return w.commands.DeleteUser(t.Context(), caller, other, u.ID) },
		"PUT group": func() error {
			_, err := w.commands.ReplaceGroup(t.Context(), caller, other, g.ID, domain.Attributes{"displayName": "x"}, domain.MembersPlan{})
			return err
		},
		"PATCH group": func() error {
			_, err := w.commands.PatchGroup(t.Context(), caller, other, g.ID, members("add", "x"))
			return err
		},
		"DELETE group":      func() error { return w.commands.DeleteGroup(t.Context(), caller, other, g.ID) },
		"a group as a user": func() error { return w.commands.DeleteUser(t.Context(), caller, w.d, g.ID) },
		"nobody":            func() error { return w.commands.DeleteUser(t.Context(), caller, w.d, "nobody") },
	} {
		before := w.head()
		w.refused(do(), "not_found")
		if got := w.since(before); got != nil {
			t.Errorf("%s made %q", what, got)
		}
	}
	w.must(w.commands.DeleteUser(t.Context(), caller, w.d, u.ID))
	w.refused(w.commands.DeleteUser(t.Context(), caller, w.d, u.ID), "not_found")
}

// Many services, as many processes would, change one user: every change that was answered is there.
func TestManyWriters(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		u := w.user("ada")
		services := make([]*command.Service, 6)
		for i := range services {
			services[i] = w.service()
		}
		var answered atomic.Int64
		together(len(services), func(i int) {
			for n := range 8 {
				_, err := services[i].PatchUser(t.Context(), caller, w.d, u.ID, []domain.PatchOp{{Op: "add", Path: "emails", Value: map[string]any{"value": fmt.Sprint(i, "-", n)}}})
				if err == nil {
					answered.Add(1)
				} else {
					w.refused(err, "conflict")
				}
			}
		})
		got, err := w.read.User(t.Context(), w.d.ID, u.ID)
		w.must(err)
		emails, _ := got.Attributes()["emails"].([]any)
		if int64(len(emails)) != answered.Load() || int64(got.Version) != 1+answered.Load() || len(emails) == 0 {
			t.Errorf("%d answered, %d e-mails at version %d", answered.Load(), len(emails), got.Version)
		}
	})
}
