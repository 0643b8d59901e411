package command

import (
	"context"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// What becomes of a mail is told by whoever sends it: by one server of several at a time, though another may just have been the one.

// postman is who tells of mails.
var postman = Caller{Actor: "system", Source: domain.SourceSystem}

// MailWaits asks the log whether a mail is still to be sent, and whether all that was tried is known to the caller: its invitation stands, and
// nobody has tried more often than the mail says.
func (s *Service) MailWaits(ctx context.Context, m projections.Mail) (bool, error) {
	f, err := load[domain.Mail](ctx, s, projections.KindMail.Stream(m.ID))
	if err != nil || !f.State.Waits() || f.Version != eventstore.Version(len(m.Attempts)) {
		return false, err
	}
	invited, err := s.invited(ctx, m)
	return invited.Last.ID == m.ID && !invited.Accepted, err
}

// invited is the invitation into the onboarding of what a mail is about; the zero one if that is no more.
func (s *Service) invited(ctx context.Context, m projections.Mail) (domain.Invited, error) {
	if m.Of == projections.KindConnection {
		f, err := load[domain.Connection](ctx, s, projections.KindConnection.Stream(m.Subject))
		if err != nil || !f.State.Exists() {
			return domain.Invited{}, err
		}
		return f.State.Invited, nil
	}
	f, err := load[domain.Directory](ctx, s, projections.KindDirectory.Stream(m.Subject))
	if err != nil || !f.State.Exists() {
		return domain.Invited{}, err
	}
	return f.State.Onboarding.Invited, nil
}

// MailSent tells that the mail server took a mail, and lets its invitation tell so too. Told again it changes nothing.
func (s *Service) MailSent(ctx context.Context, m projections.Mail, at time.Time) error {
	stream := projections.KindMail.Stream(m.ID)
	_, err := decide(ctx, s, stream, func() (none struct{}, err error) {
		f, err := load[domain.Mail](ctx, s, stream)
		if err != nil {
			return none, err
		}
		var draft draft
		if event := f.State.Went(at); event != nil {
			draft.add(stream, f.Version, s.meta(postman, m.Organization), event)
		}
		if err := s.tellSent(ctx, &draft, m, at); err != nil || len(draft.writes) == 0 {
			return none, err
		}
		return none, s.append(ctx, draft)
	})
	return err
}

// tellSent adds to the draft that the mail of an invitation went, if that is news to what it is about.
func (s *Service) tellSent(ctx context.Context, d *draft, m projections.Mail, at time.Time) error {
	if m.Of == projections.KindConnection {
		stream := projections.KindConnection.Stream(m.Subject)
		f, err := load[domain.Connection](ctx, s, stream)
		if event := f.State.InvitationSent(m.ID, at); err == nil && event != nil {
			d.add(stream, f.Version, s.meta(postman, m.Organization), event)
		}
		return err
	}
	stream := projections.KindDirectory.Stream(m.Subject)
	f, err := load[domain.Directory](ctx, s, stream)
	if event := f.State.InvitationSent(m.ID, at); err == nil && event != nil {
		d.add(stream, f.Version, s.metaIn(postman, projections.Directory{ID: m.Subject, Organization: m.Organization, Provider: f.State.Provider}), event)
	}
	return err
}

// MailFailed tells that a mail could not be sent, and when it is tried again: never if that is the zero time.
func (s *Service) MailFailed(ctx context.Context, m projections.Mail, at time.Time, why string, retry time.Time) error {
	stream := projections.KindMail.Stream(m.ID)
	_, err := decide(ctx, s, stream, func() (none struct{}, err error) {
		f, err := load[domain.Mail](ctx, s, stream)
		if err != nil {
			return none, err
		}
		event := f.State.Failed(at, why, retry)
		if event == nil {
			return none, nil
		}
		var draft draft
		draft.add(stream, f.Version, s.meta(postman, m.Organization), event)
		return none, s.append(ctx, draft)
	})
	return err
}
