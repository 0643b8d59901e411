package command_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

func described(all []command.Imported) (out []string) {
	for _, one := range all {
		if one.Err != nil {
			fields, _ := json.Marshal(one.Err.Fields)
			out = append(out, fmt.Sprint(one.Err.Code, " ", string(fields)))
			continue
		}
		out = append(out, string(one.Outcome))
	}
	return out
}

func (w *world) profiles(texts ...string) (out []domain.Profile) {
	w.Helper()
	for _, text := range texts {
		out = append(out, w.profile(text))
	}
	return out
}

// imported imports to the end.
func (w *world) imported(s *command.Service, o projections.Organization, profiles []domain.Profile) (out []command.Imported, batches int) {
	w.Helper()
	for ; len(profiles) > 0; batches++ {
		some, err := s.Import(w.Context(), application, o, profiles)
		w.must(err)
		out, profiles = append(out, some...), profiles[len(some):]
	}
	return out, batches
}

func TestImport(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		o := w.organization("Globex")
		w.made(o, `{"userName":"bob","email":"bob@x.test","nickname":"B"}`)
		d := w.apiDirectory(o)
		lines := w.profiles(
			`{"email":"ada@x.test","given_name":"Ada"}`,
			`{"userName":"BOB","nickname":"Bobby"}`,
			`{"email":"bob@x.test","family_name":"Builder"}`, // the same user, by the address
			`{"nickname":"nobody"}`,
			`{"userName":"eve","email":"bob@x.test"}`,
			`{"email":"ada@x.test","given_name":"Augusta"}`, // the same user again
			`{"userName":"eve"}`,
		)
		before := w.head()
		got, batches := w.imported(w.commands, o, lines)
		want := []string{"created", "updated", "updated", `invalid {"userName":"is required, or an email in its place"}`, `conflict {"email":"is taken"}`, "updated", "created"}
		if !slices.Equal(described(got), want) || batches != 2 {
			t.Errorf("%d batches: %q, want %q", batches, described(got), want)
		}
		want = []string{"name 1 name.claimed", "name 1 name.claimed", "user 1 user.provisioned", "user 2 user.updated", "user 3 user.updated", "user 2 user.updated", "name 1 name.claimed", "user 1 user.provisioned"}
		if log := w.since(before); !slices.Equal(log, want) {
			t.Errorf("the log holds %q, want %q", log, want)
		}
		if got[0].ID != got[5].ID || got[1].ID != got[2].ID || got[0].ID == got[1].ID {
			t.Errorf("the ids are %+v", got)
		}
		if u, err := w.read.User(t.Context(), d.ID, got[1].ID); err != nil || u.Attributes().Text("nickName") != "Bobby" || u.Attributes().Text("name", "familyName") != "Builder" || u.Attributes().Text("userName") != "BOB" {
			t.Errorf("bob is %+v, %v", u, err)
		}
		// who is unchanged in a batch that changes others goes on from where it stands
		got, batches = w.imported(w.commands, o, w.profiles(`{"userName":"BOB","nickname":"Bobby"}`, `{"userName":"mal"}`))
		if !slices.Equal(described(got), []string{"unchanged", "created"}) || batches != 1 {
			t.Errorf("%d batches: %q", batches, described(got))
		}
		if u, err := w.commands.EditUser(t.Context(), application, d, got[0].ID, w.profile(`{"title":"Dr"}`)); err != nil || u.Version != 4 {
			t.Errorf("bob is %+v, %v", u, err)
		}
		before = w.head()
		again, _ := w.imported(w.service(), o, slices.Concat(lines[1:3], lines[5:]))
		if want := []string{"unchanged", "unchanged", "unchanged", "unchanged"}; !slices.Equal(described(again), want) || w.since(before) != nil {
			t.Errorf("again: %q, and %q", described(again), w.since(before))
		}
	})
}

// A large import is a few batches.
func TestImportBatches(t *testing.T) {
	w := newWorld(t)
	o := w.organization("Globex")
	var lines []domain.Profile
	for i := range 250 {
		lines = append(lines, w.profile(fmt.Sprintf(`{"email":"u%d@x.test"}`, i)))
	}
	before := w.log.appended.Load()
	if _, batches := w.imported(w.commands, o, lines); batches != 3 || w.log.appended.Load()-before != 3 {
		t.Errorf("%d batches, %d appends", batches, w.log.appended.Load()-before)
	}
	before = w.log.appended.Load()
	if got, _ := w.imported(w.commands, o, lines); slices.ContainsFunc(got, func(one command.Imported) bool { return one.Outcome != command.Unchanged }) || w.log.appended.Load() != before {
		t.Errorf("again: %q", described(got))
	}
}

