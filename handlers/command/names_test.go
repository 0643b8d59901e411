package command_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

func TestOneOfManyGetsTheName(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		spellings := []string{"ada@acme.test", "Ada@acme.test", "ADA@ACME.TEST", "ａda@acme.test"}
		var won atomic.Int64
		together(50, func(i int) {
			_, err := w.commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": spellings[i%len(spellings)]})
			if err == nil {
				won.Add(1)
				return
			}
			w.refused(err, "conflict uniqueness")
		})
		page, err := w.read.Users(t.Context(), w.d.ID, projections.Query{Start: 1, Count: 100})
		if err != nil || won.Load() != 1 || page.Total != 1 {
			t.Errorf("%d won, there are %d, %v", won.Load(), page.Total, err)
		}
		other := w.directory("Other") // where the name is free
		if _, err := w.commands.CreateUser(t.Context(), caller, other, domain.Attributes{"userName": "ada@acme.test"}); err != nil {
			t.Error(err)
		}
	})
}

// Proves RFC 7644 §3.6.
func TestClaims(t *testing.T) {
	w := newWorld(t)
	steps := []struct {
		what string
		do   func() error
		want []string
	}{
		{"create", func() error { w.user("Ada"); return nil }, []string{"name 1 name.claimed", "user 1 user.provisioned"}},
		{"rename", func() error { return w.rename("ada", "Grace") }, []string{"name 1 name.claimed", "user 2 user.updated", "name 2 name.released"}},
		{"in another case", func() error { return w.rename("grace", "GRACE") }, []string{"user 3 user.updated"}},
		{"in another width", func() error { return w.rename("grace", "ＧRACE") }, []string{"user 4 user.updated"}},
		{"the same again", func() error { return w.rename("grace", "ＧRACE") }, nil},
		{"back", func() error { return w.rename("grace", "ada") }, []string{"name 3 name.claimed", "user 5 user.updated", "name 2 name.released"}},
		{"delete", func() error { return w.commands.DeleteUser(t.Context(), caller, w.d, w.find("ADA").ID) }, []string{"user 6 user.deleted", "name 4 name.released"}},
		{"create again", func() error { w.user("aDa"); return nil }, []string{"name 5 name.claimed", "user 1 user.provisioned"}},
	}
	for _, s := range steps {
		before := w.head()
		if err := s.do(); err != nil {
			t.Fatalf("%s: %v", s.what, err)
		}
		if got := w.since(before); !slices.Equal(got, s.want) {
			t.Errorf("%s: %q, want %q", s.what, got, s.want)
		}
	}
	w.user("Bob")
	w.refused(w.rename("bob", "ADA"), "conflict uniqueness")
	_, err := w.commands.ReplaceUser(t.Context(), caller, w.d, w.find("bob").ID, domain.Attributes{"userName": "Ada"})
	w.refused(err, "conflict uniqueness")
}

func (w *world) find(userName string) projections.User {
	w.Helper()
	f, err := domain.UserType.ParseFilter(fmt.Sprintf("userName eq %q", userName))
	w.must(err)
	page, err := w.read.Users(w.Context(), w.d.ID, projections.Query{Filter: f, Start: 1, Count: 2})
	w.must(err)
	if len(page.Items) != 1 {
		w.Fatalf("%d users are called %s", len(page.Items), userName)
	}
	return page.Items[0]
}

func (w *world) rename(from, to string) error {
	w.Helper()
	_, err := w.commands.PatchUser(w.Context(), caller, w.d, w.find(from).ID, replace("userName", to))
	return err
}

// A claim whose owner was never made is fenced and taken over; its owner, who was only slow, conflicts.
func TestAbandonedClaim(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		slow := w.write("user-slow", 0, domain.UserProvisioned{Directory: w.d.ID, Attributes: domain.Attributes{"userName": "ada"}})
		w.append(w.write(w.claimed("ada"), 0, domain.NameClaimed{Owner: "user-slow"}))
		before := w.head()
		w.user("Ada")
		want := []string{"user 1 user.claim_revoked", "name 2 name.claimed", "user 1 user.provisioned"}
		if got := w.since(before); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		var conflict *eventstore.ConflictError
		if _, err := w.log.Store.Append(t.Context(), slow); !errors.As(err, &conflict) || conflict.Actual != 1 {
			t.Errorf("the slow writer got %v", err)
		}
		if _, err := w.read.User(t.Context(), w.d.ID, "slow"); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("the slow user: %v", err)
		}
		_, err := w.commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": "ADA"})
		w.refused(err, "conflict uniqueness")
	})
}

