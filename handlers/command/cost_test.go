package command_test

import (
	"fmt"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// Each command is one append, which is one commit of the log and at most one fsync, whatever it writes. What it reads of the log does not
// follow what is there.
func TestACommandIsOneAppend(t *testing.T) {
	w := newWorld(t)
	u := w.user("ada")
	others := make([]string, 50)
	for i := range others {
		others[i] = w.user(fmt.Sprint("other", i)).ID
	}
	g := w.group("Team", others...)
	w.caughtUp()
	reads := 0
	w.log.reading = func(string) { reads++ }
	for _, c := range []struct {
		what  string
		do    func() error
		reads int
		wrote []string
	}{
		{"create", func() error {
			_, err := w.commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": "grace", "externalId": "x"})
			return err
		}, 0, []string{"name 1 name.claimed", "user 1 user.provisioned"}},
		{"PATCH", func() error {
			_, err := w.commands.PatchUser(t.Context(), caller, w.d, u.ID, replace("title", "Countess"))
			return err
		}, 1, []string{"user 2 user.updated"}},
		{"PATCH that changes nothing", func() error {
			_, err := w.commands.PatchUser(t.Context(), caller, w.d, u.ID, replace("title", "Countess"))
			return err
		}, 1, nil},
		{"rename", func() error {
			_, err := w.commands.PatchUser(t.Context(), caller, w.d, u.ID, replace("userName", "ada2"))
			return err
		}, 3, []string{"name 1 name.claimed", "user 3 user.updated", "name 2 name.released"}},
		{"one member", func() error {
			_, err := w.commands.PatchGroup(t.Context(), caller, w.d, g.ID, members("add", u.ID))
			return err
		}, 1, []string{"group 2 group.members_changed"}},
		{"fifty members", func() error {
			_, err := w.commands.PatchGroup(t.Context(), caller, w.d, g.ID, members("remove", others...))
			return err
		}, 1, []string{"group 3 group.members_changed"}},
	} {
		at, before := w.head(), w.log.appended.Load()
		reads = 0
		w.must(c.do())
		want := int64(1)
		if c.wrote == nil {
			want = 0
		}
		if n := w.log.appended.Load() - before; n != want || reads != c.reads {
			t.Errorf("%s: %d appends and %d reads, want %d and %d", c.what, n, reads, want, c.reads)
		}
		if wrote := w.since(at); fmt.Sprint(wrote) != fmt.Sprint(c.wrote) {
			t.Errorf("%s wrote %q, want %q", c.what, wrote, c.wrote)
		}
	}
}
