package command_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

func (w *world) mail(id string) projections.Mail {
	w.Helper()
	m, err := w.read.Mail(w.Context(), id)
	w.must(err)
	return m
}

// mailed are the types of a mail's events.
func (w *world) mailed(id string) (out []string) {
	w.Helper()
	for r := range all(w, w.log.Read(w.Context(), projections.KindMail.Stream(id), 0)) {
		out = append(out, r.Type)
	}
	return out
}

func (w *world) waits(m projections.Mail, want bool) {
	w.Helper()
	if got, err := w.commands.MailWaits(w.Context(), m); got != want || err != nil {
		w.Errorf("it waits: %v, %v", got, err)
	}
}

// invite invites to the set-up of the world's directory.
func (w *world) invite(email string) projections.Mail {
	w.Helper()
	d, err := w.commands.InviteDirectoryAdmin(w.Context(), caller, w.d, email)
	w.must(err)
	return w.mail(d.Onboarding.Invited.Last.ID)
}

// Proves Directory Sync §access-link.
func TestDirectoryInvitations(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		_, err := w.commands.InviteDirectoryAdmin(ctx, caller, w.d, "")
		w.refused(err, "invalid invalidValue")
		o, err := w.read.Organization(ctx, "acme")
		w.must(err)
		ada, err := w.commands.AddAdministrator(ctx, caller, o, "ada@acme.test")
		w.must(err)
		if first := w.invite(""); first.Email != "ada@acme.test" || first.Organization != "acme" || first.OrgName != "Acme" || first.Of != projections.KindDirectory || first.Subject != w.d.ID {
			t.Errorf("the only administrator is invited by %+v", first)
		}
		w.must(w.commands.RemoveAdministrator(ctx, caller, o, ada.ID))
		first := w.invite("bob@acme.test")
		if again := w.invite(""); again.Email != "bob@acme.test" || !w.mail(first.ID).Ended || again.Ended || again.ID == first.ID {
			t.Errorf("invited again: %+v", again)
		}
		d, err := w.commands.ResetDirectoryOnboarding(ctx, caller, w.d)
		w.must(err)
		if d.Onboarding != (domain.DirectoryOnboarding{Email: "bob@acme.test"}) {
			t.Errorf("reset: %+v", d.Onboarding)
		}
		shown, err := w.read.Directory(ctx, w.d.ID)
		w.must(err)
		if fmt.Sprintf("%+v", shown) != fmt.Sprintf("%+v", d) {
			t.Errorf("answered\n%+v\nthe read model shows\n%+v", d, shown)
		}
		last := w.invite("")
		w.must(w.commands.DeleteDirectory(ctx, caller, w.d))
		if !w.mail(last.ID).Ended {
			t.Error("the invitation into a deleted directory stands")
		}
		w.must(w.commands.DeleteOrganization(ctx, caller, o.ID))
		if _, err := w.read.Mail(ctx, last.ID); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("a mail of a deleted organization: %v", err)
		}
		if left, err := w.read.Administrators(ctx, o.ID); err != nil || len(left) > 0 {
			t.Errorf("its administrators: %v, %v", left, err)
		}
	})
}

// Of all who use a link at once, one gets in.
func TestInvitationIsAcceptedOnce(t *testing.T) {
	w := newWorld(t)
	o := w.organization("Globex")
	c := w.connection(o, command.NewConnection{Email: "it@globex.test", Invite: true})
	for _, m := range []projections.Mail{w.invite("it@acme.test"), w.mail(c.Invited.Last.ID)} {
		var running sync.WaitGroup
		errs := make([]error, 20)
		for i := range errs {
			running.Go(func() { errs[i] = w.commands.AcceptInvitation(t.Context(), caller, m) })
		}
		running.Wait()
		in := 0
		for _, err := range errs {
			switch {
			case err == nil:
				in++
			case !errors.Is(err, domain.ErrDeadLink):
				t.Error(err)
			}
		}
		if in != 1 || !w.mail(m.ID).Ended {
			t.Errorf("%d of %d used the link of %+v", in, len(errs), w.mail(m.ID))
		}
		w.waits(m, false)
	}
	m := w.invite("it@acme.test")
	w.must(w.commands.DeleteDirectory(t.Context(), caller, w.d))
	if err := w.commands.AcceptInvitation(t.Context(), caller, m); !errors.Is(err, domain.ErrDeadLink) {
		t.Errorf("into a deleted directory: %v", err)
	}
}

