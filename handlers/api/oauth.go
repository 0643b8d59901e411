package api

import (
	"mime"
	"net/http"
	"net/url"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
)

const form = "application/x-www-form-urlencoded"

// unsupportedGrantType is one of RFC 6749 §5.2's words.
const unsupportedGrantType domain.Reason = "unsupported_grant_type"

// tokenRoutes stand apart from the others: their errors have another form.
func (a *API) tokenRoutes() []handlers.Route {
	return []handlers.Route{{Method: "POST", Path: "/oauth/token", Handler: a.issueToken}}
}

// issueToken makes an access token for an API key (RFC 6749 §4.4). Parameters that are not known are ignored, as §3.2 asks.
func (a *API) issueToken(w http.ResponseWriter, r *http.Request) error {
	given, err := readGrant(w, r)
	if err != nil {
		return err
	}
	id, secret := given.Get("client_id"), given.Get("client_secret")
	if basicID, basicSecret, is := r.BasicAuth(); is { // §2.3.1: both are form-encoded inside
		id, secret = unescape(basicID), unescape(basicSecret)
	}
	switch grant := given.Get("grant_type"); {
	case grant == "":
		return domain.RefuseField("grant_type", "is required: client_credentials")
	case grant != "client_credentials":
		return domain.RefuseFor(domain.Invalid, unsupportedGrantType, "grant_type is client_credentials only")
	}
	k, err := a.keyWith(r.Context(), id, secret)
	noteKey(r, k, err)
	if err == errUnauthorized {
		return a.Throttle.Failed(r, err)
	}
	if err != nil {
		return err
	}
	if err := a.paced(k); err != nil {
		return err
	}
	token, err := a.newAccessToken(k)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}{token, "Bearer", int(accessTokenLifetime.Seconds())})
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// readGrant reads the parameters from a form or a JSON object.
func readGrant(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	body, err := handlers.ReadBody(w, r, maxBody, form, "application/json")
	if err != nil {
		return nil, err
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		given, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "the body is not a form")
		}
		return given, nil
	}
	object, err := domain.ReadObject(body, maxDepth)
	if err != nil {
		return nil, err
	}
	given := url.Values{}
	for name, value := range object {
		if text, is := value.(string); is {
			given.Set(name, text)
		}
	}
	return given, nil
}

// showOAuth writes an error in the form of RFC 6749 §5.2, which clients of OAuth read.
func showOAuth(w http.ResponseWriter, r *http.Request, e *domain.Error) {
	code, status := "invalid_request", handlers.Status(e)
	message := e.Message
	switch {
	case e.Code == domain.Unauthorized:
		code, message = "invalid_client", "client_id and client_secret are not those of an API key"
		w.Header().Set("WWW-Authenticate", `Basic realm="rollcall"`)
	case e.Reason == unsupportedGrantType:
		code = string(unsupportedGrantType)
	case e.Code == domain.Unavailable, e.Code == domain.RateLimited:
		code = "temporarily_unavailable"
	case status >= http.StatusInternalServerError:
		code = "server_error"
	}
	if answer(w, status, map[string]string{"error": code, "error_description": message, "request_id": handlers.RequestID(r)}) != nil {
		http.Error(w, "the error could not be shown", http.StatusInternalServerError)
	}
}
