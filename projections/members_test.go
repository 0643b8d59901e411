package projections_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// imported writes users user1, user2, … to the log in large batches, as no command does, and returns their ids.
func (w *world) imported(d projections.Directory, n int) []string {
	w.Helper()
	return w.importedAs(d, "imported", n)
}

// importedAs is imported for a second directory: the ids begin otherwise.
func (w *world) importedAs(d projections.Directory, id string, n int) []string {
	w.Helper()
	ids := make([]string, n)
	var batch []eventstore.Write
	var at eventstore.Position
	for i := range ids {
		ids[i] = fmt.Sprintf("%s-%06d", id, i+1)
		batch = append(batch, w.entry(projections.KindUser.Stream(ids[i]), 0, d, domain.UserProvisioned{Directory: d.ID, Attributes: domain.Attributes{"userName": fmt.Sprint("user", i+1)}}))
		if len(batch) == 1000 || i == n-1 {
			var err error
			at, err = w.log.Append(w.Context(), batch...)
			w.must(err)
			batch = nil
		}
	}
	w.must(w.read.Progress().Wait(w.Context(), at)) // longer than a query would
	return ids
}

var entries uint64

// entry is a write of one event.
func (w *world) entry(stream string, expected eventstore.Version, d projections.Directory, e domain.Event) eventstore.Write {
	w.Helper()
	meta, err := domain.EncodeMeta(domain.Meta{Directory: d.ID, Organization: d.Organization, Provider: d.Provider})
	w.must(err)
	name, data, err := domain.Encode(e)
	w.must(err)
	entries++
	var id eventstore.ID
	copy(id[:], fmt.Sprintf("test%012d", entries))
	return eventstore.Write{Stream: stream, Expected: expected, Entries: []eventstore.Entry{{ID: id, Type: name, Data: data, Meta: meta}}}
}

func (w *world) members(d projections.Directory, group string) []string {
	w.Helper()
	members, err := w.read.Members(w.Context(), d.ID, group)
	w.must(err)
	ids := []string{}
	for _, m := range members {
		ids = append(ids, m.ID)
	}
	return ids
}

// A member may come before its user: one that an import writes later, or that another node made a moment ago.
//
// Proves unknown members.
func TestUnknownMembersAreFoundWhenTheyAppear(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	g := w.group(d, "Team", "imported-000001", "imported-000002")
	if got := w.members(d, g.ID); len(got) != 0 || g.Count != 2 {
		t.Fatalf("before there are users it shows %v of %d", got, g.Count)
	}
	ids := w.imported(d, 1)
	if got := w.members(d, g.ID); !slices.Equal(got, ids) {
		t.Errorf("it shows %v, want %v", got, ids)
	}
	in, err := w.read.Memberships(t.Context(), d.ID, ids)
	w.must(err)
	if len(in[ids[0]]) != 1 || in[ids[0]][0].Group != g.ID {
		t.Errorf("the user is in %v", in)
	}
	page, err := w.read.Groups(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.GroupType, `members.value eq "`+ids[0]+`"`), Start: 1, Count: 1})
	if err != nil || page.Total != 1 {
		t.Errorf("found by its member: %+v, %v", page, err)
	}
}

