package projections_test

import (
	"fmt"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// What a change writes to the read model, and what a query asks of it, are so many statements neither more nor less. A statement more is a decision: its
// price is paid at each request.
func TestStatementsOfEachOperation(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	ada := w.user(d, domain.Attributes{"userName": "ada", "emails": []any{map[string]any{"value": "ada@acme.test", "type": "work"}}})
	team := w.group(d, "Team", ada.ID)
	settled := func() {
		head, err := w.log.Head(t.Context())
		w.must(err)
		w.must(w.read.Progress().Wait(t.Context(), head))
	}
	settled()
	written := w.read.WriteWork(t)
	for _, c := range []struct {
		what string
		want int // with BEGIN, the mark of its time, the checkpoint and COMMIT
		do   func()
	}{
		{"create a user with an address", 8, func() {
			w.user(d, domain.Attributes{"userName": "grace", "emails": []any{map[string]any{"value": "grace@acme.test"}}})
		}},
		{"update a user", 6, func() {
			_, err := w.commands.PatchUser(t.Context(), system, d, ada.ID, []domain.PatchOp{{Op: "replace", Path: "title", Value: "Countess"}})
			w.must(err)
		}},
		{"remove one member", 8, func() {
			_, err := w.commands.PatchGroup(t.Context(), system, d, team.ID, op("remove", ada.ID))
			w.must(err)
		}},
		{"add one member", 8, func() {
			_, err := w.commands.PatchGroup(t.Context(), system, d, team.ID, op("add", ada.ID))
			w.must(err)
		}},
	} {
		*written = projections.Work{}
		c.do()
		settled()
		if written.Statements != c.want {
			t.Errorf("%s: %d statements, want %d", c.what, written.Statements, c.want)
		}
	}
	for _, c := range []struct {
		what string
		want int
		do   func() error
	}{
		{"get a user", 1, func() error { _, err := w.read.User(t.Context(), d.ID, ada.ID); return err }},
		{"its groups", 1, func() error { _, err := w.read.Memberships(t.Context(), d.ID, []string{ada.ID}); return err }},
		{"get a group", 1, func() error { _, err := w.read.Group(t.Context(), d.ID, team.ID); return err }},
		{"find by userName, with what begins and ends one view", 3, func() error {
			_, err := w.read.Users(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.UserType, `userName eq "ada"`), Start: 1, Count: 100})
			return err
		}},
		{"a page, likewise", 4, func() error {
			_, err := w.read.Users(t.Context(), d.ID, projections.Query{Start: 1, Count: 100})
			return err
		}},
	} {
		if work := w.read.ReadWork(t, func() { w.must(c.do()) }); work.Statements != c.want {
			t.Errorf("%s: %d statements, want %d", c.what, work.Statements, c.want)
		}
	}
}

// A batch is one transaction: what it costs beside its records is paid once.
func TestABatchIsOneTransaction(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	w.imported(d, 1) // prepares the statements
	cost := func(id string, users int) int {
		t.Helper()
		var batch []eventstore.Write
		for i := range users {
			name := fmt.Sprint(id, i)
			batch = append(batch, w.entry(projections.KindUser.Stream(name), 0, d, domain.UserProvisioned{Directory: d.ID, Attributes: domain.Attributes{"userName": name}}))
		}
		written := w.read.WriteWork(t)
		*written = projections.Work{}
		at, err := w.log.Append(t.Context(), batch...)
		w.must(err)
		w.must(w.read.Progress().Wait(t.Context(), at))
		return written.Statements
	}
	one, hundred := cost("a", 1), cost("b", 100)
	each := (hundred - one) / 99
	if rest := one - each; hundred != rest+100*each || each > 3 || rest > 4 {
		t.Errorf("a batch of one takes %d statements, one of a hundred %d", one, hundred)
	}
}
