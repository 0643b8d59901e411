// Package onboarding is the door for administrators who were invited: a few pages on which they set up a directory at its provider, or a connection.
//
// Their link shows what is to be done; using it, by a button, makes of it a session of an hour, for mail scanners follow links and press no buttons. The
// session lives in a cookie of that browser, sealed, and ends early when its invitation does. Pages are HTML without a script and without anything from
// elsewhere. What is done here goes through the same commands as by the management API.
package onboarding

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// Config is what the door needs; the first three are required.
type Config struct {
	Commands  *command.Service
	Read      *projections.ReadModel
	PublicURL string // where administrators reach this server, without a slash at the end

	Service  string             // what the organization's users sign in to; rollcall if empty
	Throttle *handlers.Throttle // of wrong links; one of its own if nil
}

// Onboarding is the door.
type Onboarding struct {
	Config
	pages *pages
}

// New makes the door.
func New(c Config) (*Onboarding, error) {
	var wrong []error
	if c.Commands == nil || c.Read == nil {
		wrong = append(wrong, errors.New("onboarding: Commands and Read are required"))
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.HasSuffix(c.PublicURL, "/") {
		wrong = append(wrong, errors.New("onboarding: PublicURL is an absolute http or https URL without a slash at its end"))
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	if c.Service == "" {
		c.Service = "rollcall"
	}
	if c.Throttle == nil {
		c.Throttle = handlers.NewThrottle(handlers.Failures, nil)
	}
	p, err := readPages(u.Path + "/onboarding/setup/")
	if err != nil {
		return nil, err
	}
	return &Onboarding{c, p}, nil
}

// Mount adds the door's routes.
func (o *Onboarding) Mount(mux *http.ServeMux) {
	handlers.Mount(mux, "/onboarding/", o.pages.refusal, []handlers.Route{
		{Method: "GET", Path: "/onboarding/{link}", Handler: o.linked(o.showLink)},
		{Method: "POST", Path: "/onboarding/{link}", Handler: o.linked(o.useLink)},
		{Method: "GET", Path: "/onboarding/setup/{$}", Handler: o.within(o.show)},
		{Method: "POST", Path: "/onboarding/setup/token", Handler: o.within(o.makeToken)},
		{Method: "POST", Path: "/onboarding/setup/connection", Handler: o.within(o.saveConnection)},
	})
}

// ours refuses a form that another site sent. Browsers that are new enough say so (Fetch Metadata); for the others the cookie is SameSite.
func ours(r *http.Request) error {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return nil
	}
	return domain.Refuse(domain.Forbidden, "this form was sent from another site; open the link of your invitation itself")
}