func TestMembers(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	ada := w.user(d, domain.Attributes{"userName": "ada"})
	bob := w.user(d, domain.Attributes{"userName": "bob", "displayName": "Bob"})
	inner := w.group(d, "Inner", bob.ID)
	outer := w.group(d, "Outer", ada.ID, inner.ID, "nobody")
	got, err := w.read.Members(t.Context(), d.ID, outer.ID)
	w.must(err)
	want := []projections.Member{{ada.ID, "User", "ada"}, {inner.ID, "Group", "Inner"}}
	slices.SortFunc(want, func(a, b projections.Member) int { return compare(a.ID, b.ID) })
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	want = append(want, projections.Member{ID: "nobody"})
	for i := range want { // page by page, also those that name nobody
		page, err := w.read.MembersAfter(t.Context(), d.ID, outer.ID, append([]string{""}, want[0].ID, want[1].ID)[i], 1)
		if err != nil || len(page) != 1 || page[0] != want[i] {
			t.Errorf("page %d: %v, %v", i, page, err)
		}
	}
	if outer.Count != 3 {
		t.Errorf("count %d", outer.Count)
	}
	in, err := w.read.Memberships(t.Context(), d.ID, []string{bob.ID, inner.ID, "nobody", "x"})
	w.must(err)
	if len(in) != 3 || !slices.Equal(in[inner.ID], []projections.Membership{{Member: inner.ID, Group: outer.ID, Display: "Outer", Direct: true}}) || in[bob.ID][0].Group != inner.ID {
		t.Errorf("memberships %v", in)
	}

	// out, in again, out again: from one version to another
	for range 3 {
		_, err = w.commands.PatchGroup(t.Context(), system, d, outer.ID, op("remove", ada.ID))
		w.must(err)
		_, err = w.commands.PatchGroup(t.Context(), system, d, outer.ID, op("add", ada.ID))
		w.must(err)
	}
	standing, err := w.read.Standing(t.Context(), d.ID, outer.ID, []string{ada.ID, bob.ID, "nobody"})
	w.must(err)
	if len(standing) != 2 || !slices.Contains(standing, domain.Member{ID: ada.ID}) || !slices.Contains(standing, domain.Member{ID: "nobody"}) {
		t.Errorf("standing %v", standing)
	}
	if n := w.read.MemberRows(t, ada.ID); n != 1 {
		t.Errorf("who comes and goes leaves %d rows", n)
	}

	// a user that is deleted is not shown, though no event took it out
	at, err := w.log.Append(t.Context(), w.entry(projections.KindUser.Stream(ada.ID), 1, d, domain.UserDeleted{}))
	w.must(err)
	w.read.Expect(at)
	if got := w.members(d, outer.ID); !slices.Equal(got, []string{inner.ID}) {
		t.Errorf("shows %v", got)
	}
	if page, err := w.read.Groups(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.GroupType, `members.value eq "`+ada.ID+`"`), Start: 1, Count: 1}); err != nil || page.Total != 0 {
		t.Errorf("finds %v, %v", page, err)
	}

	// an id that named nobody is shown once it names somebody
	at, err = w.log.Append(t.Context(), w.entry("user-nobody", 0, d, domain.UserProvisioned{Directory: d.ID, Attributes: domain.Attributes{"userName": "late"}}))
	w.must(err)
	w.read.Expect(at)
	if got := w.members(d, outer.ID); !slices.Contains(got, "nobody") {
		t.Errorf("shows %v", got)
	}
	w.must(w.commands.DeleteGroup(t.Context(), system, d, outer.ID))
	if n := w.read.MemberRows(t, inner.ID); n != 0 {
		t.Errorf("the deleted group leaves %d rows", n)
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// counted counts the records that are read from a log.
type counted struct {
	eventstore.Store
	records int
}

func (c *counted) Read(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range c.Store.Read(ctx, stream, after) {
			c.records++
			if !yield(r, err) {
				return
			}
		}
	}
}

// One member more costs a group of 100,000 what it costs a group of ten.
func TestLargeGroups(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	ids := w.imported(d, 20)
	small := w.group(d, "Small", ids[:10]...)
	size := 100_000
	if raced {
		size = 10_000
	}
	many := make([]string, size)
	for i := range many {
		many[i] = fmt.Sprintf("member-%06d", i)
	}
	large := w.group(d, "Large", many...)
	head, err := w.log.Head(t.Context())
	w.must(err)
	w.must(w.read.Progress().Wait(t.Context(), head)) // longer than a query would
	if large.Count != len(many) {
		t.Fatalf("count %d", large.Count)
	}
	counting := &counted{Store: w.log}
	w.commands.Log = counting
	cost := func(g projections.Group, operations []domain.PatchOp) (work [2]projections.Work, records int) {
		t.Helper()
		written := w.read.WriteWork(t)
		counting.records = 0
		work[0] = w.read.ReadWork(t, func() {
			after, err := w.commands.PatchGroup(t.Context(), system, d, g.ID, operations)
			w.must(err)
			shown, err := w.read.Group(t.Context(), d.ID, g.ID)
			w.must(err)
			if shown.Count != after.Count {
				t.Errorf("count %d, not %d", shown.Count, after.Count)
			}
		})
		work[1] = *written
		return work, counting.records
	}
	for i, verb := range []string{"add", "remove", "add"} {
		few, read := cost(small, op(verb, ids[15]))
		all, readAll := cost(large, op(verb, ids[15]))
		for k, what := range []string{"queries", "writes"} {
			if few[k].Statements != all[k].Statements || all[k].Steps > few[k].Steps+20 || few[k].Steps == 0 {
				t.Errorf("%d %s: %s cost the small group %+v, the large one %+v", i, verb, what, few[k], all[k])
			}
		}
		if read != readAll {
			t.Errorf("%d %s: %d records were read for the small group, %d for the large one", i, verb, read, readAll)
		}
	}
	if g, err := w.read.Group(t.Context(), d.ID, large.ID); err != nil || g.Count != len(many)+1 {
		t.Errorf("%d, %v", g.Count, err)
	}
}