// All or nothing: nothing if one is refused, if a user stands twice, or if the log does not take it.
func TestImportAll(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		o := w.organization("Globex")
		w.made(o, `{"userName":"bob","email":"bob@x.test"}`)
		good := []string{`{"email":"ada@x.test"}`, `{"userName":"bob","nickname":"B"}`, `{"userName":"eve"}`}
		for _, c := range []struct {
			more string
			want string
		}{
			{`{"nickname":"nobody"}`, `invalid {"userName":"is required, or an email in its place"}`},
			{`{"userName":"mal","email":"bob@x.test"}`, `conflict {"email":"is taken"}`},
			{`{"userName":"EVE"}`, `conflict null`},
			{`{"email":"bob@x.test"}`, `conflict null`},
			{`{"userName":"mal","email":"ada@x.test"}`, `conflict null`},
		} {
			before := w.head()
			got, err := w.commands.ImportAll(t.Context(), application, o, w.profiles(append(slices.Clone(good), c.more)...))
			w.must(err)
			if want := []string{"created", "updated", "created", c.want}; !slices.Equal(described(got), want) || w.since(before) != nil {
				t.Errorf("with %s: %q and %q, want %q and nothing", c.more, described(got), w.since(before), want)
			}
		}
		bare := w.organization("Bare")
		before := w.head()
		if got, err := w.commands.ImportAll(t.Context(), application, bare, w.profiles(`{"userName":"ada"}`, `{"userName":"ADA"}`)); err != nil || got[1].Err == nil || w.since(before) != nil {
			t.Errorf("where there was no directory: %q, %v and %q", described(got), err, w.since(before))
		}
		w.log.before = func([]eventstore.Write) error { return fmt.Errorf("the disk is full: %w", eventstore.ErrUnavailable) }
		_, err := w.commands.ImportAll(t.Context(), application, o, w.profiles(good...))
		w.refused(err, "unavailable")
		if w.log.before = nil; w.since(before) != nil {
			t.Errorf("half of it stands: %q", w.since(before))
		}
		appended := w.log.appended.Load()
		got, err := w.commands.ImportAll(t.Context(), application, o, w.profiles(good...))
		w.must(err)
		if want := []string{"created", "updated", "created"}; !slices.Equal(described(got), want) || w.log.appended.Load()-appended != 1 {
			t.Errorf("%d appends: %q", w.log.appended.Load()-appended, described(got))
		}
		if got, err = w.commands.ImportAll(t.Context(), application, o, w.profiles(good...)); err != nil || !slices.Equal(described(got), []string{"unchanged", "unchanged", "unchanged"}) {
			t.Errorf("again: %q, %v", described(got), err)
		}
	})
}

// A claim that its owner let go without a word means nobody: it is taken over, and where that cannot be written now the import ends.
func TestImportOverAnAbandonedClaim(t *testing.T) {
	w := newWorld(t)
	o := w.organization("Globex")
	bob := w.made(o, `{"userName":"bob","email":"bob@x.test"}`)
	w.append(w.write(projections.KindUser.Stream(bob.ID), 1, domain.UserUpdated{Edit: domain.Edit{Unset: [][]string{{"emails"}}}}))
	lines := w.profiles(`{"email":"bob@x.test"}`, `{"userName":"ada"}`)
	before := w.head()
	w.log.before = func([]eventstore.Write) error { return fmt.Errorf("down: %w", eventstore.ErrUnavailable) }
	_, err := w.commands.Import(t.Context(), application, o, lines[:1])
	if w.refused(err, "unavailable"); w.since(before) != nil {
		t.Errorf("it made %q", w.since(before))
	}
	w.log.before = nil
	got, _ := w.imported(w.commands, o, lines)
	if !slices.Equal(described(got), []string{"created", "created"}) || got[0].ID == bob.ID {
		t.Errorf("%q: %+v", described(got), got)
	}
}

// Another writer comes between: the batch is decided again on what stands then.
func TestImportIsDecidedAgain(t *testing.T) {
	w := newWorld(t)
	o := w.organization("Globex")
	bob := w.made(o, `{"userName":"bob"}`)
	d := w.apiDirectory(o)
	w.log.before = func([]eventstore.Write) error {
		w.log.before = nil
		w.append(w.write(projections.KindUser.Stream(bob.ID), 1, domain.UserUpdated{Edit: domain.Edit{Set: domain.Attributes{"title": "Dr"}}}))
		return nil
	}
	got, err := w.commands.ImportAll(t.Context(), application, o, w.profiles(`{"userName":"ada"}`, `{"userName":"bob","nickname":"B"}`))
	w.must(err)
	if u, err := w.read.User(t.Context(), d.ID, bob.ID); err != nil || u.Version != 3 || u.Attributes().Text("title") != "Dr" || u.Attributes().Text("nickName") != "B" || !slices.Equal(described(got), []string{"created", "updated"}) {
		t.Errorf("%q, bob is %+v, %v", described(got), u, err)
	}
}

// In a shared log a batch is one profile, so that what is told of each is so.
func TestImportIntoASharedLog(t *testing.T) {
	w, _, processes := sharedWorld(t, 1)
	o := w.organization("Globex")
	w.made(o, `{"userName":"eve"}`)
	if got, batches := w.imported(processes[0].commands, o, w.profiles(`{"userName":"eve","nickname":"E"}`, `{"userName":"mal"}`)); batches != 2 || !slices.Equal(described(got), []string{"updated", "created"}) {
		t.Errorf("%d batches: %q", batches, described(got))
	}
}
