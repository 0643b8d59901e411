package scim

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// request is an authenticated one: the directory whose token it carries.
type request struct {
	*http.Request
	directory projections.Directory
	token     string // the token's id
	params    url.Values
	limit     int64                     // of the body
	wanted    selection                 // of the attributes in the answer
	only      func(version uint64) bool // If-Match, nil for any
	object    map[string]any            // an operation's data in a bulk request, nil for a request by itself
}

// caller is who the events name.
func (r *request) caller() command.Caller {
	return command.Caller{Actor: "token:" + r.token, Source: domain.SourceSCIM, Request: handlers.RequestID(r.Request), If: r.only}
}

// inDirectory handles a request of a directory.
type inDirectory func(w http.ResponseWriter, r *request) error

// authenticated lets a request through that carries the token of the directory in its path. An unknown directory and a
// wrong token are the same to a stranger.
func (s *SCIM) authenticated(h inDirectory) handlers.Func {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, secret, formed := keys.SplitToken(handlers.BearerToken(r))
		d, err := s.Read.Directory(r.Context(), r.PathValue("directory"))
		if err != nil && !errors.Is(err, projections.ErrNotFound) {
			return err
		}
		now := s.Commands.Now()
		if !formed || !valid(d, id, secret, now) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="scim"`)
			return s.Throttle.Failed(r, domain.Refuse(domain.Unauthorized, "the bearer token is not this directory's"))
		}
		if id == d.Token.ID {
			s.LastUsed.Use(d.ID, id, now)
		}
		handlers.Note(r, slog.String("directory", d.ID), slog.String("token", id))
		if !d.Active {
			return domain.Refuse(domain.Forbidden, "this directory is disabled; its administrator can activate it")
		}
		params, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil { // a part left out could be the filter
			return domain.RefuseFor(domain.Invalid, domain.InvalidValue, "the query string cannot be read; escape what it holds")
		}
		body := &body{ReadCloser: r.Body, ctx: r.Context(), slots: s.heavy}
		defer body.release()
		r.Body = body
		return h(w, &request{Request: r, directory: d, token: id, params: params, limit: s.MaxBody})
	}
}

// about is a handler of one type of resources: the attributes that the client wants are read, and refused, before anything happens.
func about(t *domain.ResourceType, h inDirectory) inDirectory {
	return func(w http.ResponseWriter, r *request) (err error) {
		if r.wanted, err = selectionOf(t, r.params); err != nil {
			return err
		}
		return h(w, r)
	}
}

// valid compares in constant time; the zero Directory has no token.
func valid(d projections.Directory, id, secret string, now time.Time) bool {
	current := keys.Matches(d.Token.Hash, secret) && id == d.Token.ID
	previous := keys.Matches(d.Previous.Hash, secret) && id == d.Previous.ID && now.Before(d.PreviousUntil)
	return current || previous
}