// The owner of a claim was renamed, or deleted, and a crash kept the claim.
func TestClaimThatWasNotReleased(t *testing.T) {
	for what, last := range map[string]domain.Event{
		"renamed": domain.UserUpdated{Edit: domain.Edit{Set: domain.Attributes{"userName": "grace"}}},
		"deleted": domain.UserDeleted{},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			u := w.user("ada")
			w.append(w.write(projections.KindUser.Stream(u.ID), 1, last))
			before := w.head()
			taken := w.user("Ada")
			want := []string{"user 3 user.claim_revoked", "name 2 name.claimed", "user 1 user.provisioned"}
			if got := w.since(before); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if what == "deleted" {
				return
			}
			// The fence changes nothing that is shown, and the owner lives on.
			shown, err := w.read.User(t.Context(), w.d.ID, u.ID)
			w.must(err)
			same, err := w.commands.PatchUser(t.Context(), caller, w.d, u.ID, replace("userName", "grace"))
			w.must(err)
			if shown.Version != 3 || same.Version != 3 || shown.Modified != same.Modified {
				t.Errorf("the read model shows %+v, the command answers %+v", shown, same)
			}
			w.must(w.commands.DeleteUser(t.Context(), caller, w.d, u.ID)) // does not release what is not its own any more
			_, err = w.commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": "ada"})
			w.refused(err, "conflict uniqueness")
			if got := w.find("ada").ID; got != taken.ID {
				t.Errorf("ada is %s, not %s", got, taken.ID)
			}
		})
	}
}

// Between the look at an abandoned claim and its fence the owner comes back: the fence conflicts, and the name is taken.
func TestOwnerComesBackBeforeTheFence(t *testing.T) {
	w := newWorld(t)
	u := w.user("ada")
	stream := projections.KindUser.Stream(u.ID)
	w.append(w.write(stream, 1, domain.UserUpdated{Edit: domain.Edit{Set: domain.Attributes{"userName": "grace"}}}))
	w.log.before = func(batch []eventstore.Write) error {
		if batch[0].Stream == stream { // the fence
			w.log.before = nil
			w.append(w.write(stream, 2, domain.UserUpdated{Edit: domain.Edit{Set: domain.Attributes{"userName": "ada"}}}))
		}
		return nil
	}
	_, err := w.commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": "Ada"})
	w.refused(err, "conflict uniqueness")
	if w.log.before != nil {
		t.Error("no fence was tried")
	}
}

// A writer whose own stream is fenced while it creates begins again under another id.
func TestFencedWriterBeginsAgain(t *testing.T) {
	w := newWorld(t)
	var fenced string
	w.log.before = func(batch []eventstore.Write) error {
		w.log.before = nil
		fenced = batch[1].Stream
		w.append(w.write(fenced, 0, domain.UserClaimRevoked{Claim: batch[0].Stream}))
		return nil
	}
	if u := w.user("ada"); projections.KindUser.Stream(u.ID) == fenced {
		t.Errorf("user %s stands behind a fence", u.ID)
	}
	w.find("ada")
}

func TestOrganizationsAndDirectoriesAreUnique(t *testing.T) {
	w := newWorld(t)
	var won, active atomic.Int64
	together(20, func(i int) {
		o, err := w.commands.CreateOrganization(t.Context(), caller, pick(i, "Globex Corp", "globex corp", "GLOBEX-CORP"))
		if err == nil {
			won.Add(1)
			together(10, func(int) {
				if _, _, err := w.commands.ActivateDirectory(t.Context(), caller, o, domain.Okta, domain.Dialect{}); err == nil {
					active.Add(1)
				} else {
					w.refused(err, "conflict uniqueness")
				}
			})
			return
		}
		w.refused(err, "conflict uniqueness")
	})
	if won.Load() != 1 || active.Load() != 1 {
		t.Errorf("%d organizations with %d directories", won.Load(), active.Load())
	}
	o, err := w.read.Organization(t.Context(), "globex-corp")
	w.must(err)
	w.must(w.commands.DeleteOrganization(t.Context(), caller, o.ID))
	if _, err := w.read.DirectoryOf(t.Context(), o.ID); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("its directory: %v", err)
	}
	w.directory("Globex Corp")

	// a claim of an organization that was never made is taken over, and its maker fenced
	late := w.write("organization-late", 0, domain.OrganizationCreated{Name: "Late", Domain: "late"})
	w.append(w.write("name-"+w.keys.Name("organizations", "domain", "late"), 0, domain.NameClaimed{Owner: "organization-late"}))
	w.directory("Late")
	if _, err := w.log.Store.Append(t.Context(), late); err == nil || !strings.Contains(err.Error(), "organization-late is at version 1") {
		t.Errorf("the late writer got %v", err)
	}
}

func pick(i int, of ...string) string { return of[i%len(of)] }
