package command_test

import (
	"sync/atomic"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// entra gives the world a directory that Entra ID feeds.
func (w *world) entra() {
	w.Helper()
	o, err := w.commands.CreateOrganization(w.Context(), caller, "Globex")
	w.must(err)
	w.d, _, err = w.commands.ActivateDirectory(w.Context(), caller, o, domain.AzureAD, domain.Dialect{})
	w.must(err)
}

// Entra finds a group by its name: there is one of a name, whoever creates or renames at the same time, and a name is free again once its group has
// another or is deleted.
func TestGroupNamesOfEntraAreUnique(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		w.entra()
		var made atomic.Int64
		together(20, func(i int) {
			_, err := w.commands.CreateGroup(t.Context(), caller, w.d, domain.Attributes{"displayName": pick(i, "Staff", "STAFF", " staff ")}, w.plan())
			if err == nil {
				made.Add(1)
			} else {
				w.refused(err, "conflict uniqueness")
			}
		})
		if made.Load() != 1 {
			t.Fatalf("%d groups of one name", made.Load())
		}
		other := w.group("Other")
		_, err := w.commands.PatchGroup(t.Context(), caller, w.d, other.ID, replace("displayName", "Staff"))
		w.refused(err, "conflict uniqueness")
		_, err = w.commands.PatchGroup(t.Context(), caller, w.d, other.ID, replace("displayName", "OTHER")) // the same name
		w.must(err)
		_, err = w.commands.PatchGroup(t.Context(), caller, w.d, other.ID, replace("displayName", "Third"))
		w.must(err)
		again := w.group("Other")
		w.must(w.commands.DeleteGroup(t.Context(), caller, w.d, again.ID))
		w.group("Other")
	})
}

// With any other provider two groups may have one name.
func TestGroupNamesOfOthersAreNotUnique(t *testing.T) {
	w := newWorld(t) // Okta's
	w.group("Staff")
	w.group("Staff")
}

// A claim that a crash left behind is taken over, and the group that does not go by the name is fenced without being changed.
func TestAbandonedGroupName(t *testing.T) {
	w := newWorld(t)
	w.entra()
	g := w.group("Team")
	w.append(w.write("name-"+w.keys.Name(w.d.ID, "displayName", "staff"), 0, domain.NameClaimed{Owner: "group-" + g.ID}))
	w.group("Staff")
	shown, err := w.read.Group(t.Context(), w.d.ID, g.ID)
	if err != nil || shown.Version != g.Version+1 || !shown.Modified.Equal(g.Modified) {
		t.Errorf("the fenced group is %+v, %v", shown, err)
	}
	_, err = w.commands.PatchGroup(t.Context(), caller, w.d, g.ID, replace("displayName", "Crew"))
	w.must(err)
}
