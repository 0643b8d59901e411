package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/projections"
)

var errUnauthorized = domain.Refuse(domain.Unauthorized, "the request needs an API key, or a token made for one, as its bearer token")

// keyOf finds the API key that a bearer token is, or was made for. All that is wrong with a token is the same to a stranger; beside that error stands the
// key that was tried, the zero one if there is none of its id.
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

// keyWith finds the API key with this id and this secret, as keyOf does.
func (a *API) keyWith(ctx context.Context, id, secret string) (projections.APIKey, error) {
	k, err := a.Read.APIKey(ctx, id)
	if errors.Is(err, projections.ErrNotFound) {
		k, err = projections.APIKey{Hash: nobody}, nil
	}
	if err == nil && !keys.Matches(k.Hash, secret) {
		err = errUnauthorized
	}
	return k, err
}

// noteKey notes in the log line which key a request has, or which one it was refused for.
func noteKey(r *http.Request, k projections.APIKey, err error) {
	name := "apikey"
	if err != nil {
		name = "refused_apikey"
	}
	if k.ID != "" {
		handlers.Note(r, slog.String(name, k.ID))
	}
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
	if err != nil || json.Unmarshal(body, &t) != nil {
		return projections.APIKey{}, errUnauthorized
	}
	k, err := a.Read.APIKey(ctx, t.Key)
	if errors.Is(err, projections.ErrNotFound) || err == nil && !a.Commands.Now().Before(t.Until) {
		return projections.APIKey{ID: t.Key}, errUnauthorized
	}
	return k, err
}
