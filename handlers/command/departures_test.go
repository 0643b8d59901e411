package command_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// Who is deleted while a group takes it in is in the end no member, whichever of the two is first.
func TestNobodyJoinsWhileItIsDeleted(t *testing.T) {
	w := newWorld(t)
	g, outer := w.group("Team"), w.group("Outer")
	ids := []string{g.ID, outer.ID}
	for n := range 100 {
		u, inner := w.user(fmt.Sprint("user", n)), w.group("Inner")
		together(5, func(i int) {
			var err error
			switch i {
			case 0:
				_, err = w.commands.PatchGroup(t.Context(), caller, w.d, g.ID, members("add", u.ID))
			case 1:
				err = w.commands.DeleteUser(t.Context(), caller, w.d, u.ID)
			case 2:
				_, err = w.commands.PatchGroup(t.Context(), caller, w.d, outer.ID, members("add", inner.ID))
			case 3:
				err = w.commands.DeleteGroup(t.Context(), caller, w.d, inner.ID)
			case 4:
				var made projections.Group
				made, err = w.commands.CreateGroup(t.Context(), caller, w.d, domain.Attributes{"displayName": "New"}, w.plan(u.ID))
				ids = append(ids, made.ID)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	for _, id := range ids {
		shown, err := w.read.Group(t.Context(), w.d.ID, id)
		w.must(err)
		if got := w.standing(id); len(got) != 0 || shown.Count != 0 {
			t.Fatalf("%q has a count of %d, and %v", shown.Attributes().Text("displayName"), shown.Count, got)
		}
	}
}

// An organization that is deleted while its directory is activated has none afterwards, whichever of the two is first.
func TestNoDirectoryOutlivesItsOrganization(t *testing.T) {
	w := newWorld(t)
	other := w.service()
	o, err := w.commands.CreateOrganization(t.Context(), caller, "Globex")
	w.must(err)
	w.log.before = func([]eventstore.Write) error {
		w.log.before = nil
		return other.DeleteOrganization(t.Context(), caller, o.ID)
	}
	_, _, err = w.commands.ActivateDirectory(t.Context(), caller, o, domain.Okta, domain.Dialect{})
	w.refused(err, "not_found")

	o, err = w.commands.CreateOrganization(t.Context(), caller, "Initech")
	w.must(err)
	w.log.before = func([]eventstore.Write) error {
		w.log.before = nil
		_, _, err := other.ActivateDirectory(t.Context(), caller, o, domain.Okta, domain.Dialect{})
		return err
	}
	w.must(w.commands.DeleteOrganization(t.Context(), caller, o.ID))
	if _, err := w.read.DirectoryOf(t.Context(), o.ID); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("its directory: %v", err)
	}
	ended := 0
	for r := range all(w, w.log.All(t.Context(), eventstore.Position{})) {
		if r.Type == (domain.DirectoryDeleted{}).EventName() {
			ended++
		}
	}
	if ended != 1 {
		t.Errorf("%d directories were deleted", ended)
	}
}
