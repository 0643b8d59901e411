package command_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// wholly is an organization of a shared log into which an import is about to come.
type wholly struct {
	*world
	log *piecemeal
	all []process
	o   projections.Organization
	d   projections.Directory
	bob string // the id of the user who is there before
}

// wholeLines make two users, and change bob's names.
var wholeLines = []string{`{"email":"ada@x.test"}`, `{"userName":"bob","nickname":"B","email":"bob@new.test"}`, `{"userName":"eve"}`}

// wholeWrites is in how many pieces the log writes them.
const wholeWrites = 12

func newWholly(t *testing.T) wholly {
	t.Helper()
	w, log, all := sharedWorld(t, 2)
	o := w.organization("Globex")
	bob := w.made(o, `{"userName":"bob","email":"bob@x.test"}`)
	return wholly{w, log, all, o, w.apiDirectory(o), bob.ID}
}

func (w wholly) importAll(s *command.Service) ([]string, error) {
	w.Helper()
	got, err := s.ImportAll(w.Context(), application, w.o, w.profiles(wholeLines...))
	return described(got), err
}

// after lets something happen once, after so many writes.
func (w wholly) after(writes int, do func()) {
	w.log.between = func(eventstore.Write) error {
		if writes--; writes == 0 {
			w.log.between = nil
			do()
		}
		return nil
	}
}

// between is how many writes lie between two moments that are tried: one, and some where time is short.
func between() int {
	if testing.Short() {
		return 4
	}
	return 1
}

// users are the userNames of those who are there.
func (w wholly) users() (names []string) {
	w.Helper()
	page, err := w.all[1].read.Users(w.Context(), w.d.ID, projections.Query{Start: 1, Count: 100})
	w.must(err)
	for _, u := range page.Items {
		names = append(names, u.Attributes().Text("userName"))
	}
	slices.Sort(names)
	return names
}

// nothingStands fails unless bob is as he was, and so are all names, but for those others who are there too.
func (w wholly) nothingStands(others ...string) {
	w.Helper()
	want := append([]string{"bob"}, others...)
	slices.Sort(want)
	if got := w.users(); !slices.Equal(got, want) {
		w.Errorf("there are %q, want %q", got, want)
	}
	u, err := w.all[1].read.User(w.Context(), w.d.ID, w.bob)
	w.must(err)
	if u.Attributes().PrimaryEmail() != "bob@x.test" || u.Attributes().Text("nickName") != "" {
		w.Errorf("bob is %v", u.Attributes())
	}
	held := map[string]string{} // by claim
	for r := range all(w.world, w.log.All(w.Context(), eventstore.Position{})) {
		switch s, err := projections.DecodeRecord(r); e := s.Event.(type) {
		case domain.NameClaimed:
			held[r.Stream] = e.Owner
		case domain.NameReleased:
			delete(held, r.Stream)
		default:
			w.must(err)
		}
	}
	users := 0
	for claim, owner := range held {
		if kind, _ := projections.SplitStream(owner); kind == projections.KindImport {
			w.Errorf("%s is left to %s", claim, owner)
		} else if kind == projections.KindUser {
			users++
		}
	}
	if users != 2+len(others) { // bob's userName and his address, and the userNames of the others
		w.Errorf("users hold %d names: %v", users, held)
	}
	if left := w.unended(); left != 0 {
		w.Errorf("%d imports go on", left)
	}
}

// unended is how many imports go on, when both processes have seen all of the log.
func (w wholly) unended() int {
	w.Helper()
	for _, p := range w.all {
		w.must(p.read.Progress().Wait(w.Context(), w.head()))
	}
	found, _, err := w.all[1].read.UnendedImports(w.Context(), 10)
	w.must(err)
	return len(found)
}

var wholeOutcome = []string{"created", "updated", "created"}

func TestImportAllIntoASharedLog(t *testing.T) {
	w := newWholly(t)
	writes := 1
	w.log.between = func(eventstore.Write) error { writes++; return nil }
	before := w.head()
	if got, err := w.importAll(w.all[0].commands); err != nil || !slices.Equal(got, wholeOutcome) || writes != wholeWrites {
		t.Errorf("%q, %v, in %d pieces", got, err, writes)
	}
	want := []string{"import 1 import.begun", "name 1 name.claimed", "name 1 name.claimed", "name 1 name.claimed", "name 1 name.claimed", "name 1 name.claimed",
		"user 1 user.provisioned", "user 2 user.updated", "user 1 user.provisioned", "import 2 import.completed", "name 2 name.released", "name 2 name.released"}
	if got := w.since(before); !slices.Equal(got, want) {
		t.Errorf("the log holds %q, want %q", got, want)
	}
	before = w.head()
	if got, err := w.importAll(w.all[1].commands); err != nil || !slices.Equal(got, []string{"unchanged", "unchanged", "unchanged"}) || w.since(before) != nil {
		t.Errorf("again: %q, %v, and %q", got, err, w.since(before))
	}
}

