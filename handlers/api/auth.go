package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// request is one with an API key, and with what its path names.
type request struct {
	*http.Request
	key          projections.APIKey
	params       url.Values
	organization projections.Organization // below /org/{org}
	directory    projections.Directory    // below it, where the route is about the directory
}

// caller is who the events name.
func (r *request) caller() command.Caller {
	return command.Caller{Actor: "apikey:" + r.key.ID, Source: domain.SourceAPI, Request: handlers.RequestID(r.Request)}
}

// handler handles a request that was let through.
type handler func(w http.ResponseWriter, r *request) error

// keyed lets a request through that carries an API key or a token made for one, and in its query parameters that are known only.
func (a *API) keyed(known []string, h handler) handlers.Func {
	return func(w http.ResponseWriter, r *http.Request) error {
		k, err := a.keyOf(r.Context(), handlers.BearerToken(r))
		if err != nil {
			if domain.Shown(err).Code == domain.Unauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="rollcall"`)
				return a.Throttle.Failed(r, err)
			}
			return err
		}
		handlers.Note(r, slog.String("apikey", k.ID))
		params, err := paramsOf(r, known)
		if err != nil {
			return err
		}
		return h(w, &request{Request: r, key: k, params: params})
	}
}

// paramsOf reads the query. What cannot be read or is not known is not passed over: a list without its filter is another list.
func paramsOf(r *http.Request, known []string) (url.Values, error) {
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "the query of the URL cannot be read; escape its values")
	}
	wrong := map[string]string{}
	for name := range params {
		if !slices.Contains(known, name) {
			wrong[name] = unknownHere(known)
		}
	}
	return params, refuseFields(wrong)
}

// unknownHere says of a name that it is not among those that there are.
func unknownHere(known []string) string {
	if len(known) == 0 {
		return "is unknown here; there are none"
	}
	return "is unknown here; there are: " + strings.Join(slices.Sorted(slices.Values(known)), " ")
}

// ofOrganization finds the organization that the path names.
func (a *API) ofOrganization(h handler) handler {
	return func(w http.ResponseWriter, r *request) (err error) {
		if r.organization, err = a.Read.Organization(r.Context(), r.PathValue("org")); err != nil {
			return unlessFound(err, "there is no such organization")
		}
		handlers.Note(r.Request, slog.String("organization", r.organization.ID))
		return h(w, r)
	}
}

// ofDirectory finds the organization that the path names, and its directory.
func (a *API) ofDirectory(h handler) handler {
	return a.ofOrganization(func(w http.ResponseWriter, r *request) (err error) {
		if r.directory, err = a.Read.DirectoryOf(r.Context(), r.organization.ID); err != nil {
			return unlessFound(err, "the organization has no directory; POST to its directory-sync first")
		}
		return h(w, r)
	})
}

var errUnauthorized = domain.Refuse(domain.Unauthorized, "the request needs an API key, or a token made for one, as its bearer token")

// keyOf finds the API key that a bearer token is, or was made for. All that is wrong with a token is the same to a stranger.
func (a *API) keyOf(ctx context.Context, bearer string) (projections.APIKey, error) {
	if sealed, is := strings.CutPrefix(bearer, accessTokenPrefix); is {
		return a.keyOfAccessToken(ctx, sealed)
	}
	id, secret, formed := keys.SplitToken(bearer)
	if !formed {
		return projections.APIKey{}, errUnauthorized
	}
	return a.keyWith(ctx, id, secret)
}

// nobody is compared with where there is no key, so that an unknown id takes as long as a wrong secret.
var nobody = keys.Hash(keys.NewSecret())

// keyWith finds the API key with this id and this secret.
func (a *API) keyWith(ctx context.Context, id, secret string) (projections.APIKey, error) {
	k, err := a.Read.APIKey(ctx, id)
	if errors.Is(err, projections.ErrNotFound) {
		k, err = projections.APIKey{Hash: nobody}, nil
	}
	if err != nil {
		return projections.APIKey{}, err
	}
	if !keys.Matches(k.Hash, secret) {
		return projections.APIKey{}, errUnauthorized
	}
	return k, nil
}

// An access token is sealed under the master key, so that it needs no memory and outlives a restart; it dies with its key.
const (
	accessTokenPrefix   = "rcat_"
	accessTokenPlace    = "access token"
	accessTokenLifetime = time.Hour
)

type accessToken struct {
	Key   string    `json:"key"` // the API key's id
	Until time.Time `json:"until"`
}

func (a *API) newAccessToken(k projections.APIKey) (string, error) {
	body, err := json.Marshal(accessToken{k.ID, a.Commands.Now().Add(accessTokenLifetime).UTC()})
	if err != nil {
		return "", fmt.Errorf("make an access token: %w", err)
	}
	return accessTokenPrefix + a.Commands.Keys.Seal(accessTokenPlace, body), nil
}

func (a *API) keyOfAccessToken(ctx context.Context, sealed string) (projections.APIKey, error) {
	var t accessToken
	body, err := a.Commands.Keys.Open(accessTokenPlace, sealed)
	if err != nil || json.Unmarshal(body, &t) != nil || !a.Commands.Now().Before(t.Until) {
		return projections.APIKey{}, errUnauthorized
	}
	k, err := a.Read.APIKey(ctx, t.Key)
	if errors.Is(err, projections.ErrNotFound) {
		err = errUnauthorized
	}
	return k, err
}
