package projections_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/projections"
)

func (w *world) mail(id string) projections.Mail {
	w.Helper()
	m, err := w.read.Mail(w.Context(), id)
	w.must(err)
	return m
}

// invite invites to the set-up of a directory.
func (w *world) invite(d projections.Directory) projections.Mail {
	w.Helper()
	d, err := w.commands.InviteDirectoryAdmin(w.Context(), system, d, "it@acme.test")
	w.must(err)
	return w.mail(d.Onboarding.Invited.Last.ID)
}

// Mails are due until they went or were given up, or their invitation ended; rebuilt from the log, the model holds the same.
func TestDueMails(t *testing.T) {
	w := newWorld(t)
	ctx, now := t.Context(), time.Now().UTC()
	due := func(by time.Time, want ...projections.Mail) time.Time {
		t.Helper()
		got, next, err := w.read.DueMails(ctx, by, 3)
		w.must(err)
		var ids, wanted []string
		for _, m := range got {
			ids = append(ids, m.ID)
		}
		for _, m := range want {
			wanted = append(wanted, m.ID)
		}
		if fmt.Sprint(ids) != fmt.Sprint(wanted) {
			t.Errorf("due are %v, not %v", ids, wanted)
		}
		return next
	}
	later := now.Add(time.Hour)
	if next := due(later); !next.IsZero() {
		t.Errorf("the next of none is due at %s", next)
	}
	d, e := w.directory("Acme"), w.directory("Globex")
	retried := w.invite(d)
	select {
	case <-w.read.MailsMoved():
	case <-ctx.Done():
		t.Fatal("nobody is told of an invitation")
	}
	went, up, superseded := w.invite(w.directory("A")), w.invite(w.directory("B")), w.invite(e)
	stands := w.invite(e)
	due(later, retried, went, up)
	if got, _, err := w.read.DueMails(ctx, later, 3, d.OrganizationID, up.ID); err != nil || len(got) != 2 || got[0].ID != went.ID || got[1].ID != stands.ID {
		t.Errorf("but for one organization's and one by itself due are %+v, %v", got, err)
	}
	w.must(w.commands.MailFailed(ctx, retried, now, "busy", later))
	w.must(w.commands.MailSent(ctx, went, now))
	w.must(w.commands.MailFailed(ctx, up, now, "no", time.Time{}))
	w.must(w.commands.MailFailed(ctx, superseded, now, "no", later)) // it was under way
	due(now.Add(time.Minute), stands)
	w.must(w.commands.AcceptInvitation(ctx, system, stands))
	if next := due(now.Add(time.Minute)); next.UnixMilli() != later.UnixMilli() {
		t.Errorf("the next is due at %s, not %s", next, later)
	}
	if got, next, err := w.read.DueMails(ctx, now.Add(time.Minute), 3, d.OrganizationID); err != nil || len(got) > 0 || !next.IsZero() {
		t.Errorf("but for the organization of the only one the next is due at %s: %+v, %v", next, got, err)
	}
	due(later.Add(time.Minute), w.mail(retried.ID))

	found, total, err := w.read.Mails(ctx, "", 2, 2)
	w.must(err)
	if total != 5 || len(found) != 2 || found[0].ID != up.ID || found[1].ID != went.ID {
		t.Errorf("%d mails, on the second page %+v", total, found)
	}
	if found, total, err = w.read.Mails(ctx, e.OrganizationID, 1, 9); err != nil || total != 2 || len(found) != 2 || found[0].ID != stands.ID || !found[0].Ended || found[1].ID != superseded.ID {
		t.Errorf("%d mails of one organization: %+v, %v", total, found, err)
	}

	tables := w.read.Tables(t)
	w.stop()
	removeAll(t, w.folder)
	w.start()
	if again := w.read.Tables(t); again != tables {
		t.Errorf("rebuilt, the model holds something else: %s", firstDifference(tables, again))
	}
	due(now.Add(time.Minute))
}
