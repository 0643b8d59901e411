package onboarding

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/projections"
)

// A session is sealed under the master key and kept by the browser alone, so that it needs no memory here and outlives a restart; it dies with its
// invitation.
const (
	sessionCookie   = "rollcall_onboarding"
	sessionPlace    = "onboarding session"
	sessionLifetime = time.Hour
)

type session struct {
	Invitation string    `json:"invitation"` // its id
	Until      time.Time `json:"until"`
}

var errNoSession = domain.Refuse(domain.Unauthorized,
	"this page is open for an hour after a link was used, in the browser that used it, until another invitation takes its place. Ask whoever invited you for a new link")

// errOtherPage answers the form of a page whose invitation is not the session's: who sets up two organizations has a page of each, and one cookie.
var errOtherPage = domain.Refuse(domain.Conflict, "this page is that of another invitation than the one whose link was used last in this browser. Open the page anew, and look whose it is")

func (o *Onboarding) begin(w http.ResponseWriter, m projections.Mail) error {
	body, err := json.Marshal(session{m.ID, o.Commands.Now().Add(sessionLifetime).UTC()})
	if err != nil {
		return fmt.Errorf("make a session: %w", err)
	}
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: o.Commands.Keys.Seal(sessionPlace, body), Path: o.pages.setup, MaxAge: int(sessionLifetime / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: strings.HasPrefix(o.PublicURL, "https:"),
	})
	return nil
}

// within finds the session of a request, and what is set up in it.
func (o *Onboarding) within(h func(w http.ResponseWriter, r *http.Request, s subject) error) handlers.Func {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodPost {
			if err := ours(r); err != nil {
				return err
			}
		}
		s, err := o.session(r)
		if errors.Is(err, errNoSession) {
			return o.Throttle.Failed(r, err)
		}
		if err != nil {
			return err
		}
		if r.Method == http.MethodPost && r.URL.Query().Get("for") != s.mail.ID {
			return errOtherPage
		}
		note(r, s.mail)
		return h(w, r, s)
	}
}

func (o *Onboarding) session(r *http.Request) (subject, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return subject{}, errNoSession
	}
	var of session
	body, err := o.Commands.Keys.Open(sessionPlace, c.Value)
	if err != nil || json.Unmarshal(body, &of) != nil || !o.Commands.Now().Before(of.Until) {
		return subject{}, errNoSession
	}
	s, err := o.subject(r.Context(), of.Invitation)
	if err == nil && !s.invited().Admits(of.Invitation) || errors.Is(err, projections.ErrNotFound) {
		err = errNoSession
	}
	return s, err
}

// subject is what an invitation is about: a connection or a directory.
type subject struct {
	mail       projections.Mail
	connection *projections.Connection
	directory  *projections.Directory
}

// subject finds what an invitation is about, ErrNotFound if there is no such thing any more.
func (o *Onboarding) subject(ctx context.Context, invitation string) (s subject, err error) {
	if s.mail, err = o.Read.Mail(ctx, invitation); err != nil {
		return s, err
	}
	if s.mail.Of == projections.KindConnection {
		c, err := o.Read.Connection(ctx, s.mail.Subject)
		s.connection = &c
		return s, err
	}
	d, err := o.Read.Directory(ctx, s.mail.Subject)
	s.directory = &d
	return s, err
}

func (s subject) invited() domain.Invited {
	if s.connection != nil {
		return s.connection.Invited
	}
	return s.directory.Onboarding.Invited
}

// show shows how far what is set up is.
func (o *Onboarding) show(w http.ResponseWriter, _ *http.Request, s subject) error {
	if s.connection != nil {
		return o.showConnection(w, s, connectionForm{Provider: s.connection.Provider}, nil)
	}
	return o.showDirectory(w, s, "")
}
