package command_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// Who is deleted does not come back as a member: not by PATCH, PUT or POST. Who was nobody yet may be one.
func TestDeletedAreNotAdded(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		ada, bob, inner := w.user("ada"), w.user("bob"), w.group("Inner")
		w.must(w.commands.DeleteUser(t.Context(), caller, w.d, ada.ID))
		w.must(w.commands.DeleteGroup(t.Context(), caller, w.d, inner.ID))
		nobody := uuid.NewString()
		all := []string{ada.ID, bob.ID, inner.ID, "foreign", nobody}
		want := []string{bob.ID, "foreign", nobody}
		slices.Sort(want)

		patched, replaced := w.group("Patched"), w.group("Replaced")
		for name, change := range map[string]func(s *command.Service) (projections.Group, error){
			"POST": func(s *command.Service) (projections.Group, error) {
				return s.CreateGroup(t.Context(), caller, w.d, domain.Attributes{"displayName": "Created"}, w.plan(all...))
			},
			"PATCH": func(s *command.Service) (projections.Group, error) {
				return s.PatchGroup(t.Context(), caller, w.d, patched.ID, members("add", all...))
			},
			"PUT": func(s *command.Service) (projections.Group, error) {
				return s.ReplaceGroup(t.Context(), caller, w.d, replaced.ID, replaced.Attributes(), w.plan(all...))
			},
		} {
			var looked []string
			w.log.reading = func(stream string) { looked = append(looked, stream) }
			g, err := change(w.service())
			w.must(err)
			w.log.reading = nil
			shown, err := w.read.Group(t.Context(), w.d.ID, g.ID)
			w.must(err)
			if got := w.standing(g.ID); !slices.Equal(got, want) || g.Count != len(want) || shown.Count != len(want) {
				t.Errorf("%s: %v, counts of %d and %d; want %v", name, got, g.Count, shown.Count, want)
			}
			for _, id := range []string{bob.ID, "foreign"} {
				if slices.Contains(looked, projections.KindUser.Stream(id)) {
					t.Errorf("%s looked into the log for %s", name, id)
				}
			}
			folded, err := projections.Fold(t.Context(), w.log, projections.KindGroup, g.ID, 0)
			w.must(err)
			if n := folded.Count(); n != len(want) {
				t.Errorf("%s: messages would count %d", name, n)
			}
		}
		before := w.head()
		g, err := w.commands.PatchGroup(t.Context(), caller, w.d, patched.ID, members("add", ada.ID, inner.ID))
		if w.must(err); g.Count != len(want) || len(w.since(before)) != 0 {
			t.Errorf("adding who is deleted: %+v, %q", g, w.since(before))
		}
	})
}
