package command_test

import (
	"slices"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// create makes a user of the attributes in a directory.
func (w *world) create(d projections.Directory, a domain.Attributes) (projections.User, error) {
	return w.commands.CreateUser(w.Context(), caller, d, a)
}

func (w *world) suspend(u projections.User) {
	w.Helper()
	_, err := w.commands.PatchUser(w.Context(), caller, w.d, u.ID, replace("active", false))
	w.must(err)
}

// Okta creates a user again to bring back the one that it deactivated.
//
// Proves life after deletion.
func TestACreateBringsBackADeactivatedUser(t *testing.T) {
	ada := domain.Attributes{"userName": "ada@x", "externalId": "00u1", "title": "Dr", "active": true}
	for _, c := range []struct {
		name  string
		with  domain.Attributes
		since []string
	}{
		{"nothing else changed", ada, []string{"user 3 user.reactivated"}},
		{"active is not said", domain.Attributes{"userName": "ada@x", "externalId": "00u1", "title": "Dr"}, []string{"user 3 user.reactivated"}},
		{"with other attributes", domain.Attributes{"userName": "ada@x", "externalId": "00u1", "nickName": "A"}, []string{"user 3 user.reactivated"}},
		{"the same name in another case", domain.Attributes{"userName": "ADA@x", "externalId": "00u1"}, []string{"user 3 user.reactivated"}},
		{"with another name", domain.Attributes{"userName": "king@x", "externalId": "00u1"}, []string{"name 1 name.claimed", "user 3 user.reactivated", "name 2 name.released"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			first, err := w.create(w.d, ada)
			w.must(err)
			w.suspend(first)
			before := w.head()
			again, err := w.create(w.d, c.with)
			w.must(err)
			if again.ID != first.ID || !again.Attributes().Active() || again.Version != 3 {
				t.Errorf("got %+v, want %s again", again, first.ID)
			}
			if got := w.since(before); !slices.Equal(got, c.since) {
				t.Errorf("events %q, want %q", got, c.since)
			}
			shown, err := w.read.User(t.Context(), w.d.ID, first.ID)
			w.must(err)
			if len(domain.Diff(shown.Attributes(), c.with)) > 0 {
				t.Errorf("it is now %v, want %v", shown.Attributes(), c.with)
			}
		})
	}
}

// Proves life after deletion.
func TestACreateThatBringsNobodyBack(t *testing.T) {
	w := newWorld(t)
	one, err := w.create(w.d, domain.Attributes{"userName": "one", "externalId": "e1"})
	w.must(err)
	_, err = w.create(w.d, domain.Attributes{"userName": "one", "externalId": "e1"})
	w.refused(err, "conflict uniqueness") // it is active
	w.suspend(one)
	other := w.directory("Globex")
	for _, c := range []struct {
		name string
		d    projections.Directory
		a    domain.Attributes
	}{
		{"no externalId", w.d, domain.Attributes{"userName": "two"}},
		{"another externalId", w.d, domain.Attributes{"userName": "three", "externalId": "E1"}}, // case-exact
		{"inactive itself", w.d, domain.Attributes{"userName": "four", "externalId": "e1", "active": false}},
		{"another directory", other, domain.Attributes{"userName": "one", "externalId": "e1"}},
	} {
		u, err := w.create(c.d, c.a)
		w.must(err)
		if u.ID == one.ID || u.Version != 1 {
			t.Errorf("%s: got %+v", c.name, u)
		}
	}
	w.user("five")
	_, err = w.create(w.d, domain.Attributes{"userName": "FIVE", "externalId": "e1"})
	w.refused(err, "conflict uniqueness") // back under a name that another one has
	if u, err := w.read.User(t.Context(), w.d.ID, one.ID); err != nil || u.Attributes().Active() || u.Version != 2 {
		t.Errorf("refused, and yet %+v, %v", u, err)
	}
	for _, p := range []domain.Provider{domain.AzureAD, domain.OneLogin, domain.CustomSCIM} {
		d := w.d
		d.Provider = p
		_, err = w.create(d, domain.Attributes{"userName": "one", "externalId": "e1"})
		w.refused(err, "conflict uniqueness")
		if u, err := w.create(d, domain.Attributes{"userName": "one at " + string(p), "externalId": "e1"}); err != nil || u.Version != 1 {
			t.Errorf("%s: got %+v, %v", p, u, err)
		}
	}
}

// Of several with one externalId it is the one of the same name, else the oldest.
func TestWhichUserComesBack(t *testing.T) {
	w := newWorld(t)
	var users []projections.User
	for _, name := range []string{"a", "b", "c"} {
		u, err := w.create(w.d, domain.Attributes{"userName": name, "externalId": "e"})
		w.must(err)
		users = append(users, u)
	}
	for _, u := range users {
		w.suspend(u)
	}
	for _, c := range []struct {
		name string
		want int
	}{{"B", 1}, {"d", 0}, {"e", 2}} {
		if u, err := w.create(w.d, domain.Attributes{"userName": c.name, "externalId": "e"}); err != nil || u.ID != users[c.want].ID {
			t.Errorf("%s: got %v, %v, want user %d", c.name, u, err, c.want)
		}
	}
}

// Between the read model's answer and the log's, another process may have changed the one that is meant: what the log says counts.
//
// Proves life after deletion.
func TestWhoComesBackIsAskedOfTheLog(t *testing.T) {
	for _, c := range []struct {
		name    string
		between func(w *world, another *command.Service, id string) error
		refused string // "" if a new user is made
		since   []string
	}{
		{"it is active again", func(w *world, another *command.Service, id string) error {
			_, err := another.PatchUser(w.Context(), caller, w.d, id, replace("active", true))
			return err
		}, "conflict uniqueness", []string{"user 3 user.reactivated"}},
		{"it has another externalId", func(w *world, another *command.Service, id string) error {
			_, err := another.PatchUser(w.Context(), caller, w.d, id, replace("externalId", "other"))
			return err
		}, "conflict uniqueness", []string{"user 3 user.updated"}},
		{"it is deleted", func(w *world, another *command.Service, id string) error {
			return another.DeleteUser(w.Context(), caller, w.d, id)
		}, "", []string{"user 3 user.deleted", "name 2 name.released", "name 3 name.claimed", "user 1 user.provisioned"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			ada := domain.Attributes{"userName": "ada", "externalId": "e"}
			first, err := w.create(w.d, ada)
			w.must(err)
			w.suspend(first)
			before, another := w.head(), w.service()
			w.log.reading = func(stream string) {
				if stream == projections.KindUser.Stream(first.ID) {
					w.log.reading = nil
					w.must(c.between(w, another, first.ID))
				}
			}
			second, err := w.create(w.d, ada)
			if c.refused != "" {
				w.refused(err, c.refused)
			} else if w.must(err); second.ID == first.ID {
				t.Error("a deleted user came back")
			}
			if w.log.reading != nil {
				t.Fatal("nothing came between")
			}
			if got := w.since(before); !slices.Equal(got, c.since) {
				t.Errorf("events %q, want %q", got, c.since)
			}
		})
	}
}

// However many ask at once for one user, it comes back once.
func TestOneCreateBringsTheUserBack(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		ada := domain.Attributes{"userName": "ada", "externalId": "e"}
		first, err := w.create(w.d, ada)
		w.must(err)
		w.suspend(first)
		before := w.head()
		errs := make([]error, 8)
		together(len(errs), func(i int) { _, errs[i] = w.create(w.d, ada) })
		came := 0
		for _, err := range errs {
			if err == nil {
				came++
			} else {
				w.refused(err, "conflict uniqueness")
			}
		}
		if got := w.since(before); came != 1 || !slices.Equal(got, []string{"user 3 user.reactivated"}) {
			t.Errorf("%d came, events %q", came, got)
		}
	})
}

// A deleted user is another fact than a deactivated one: its name is free, and it never comes back.
//
// Proves life after deletion.
func TestADeletedNameIsFree(t *testing.T) {
	w := newWorld(t)
	ada := domain.Attributes{"userName": "ada", "externalId": "e"}
	first, err := w.create(w.d, ada)
	w.must(err)
	w.suspend(first)
	w.must(w.commands.DeleteUser(t.Context(), caller, w.d, first.ID))
	second, err := w.create(w.d, ada)
	w.must(err)
	if second.ID == first.ID || second.Version != 1 {
		t.Errorf("got %+v", second)
	}
}
