package projections_test

import (
	"errors"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// What is remembered of a user is of its directory only, and gone with what it tells.
func TestWhatIsRemembered(t *testing.T) {
	w := newWorld(t)
	ours, theirs := w.directory("Ours"), w.directory("Theirs")
	u := w.user(theirs, domain.Attributes{"userName": "ada"})
	group := w.group(theirs, "Team", u.ID)
	user := func(want string) {
		t.Helper()
		for range 2 {
			if got, err := w.read.User(t.Context(), theirs.ID, u.ID); err != nil || got.Attributes().Text("userName") != want {
				t.Errorf("the user is %s, %v", got.JSON, err)
			}
		}
		if _, err := w.read.User(t.Context(), ours.ID, u.ID); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("in another directory: %v", err)
		}
	}
	in := func(directory string, want int) {
		t.Helper()
		for range 2 {
			if got, err := w.read.MembershipsOf(t.Context(), directory, u.ID); err != nil || len(got) != want {
				t.Errorf("in %v, %v", got, err)
			}
		}
	}
	user("ada")
	in(ours.ID, 0)
	in(theirs.ID, 1)
	_, err := w.commands.PatchUser(t.Context(), system, theirs, u.ID, []domain.PatchOp{{Op: "replace", Path: "userName", Value: "eve"}})
	w.must(err)
	user("eve")
	w.must(w.commands.DeleteGroup(t.Context(), system, theirs, group.ID))
	in(theirs.ID, 0)
	w.must(w.commands.DeleteDirectory(t.Context(), system, theirs))
	if _, err := w.read.User(t.Context(), theirs.ID, u.ID); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("with its directory gone: %v", err)
	}
}