// What became of a mail is told once, whoever tells it how often, and the mail waits no more.
func TestMailIsToldOnce(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		ctx, now := t.Context(), time.Now()
		m := w.invite("it@acme.test")
		w.waits(m, true)
		w.must(w.commands.MailFailed(ctx, m, now, "busy", now.Add(time.Hour)))
		w.waits(m, false) // whoever asks does not know of the attempt
		tried := w.mail(m.ID)
		w.waits(tried, true)
		if len(tried.Attempts) != 1 || tried.Attempts[0].Error != "busy" || tried.Retry.Unix() != now.Add(time.Hour).Unix() || tried.GivenUp {
			t.Errorf("tried: %+v", tried)
		}
		for range 2 {
			w.must(w.commands.MailSent(ctx, tried, now))
		}
		w.must(w.service().MailSent(ctx, tried, now))
		w.must(w.commands.MailFailed(ctx, tried, now, "late", now))
		w.waits(w.mail(m.ID), false)
		if got := w.mailed(m.ID); !slices.Equal(got, []string{"mail.attempted", "mail.sent"}) {
			t.Errorf("told %q", got)
		}
		if sent := w.mail(m.ID); sent.Sent.Unix() != now.Unix() || !sent.Retry.IsZero() || sent.Ended {
			t.Errorf("sent: %+v", sent)
		}
		d, err := w.read.Directory(ctx, w.d.ID)
		w.must(err)
		if d.Onboarding.Invited.SentAt.Unix() != now.Unix() {
			t.Errorf("its invitation does not tell: %+v", d.Onboarding)
		}

		lost := w.invite("it@acme.test")
		w.must(w.commands.MailFailed(ctx, lost, now, "no such mailbox", time.Time{}))
		if up := w.mail(lost.ID); !up.GivenUp || len(up.Attempts) != 1 {
			t.Errorf("given up: %+v", up)
		}
		w.waits(w.mail(lost.ID), false)
		gone := w.invite("it@acme.test")
		w.invite("it@acme.test")
		w.waits(gone, false)
		w.must(w.commands.MailSent(ctx, gone, now)) // it was on its way already
		if late := w.mail(gone.ID); late.Sent.IsZero() || !late.Ended {
			t.Errorf("sent although superseded: %+v", late)
		}
		if d, err = w.read.Directory(ctx, w.d.ID); err != nil || d.Onboarding.Invited.Told {
			t.Errorf("%+v, %v", d.Onboarding, err)
		}
	})
}

// A mail of which only the first of both events was written is due until the second is too.
func TestMailSentIsFinished(t *testing.T) {
	w := newWorld(t)
	m, now := w.invite("it@acme.test"), time.Now()
	w.log.before = func(batch []eventstore.Write) error {
		if len(batch) != 2 || !strings.HasPrefix(batch[0].Stream, "mail-") || !strings.HasPrefix(batch[1].Stream, "directory-") {
			t.Errorf("written: %+v", batch)
		}
		w.log.before = nil
		if _, err := w.log.Store.Append(t.Context(), batch[0]); err != nil {
			t.Error(err)
		}
		return errors.New("the process died")
	}
	if err := w.commands.MailSent(t.Context(), m, now); err == nil {
		t.Fatal("no error")
	}
	head, err := w.log.Head(t.Context())
	w.must(err)
	w.read.Expect(head)
	due, _, err := w.read.DueMails(t.Context(), now.Add(time.Second), 10)
	w.must(err)
	if len(due) != 1 || due[0].ID != m.ID || due[0].Sent.IsZero() {
		t.Fatalf("due: %+v", due)
	}
	w.waits(due[0], false)
	w.must(w.service().MailSent(t.Context(), due[0], due[0].Sent))
	if due, next, err := w.read.DueMails(t.Context(), now.Add(time.Hour), 10); err != nil || len(due) > 0 || !next.IsZero() {
		t.Errorf("still due: %+v, %s, %v", due, next, err)
	}
	if d, err := w.read.Directory(t.Context(), w.d.ID); err != nil || !d.Onboarding.Invited.Told {
		t.Errorf("%+v, %v", d.Onboarding, err)
	}
	if got := w.mailed(m.ID); !slices.Equal(got, []string{"mail.sent"}) {
		t.Errorf("told %q", got)
	}
}