// Another process makes a user whom the import would make, at any moment of it: the import finds it, unless it was faster.
func TestImportAllWhileANameIsTaken(t *testing.T) {
	for writes := 1; writes < wholeWrites; writes += between() {
		t.Run(fmt.Sprint(writes), func(t *testing.T) {
			t.Parallel()
			w := newWholly(t)
			var taken error
			w.after(writes, func() {
				_, taken = w.all[1].commands.MakeUser(t.Context(), application, w.o, w.profile(`{"userName":"eve"}`))
			})
			got, err := w.importAll(w.all[0].commands)
			w.must(err)
			if taken != nil {
				w.refused(taken, "conflict uniqueness")
				if !slices.Equal(got, wholeOutcome) || !slices.Equal(w.users(), []string{"ada@x.test", "bob", "eve"}) {
					t.Errorf("it was faster, and answers %q; there are %q", got, w.users())
				}
				return
			}
			if !slices.Equal(got, []string{"created", "updated", "unchanged"}) {
				t.Errorf("it answers %q", got)
			}
			if got := w.users(); !slices.Equal(got, []string{"ada@x.test", "bob", "eve"}) {
				t.Errorf("there are %q", got)
			}
		})
	}
}

// Another process takes an address of the import, so that a line is refused: then nothing of it stands, whatever was written before.
func TestImportAllThatIsRefusedMidway(t *testing.T) {
	for writes := 1; writes < wholeWrites; writes += between() {
		t.Run(fmt.Sprint(writes), func(t *testing.T) {
			t.Parallel()
			w := newWholly(t)
			var taken error
			w.after(writes, func() {
				_, taken = w.all[1].commands.MakeUser(t.Context(), application, w.o, w.profile(`{"userName":"mal","email":"bob@new.test"}`))
			})
			got, err := w.importAll(w.all[0].commands)
			w.must(err)
			if taken != nil {
				w.refused(taken, "conflict uniqueness")
				if !slices.Equal(got, wholeOutcome) {
					t.Errorf("it was faster, and answers %q", got)
				}
				return
			}
			if want := []string{"created", `conflict {"email":"is taken"}`, "created"}; !slices.Equal(got, want) {
				t.Errorf("it answers %q, want %q", got, want)
			}
			w.must(w.all[1].commands.RemoveUser(t.Context(), application, w.d, w.named("mal")))
			w.nothingStands()
		})
	}
}

func (w wholly) named(userName string) string {
	w.Helper()
	page, err := w.all[1].read.Users(w.Context(), w.d.ID, projections.Query{Start: 1, Count: 100})
	w.must(err)
	for _, u := range page.Items {
		if u.Attributes().Text("userName") == userName {
			return u.ID
		}
	}
	w.Fatalf("nobody is called %s", userName)
	return ""
}

// Another process changes a user of the import, at any moment of it: both changes stand.
func TestImportAllWhileAUserIsChanged(t *testing.T) {
	for writes := 1; writes < wholeWrites; writes += between() {
		w := newWholly(t)
		w.after(writes, func() {
			_, err := w.all[1].commands.EditUser(t.Context(), application, w.d, w.bob, w.profile(`{"title":"Dr"}`))
			w.must(err)
		})
		if got, err := w.importAll(w.all[0].commands); err != nil || !slices.Equal(got, wholeOutcome) {
			t.Errorf("after %d: %q, %v", writes, got, err)
		}
		u, err := w.all[1].read.User(t.Context(), w.d.ID, w.bob)
		w.must(err)
		if u.Attributes().Text("title") != "Dr" || u.Attributes().Text("nickName") != "B" || !slices.Equal(w.users(), []string{"ada@x.test", "bob", "eve"}) {
			t.Errorf("after %d: bob is %v, there are %q", writes, u.Attributes(), w.users())
		}
	}
}

// The process dies at any moment of an import: it stands, or is taken back by another process, and until then no other import of all goes by what may go.
func TestImportAllWhoseProcessDies(t *testing.T) {
	for writes := 1; writes < wholeWrites; writes += between() {
		t.Run(fmt.Sprint(writes), func(t *testing.T) {
			w := newWholly(t)
			victim := w.victim(writes, time.Now)
			const claimed, completed = 2, 10
			if _, err := w.importAll(victim); writes < completed {
				w.refused(err, "unavailable")
			} else {
				w.must(err) // it can still see that all stands
			}
			if writes >= claimed && writes < completed {
				_, err := w.importAll(w.all[1].commands)
				w.refused(err, "unavailable")
			}
			if writes < completed {
				w.withdrawing(func() time.Time { return time.Now().Add(2 * time.Minute) }, 1)
				w.nothingStands()
			}
			want := wholeOutcome
			if writes >= completed {
				want = []string{"unchanged", "unchanged", "unchanged"}
			}
			if got, err := w.importAll(w.all[1].commands); err != nil || !slices.Equal(got, want) {
				t.Errorf("again: %q, %v, want %q", got, err, want)
			}
		})
	}
}

