// Package api is the door for our user's applications and operators: the management API v2, JSON over HTTP with an API key.
// openapi.yaml describes every route, and is served with a page for people at /api/v2/openapi.yaml and /api/v2/docs; routes.go lists them.
// A new route is a line there and an operation in the document: who may call it, how it refuses what it is sent, and that both agree is the frame's
// to see to, and its tests'.
//
// What belongs to an organization is asked for with its directory: another organization's ids are not found. A key may be for one organization only, and
// then knows of no other (access.go). Histories and the feed are
// read from the log, deliveries from the outbox, everything else from the read model. Whether a webhook's address may be reached is decided for good where it
// is dialled; here an address that never may is refused at once.
//
// A POST with an Idempotency-Key that is sent again is answered as the first time (once.go).
package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// Config is what the door needs; the first seven are required.
type Config struct {
	Commands     *command.Service
	Read         *projections.ReadModel
	Log          projections.Past    // histories are folded from it, and replays located in it
	Feed         *projections.Feed   // of that log
	Outbox       *projections.Outbox // what was delivered of it
	Replies      *projections.Replies
	PublicURL    string         // where identity providers reach this server, without a slash at the end
	Service      string         // what users sign in to, in small letters: connections carry it in their ids; rollcall if empty
	SendsMail    bool           // a mail server is known; mails are kept to be read if not
	WebhookAllow []netip.Prefix // ranges off the public internet that webhooks may reach, also by http

	Spool    string             // the folder in which an import's lines are kept while it is under way; the system's own for such if empty
	Stopping <-chan struct{}    // closed when the server is about to stop: those who wait for news are let go; never if nil
	Throttle *handlers.Throttle // of wrong keys; one of its own if nil
	Pace     *handlers.Pace     // of each key; any if nil
	LastUsed *handlers.LastUsed // of the directories' tokens and the API keys; nothing is known of them if nil

	OrganizationPace *handlers.Pace // of all keys together that are for one organization; any if nil
}

// Limits on what one request may bring.
const (
	maxBody  = 1 << 20
	maxDepth = 8
)

// API is the door.
type API struct {
	Config
	described *document
	docs      docs
	table     []handlers.Route
	following chan struct{} // a place for each consumer that follows the feed
	beginning chan struct{} // the place of the one who begins a replay
	imports   *importing
}

// New makes the door.
func New(c Config) (*API, error) {
	var wrong []error
	if c.Commands == nil {
		wrong = append(wrong, errors.New("api: Commands is required"))
	}
	if c.Read == nil {
		wrong = append(wrong, errors.New("api: Read is required"))
	}
	if c.Log == nil || c.Feed == nil || c.Outbox == nil || c.Replies == nil {
		wrong = append(wrong, errors.New("api: Log, Feed, Outbox and Replies are required"))
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.HasSuffix(c.PublicURL, "/") {
		wrong = append(wrong, errors.New("api: PublicURL is an absolute http or https URL without a slash at its end"))
	}
	for _, p := range c.WebhookAllow {
		if !p.IsValid() {
			wrong = append(wrong, errors.New("api: WebhookAllow holds a prefix that is none"))
		}
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
	if c.Pace == nil {
		c.Pace = handlers.NewPace(0, nil)
	}
	if c.OrganizationPace == nil {
		c.OrganizationPace = handlers.NewPace(0, nil)
	}
	if c.LastUsed == nil {
		c.LastUsed = handlers.OpenLastUsed("", nil)
	}
	a := &API{Config: c, following: make(chan struct{}, maxFollowing), beginning: make(chan struct{}, 1), imports: newImporting()}
	var err error
	if a.described, err = readDocument(openAPI); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if a.docs, err = renderDocs(a.described); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	a.table, err = a.routes()
	return a, err
}

// Mount adds the door's routes.
func (a *API) Mount(mux *http.ServeMux) {
	handlers.Mount(mux, "/api/v2/", show, a.table)
	handlers.Mount(mux, "/oauth/token/", showOAuth, a.tokenRoutes())
}
