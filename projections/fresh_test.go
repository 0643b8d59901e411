package projections_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// waiting are the queries that a model which gets nowhere lets wait: of two directories, of who is in which of their groups, and of the rest.
func waiting(t *testing.T, read *projections.ReadModel) []string {
	t.Helper()
	first := projections.Query{Start: 1, Count: 1}
	var out []string
	ask := func(what string, err error, began time.Time) {
		waited := isUnavailable(err) && time.Since(began) == 5*time.Second
		switch {
		case waited && !slices.Contains(out, what):
			out = append(out, what)
		case !waited && (time.Since(began) != 0 || err != nil && !errors.Is(err, projections.ErrNotFound) || slices.Contains(out, what)):
			t.Errorf("%s: after %s %v", what, time.Since(began), err)
		}
	}
	for _, d := range []string{"A", "B"} {
		for _, query := range []func() error{
			func() error { _, err := read.User(t.Context(), d, "x"); return err },
			func() error { _, err := read.Users(t.Context(), d, first); return err },
			func() error { _, err := read.UserNames(t.Context(), d, nil); return err },
			func() error { _, err := read.Group(t.Context(), d, "x"); return err },
			func() error { _, err := read.Groups(t.Context(), d, first); return err },
			func() error { _, err := read.GroupNames(t.Context(), d, nil); return err },
			func() error { _, err := read.Members(t.Context(), d, "x"); return err },
			func() error { _, err := read.Standing(t.Context(), d, "x", nil); return err },
			func() error { _, err := read.StandingAll(t.Context(), d, "x"); return err },
		} {
			began := time.Now()
			ask(d, query(), began)
		}
		for _, query := range []func() error{
			func() error { _, err := read.Memberships(t.Context(), d, nil); return err },
			func() error { _, err := read.MembershipsOf(t.Context(), d, "x"); return err },
		} {
			began := time.Now()
			ask(d+"'s groups", query(), began)
		}
	}
	for _, query := range []func() error{
		func() error { _, err := read.Organization(t.Context(), "x"); return err },
		func() error { _, _, err := read.Organizations(t.Context(), "", 1, 1); return err },
		func() error { _, err := read.Directory(t.Context(), "x"); return err },
		func() error { _, err := read.DirectoryOf(t.Context(), "x"); return err },
		func() error { _, err := read.Endpoint(t.Context(), "x"); return err },
		func() error { _, _, err := read.Endpoints(t.Context(), "", 1, 1); return err },
		func() error { _, err := read.APIKey(t.Context(), "x"); return err },
		func() error { _, _, err := read.APIKeys(t.Context(), "", "", 1, 1); return err },
		func() error { _, err := read.APIKeyDescends(t.Context(), "x", "y"); return err },
	} {
		began := time.Now()
		ask("rest", query(), began)
	}
	return out
}

// A query waits for what it may show, and for nothing else.
func TestQueriesWaitByScope(t *testing.T) {
	for _, c := range []struct {
		stream, directory string
		want              []string
	}{
		{"user-u", "A", []string{"A"}},
		{"group-g", "B", []string{"B", "B's groups"}},
		{"user-u", "", []string{"A", "A's groups", "B", "B's groups", "rest"}},
		{"directory-A", "A", []string{"A", "A's groups", "rest"}},
		{"organization-o", "", []string{"rest"}},
		{"endpoint-e", "", []string{"rest"}},
		{"apikey-k", "", []string{"rest"}},
		{"name-n", "A", nil},
	} {
		t.Run(c.stream+" in "+c.directory, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				read, err := projections.OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
				if err != nil {
					t.Fatal(err)
				}
				defer read.Close()
				read.ExpectOf(c.stream, c.directory, at(7))
				read.ExpectOf(c.stream, c.directory, at(6)) // an answer that came late
				read.Reach(at(6))
				if got := waiting(t, read); !slices.Equal(got, c.want) {
					t.Errorf("%v wait, not %v", got, c.want)
				}
				read.Reach(at(7))
				if got := waiting(t, read); got != nil {
					t.Errorf("%v wait for what was reached", got)
				}
				read.Expect(at(8))
				if got := waiting(t, read); len(got) != 5 {
					t.Errorf("only %v wait for what all must show", got)
				}
			})
		})
	}
}

// After a start every query waits for the log's head, whatever is expected of its scope.
func TestEveryQueryWaitsForTheHeadAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, err := projections.OpenReadModel(t.TempDir(), "a log", at(9))
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		read.ExpectOf("user-u", "A", at(3))
		read.Reach(at(8))
		if got := waiting(t, read); len(got) != 5 {
			t.Errorf("only %v wait", got)
		}
	})
}

// Directories without number take no memory: those that are reached are forgotten, and if none is, all queries wait.
func TestScopesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, err := projections.OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		read.ExpectOf("user-u", "A", at(9000))
		for i := range 5000 {
			read.Reach(at(i + 1))
			read.ExpectOf("user-u", fmt.Sprint("directory", i), at(i+1))
		}
		if got := waiting(t, read); read.Scopes() > 1024 || !slices.Equal(got, []string{"A"}) {
			t.Errorf("%d scopes; %v wait", read.Scopes(), got)
		}
		for i := range 5000 {
			read.ExpectOf("user-u", fmt.Sprint("late", i), at(9001))
		}
		if got := waiting(t, read); read.Scopes() > 1024 || len(got) != 5 {
			t.Errorf("%d scopes; only %v wait", read.Scopes(), got)
		}
		read.Reach(at(9001))
		if got := waiting(t, read); got != nil {
			t.Errorf("%v wait for what was reached", got)
		}
	})
}

// A model that is behind on one directory's events still answers about another, and each shows what was written in it.
func TestOneDirectoryDoesNotHoldUpAnother(t *testing.T) {
	w := newWorld(t)
	a, b := w.directory("A"), w.directory("B")
	bob := w.user(b, domain.Attributes{"userName": "bob"})
	if _, err := w.read.User(t.Context(), b.ID, bob.ID); err != nil {
		t.Fatal(err)
	}
	// Here the model stops.
	_, err := w.log.Append(t.Context(), eventstore.Write{Stream: "user-x", Entries: []eventstore.Entry{{ID: eventstore.ID{1}, Type: "user.from_the_future", Data: []byte("{}"), Meta: []byte("{}")}}})
	w.must(err)
	ada := w.user(a, domain.Attributes{"userName": "ada"})
	if _, err := w.read.User(t.Context(), a.ID, ada.ID); !isUnavailable(err) {
		t.Errorf("A's own write: %v", err)
	}
	if u, err := w.read.User(t.Context(), b.ID, bob.ID); err != nil || u.ID != bob.ID {
		t.Errorf("B waits for A: %v", err)
	}
	if d, err := w.read.Directory(t.Context(), b.ID); err != nil || d.ID != b.ID {
		t.Errorf("directories wait for A's users: %v", err)
	}
	w.must(w.commands.DeleteDirectory(t.Context(), system, b))
	if _, err := w.read.User(t.Context(), b.ID, bob.ID); !isUnavailable(err) {
		t.Errorf("a user of a directory that was deleted: %v", err)
	}
	if _, err := w.read.DirectoryOf(t.Context(), b.OrganizationID); !isUnavailable(err) {
		t.Errorf("a directory that was deleted: %v", err)
	}
}