// victim is a process that is killed after so many writes.
func (w wholly) victim(writes int, now func() time.Time) *command.Service {
	w.Helper()
	dead, dying := errors.New("the process was killed"), &eventful{}
	dying.Store = &piecemeal{Store: w.log.Store, between: func(eventstore.Write) error {
		if writes--; writes > 0 {
			return nil
		}
		dying.before = func([]eventstore.Write) error { return dead }
		return dead
	}}
	s, err := command.New(command.Config{Log: dying, Read: w.all[0].read, Keys: w.keys, Shared: true, Now: now})
	w.must(err)
	return s
}

// An import is left alone for a minute, by the clock of its server.
func TestImportAllIsLeftAlone(t *testing.T) {
	w := newWholly(t)
	other := w
	other.o = w.organization("Initech")
	w.made(other.o, `{"userName":"bob"}`)
	other.d = w.apiDirectory(other.o)
	_, err := w.importAll(w.victim(7, time.Now))
	w.refused(err, "unavailable")
	_, err = other.importAll(w.victim(7, func() time.Time { return time.Now().Add(-2 * time.Minute) }))
	w.refused(err, "unavailable")
	w.withdrawing(time.Now, 1)
	_, err = w.importAll(w.all[1].commands)
	w.refused(err, "unavailable")
	if got, err := other.importAll(w.all[1].commands); err != nil || !slices.Equal(got, wholeOutcome) {
		t.Errorf("%q, %v", got, err)
	}
}

// withdrawing runs the withdrawals of two processes at a time until so many imports were taken back.
func (w wholly) withdrawing(now func() time.Time, imports int) {
	w.Helper()
	goal := w.unended() - imports
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error, 2)
	for _, p := range w.all {
		s, err := command.New(command.Config{Log: w.log, Read: p.read, Keys: w.keys, Shared: true, Now: now})
		w.must(err)
		go func() { ended <- s.Withdrawals(ctx, slog.New(slog.DiscardHandler)) }()
	}
	for w.unended() > goal {
		runtime.Gosched()
	}
	stop()
	w.must(errors.Join(<-ended, <-ended))
}

// A process that is only slow finds that its import was withdrawn, begins anew, and what it wrote late does not stay.
func TestImportAllThatIsWithdrawn(t *testing.T) {
	for writes := 2; writes < 10; writes += between() {
		w := newWholly(t)
		w.after(writes, func() {
			w.withdrawing(func() time.Time { return time.Now().Add(2 * time.Minute) }, 1)
		})
		if got, err := w.importAll(w.all[0].commands); err != nil || !slices.Equal(got, wholeOutcome) || !slices.Equal(w.users(), []string{"ada@x.test", "bob", "eve"}) {
			t.Errorf("after %d: %q, %v; there are %q", writes, got, err, w.users())
		}
	}
}

// An import whose directory is deleted meanwhile is over.
func TestImportAllWhileItsDirectoryIsDeleted(t *testing.T) {
	w := newWholly(t)
	w.after(7, func() { w.must(w.all[1].commands.DeleteOrganization(t.Context(), caller, w.o.ID)) })
	_, err := w.importAll(w.all[0].commands)
	if err != nil {
		w.refused(err, "not_found")
	}
	if left := w.unended(); left != 0 {
		t.Errorf("%d imports go on", left)
	}
}

// What another user has taken since then stays as the import made it; all else that it changed is taken back.
func TestImportAllWhoseUndoingMeetsATakenName(t *testing.T) {
	undone := 0
	for writes := 1; writes < wholeWrites; writes += between() {
		w := newWholly(t)
		if _, err := w.importAll(w.victim(writes, time.Now)); err == nil {
			continue // it stands
		}
		lines := w.profiles(`{"userName":"zoe","email":"bob@x.test"}`)
		took, err := w.all[1].commands.Import(t.Context(), application, w.o, lines)
		w.must(err)
		w.withdrawing(func() time.Time { return time.Now().Add(2 * time.Minute) }, w.unended())
		u, err := w.all[1].read.User(t.Context(), w.d.ID, w.bob)
		w.must(err)
		if u.Attributes().Text("nickName") != "" {
			t.Errorf("after %d writes, where zoe has bob's address (%q), bob is %s", writes, described(took), u.JSON)
		}
		if u.Attributes().PrimaryEmail() == "bob@new.test" {
			undone++
		}
	}
	if undone == 0 {
		t.Error("zoe never came to have bob's address")
	}
}
