package onboarding

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// linked finds the invitation that a link leads to. All that is wrong with a link is the same to whoever has it.
func (o *Onboarding) linked(h func(w http.ResponseWriter, r *http.Request, m projections.Mail) error) handlers.Func {
	return func(w http.ResponseWriter, r *http.Request) error {
		m, err := o.invitation(r.Context(), r.PathValue("link"))
		if errors.Is(err, domain.ErrDeadLink) {
			return o.Throttle.Failed(r, err)
		}
		if err != nil {
			return err
		}
		note(r, m)
		return h(w, r, m)
	}
}

// invitation finds the one whose link this is, if the link leads into its onboarding now.
func (o *Onboarding) invitation(ctx context.Context, link string) (projections.Mail, error) {
	id, ok := o.Commands.Keys.OpenLink(link)
	if !ok {
		return projections.Mail{}, domain.ErrDeadLink
	}
	s, err := o.subject(ctx, id)
	if err == nil && !s.invited().Leads(id, o.Commands.Now()) || errors.Is(err, projections.ErrNotFound) {
		err = domain.ErrDeadLink
	}
	return s.mail, err
}

func note(r *http.Request, m projections.Mail) {
	handlers.Note(r, slog.String("invitation", m.ID), slog.String("organization", m.OrganizationID))
}

// caller is who the events name.
func caller(r *http.Request, m projections.Mail) command.Caller {
	return command.Caller{Actor: "invitation:" + m.ID, Source: domain.SourceOnboarding, Request: handlers.RequestID(r)}
}

// showLink tells where the link leads, and changes nothing.
func (o *Onboarding) showLink(w http.ResponseWriter, _ *http.Request, m projections.Mail) error {
	return o.pages.show(w, http.StatusOK, "link", o.page(m))
}

// useLink uses the link up, and begins a session.
func (o *Onboarding) useLink(w http.ResponseWriter, r *http.Request, m projections.Mail) error {
	if err := ours(r); err != nil {
		return err
	}
	if err := o.Commands.AcceptInvitation(r.Context(), caller(r, m), m); err != nil {
		return err
	}
	if err := o.begin(w, m); err != nil {
		return err
	}
	w.Header().Set("Location", "setup/")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
