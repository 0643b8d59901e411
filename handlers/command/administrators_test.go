package command_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// administrator adds one to an organization, and answers the id.
func (w *world) administrator(o projections.Organization, email string) string {
	w.Helper()
	a, err := w.commands.AddAdministrator(w.Context(), caller, o, email)
	w.must(err)
	return a.ID
}

// An administrator who is removed has no link any more, and is not written to unless somebody names him. Links of others stay.
//
// Proves Directory Sync §administrator.
func TestRemovedAdministratorHasNoLink(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		o, err := w.read.Organization(ctx, "acme")
		w.must(err)
		hers, his := w.administrator(o, "Ada@acme.test"), w.administrator(o, "bob@acme.test")
		with := func(o projections.Organization, email string) projections.Connection {
			return w.connection(o, command.NewConnection{Email: email, Invite: true})
		}
		open, used, another, foreign := with(o, "ada@ACME.test"), with(o, "ada@acme.test"), with(o, "bob@acme.test"), with(w.organization("Globex"), "ada@acme.test")
		w.must(w.commands.AcceptInvitation(ctx, caller, w.mail(used.Invited.Last.ID)))
		sync := w.invite("ada@acme.test")
		w.must(w.commands.MailFailed(ctx, sync, time.Now(), "busy", time.Now().Add(time.Hour)))
		sync = w.mail(sync.ID)
		w.waits(sync, true)

		w.must(w.commands.RemoveAdministrator(ctx, caller, o, hers))
		for _, id := range []string{sync.ID, open.Invited.Last.ID, used.Invited.Last.ID} {
			m := w.mail(id)
			if err := w.commands.AcceptInvitation(ctx, caller, m); !errors.Is(err, domain.ErrDeadLink) || !m.Ended {
				t.Errorf("her link is used: %v, of %+v", err, m)
			}
			w.waits(m, false)
		}
		if due, next, err := w.read.DueMails(ctx, time.Now().Add(2*time.Hour), 10); err != nil || len(due) != 2 || !next.IsZero() { // his, and hers of another organization
			t.Errorf("due: %+v, %s, %v", due, next, err)
		}
		d, err := w.read.Directory(ctx, w.d.ID)
		w.must(err)
		if d.Onboarding != (domain.DirectoryOnboarding{}) {
			t.Errorf("the directory's onboarding is %+v", d.Onboarding)
		}
		for _, c := range []projections.Connection{open, used} {
			shown, err := w.read.Connection(ctx, c.ID)
			w.must(err)
			if shown.Onboarding != (domain.Onboarding{ID: c.Onboarding.ID}) || shown.Invited != (domain.Invited{}) {
				t.Errorf("a connection's onboarding is %+v, %+v", shown.Onboarding, shown.Invited)
			}
			_, err = w.commands.InviteAdmin(ctx, caller, c.ID)
			w.refused(err, "invalid invalidValue")
		}
		for _, c := range []projections.Connection{another, foreign} {
			if shown, err := w.read.Connection(ctx, c.ID); err != nil || shown.Onboarding != c.Onboarding || !shown.Invited.Leads(c.Invited.Last.ID, time.Now()) {
				t.Errorf("a link to %s: %+v, %v", c.Onboarding.Email, shown.Invited, err)
			}
		}
		if next := w.invite(""); next.Email != "bob@acme.test" {
			t.Errorf("without an address %s is invited, and not the administrator who is left", next.Email)
		}
		w.must(w.commands.RemoveAdministrator(ctx, caller, o, his))
		_, err = w.commands.InviteDirectoryAdmin(ctx, caller, w.d, "")
		w.refused(err, "invalid invalidValue")

		w.administrator(o, "ada@acme.test")
		if err := w.commands.AcceptInvitation(ctx, caller, sync); !errors.Is(err, domain.ErrDeadLink) {
			t.Errorf("added again she uses her old link: %v", err)
		}
		if named := w.invite("ada@acme.test"); w.commands.AcceptInvitation(ctx, caller, named) != nil {
			t.Error("she cannot be invited any more")
		}
	})
}

// Whoever is the only administrator is not invited while another process removes him, whichever of the two is first.
func TestNobodyIsInvitedWhileRemoved(t *testing.T) {
	w := newWorld(t)
	ctx, other := t.Context(), w.service()
	o, err := w.read.Organization(ctx, "acme")
	w.must(err)
	meanwhile := func(do func() error) {
		w.log.before = func([]eventstore.Write) error {
			w.log.before = nil
			return do()
		}
	}
	id := w.administrator(o, "ada@acme.test")
	meanwhile(func() error { return other.RemoveAdministrator(ctx, caller, o, id) })
	_, err = w.commands.InviteDirectoryAdmin(ctx, caller, w.d, "")
	w.refused(err, "invalid invalidValue")

	id = w.administrator(o, "ada@acme.test")
	meanwhile(func() error {
		_, err := other.InviteDirectoryAdmin(ctx, caller, w.d, "")
		return err
	})
	w.must(w.commands.RemoveAdministrator(ctx, caller, o, id))
	d, err := w.read.Directory(ctx, w.d.ID)
	w.must(err)
	if d.Onboarding != (domain.DirectoryOnboarding{}) {
		t.Errorf("invited: %+v", d.Onboarding)
	}
	mails, total, err := w.read.Mails(ctx, o.ID, 1, 10)
	w.must(err)
	if total != 1 || slices.ContainsFunc(mails, func(m projections.Mail) bool { return !m.Ended }) {
		t.Errorf("her mails are %+v", mails)
	}
}
