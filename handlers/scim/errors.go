package scim

import (
	"encoding/json"
	"net/http"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
)

// show writes an error in SCIM's form (RFC 7644 §3.12).
func show(w http.ResponseWriter, r *http.Request, e *domain.Error) {
	body, err := errorBody(e)
	if err != nil {
		http.Error(w, "the error could not be shown", http.StatusInternalServerError)
		return
	}
	write(w, r, handlers.Status(e), body)
}

func errorBody(e *domain.Error) ([]byte, error) {
	return json.Marshal(scimerrors.ScimError{
		ScimType: scimerrors.ScimType(e.Reason), Detail: e.Message, Status: handlers.Status(e),
	})
}

// refusal is the library's error as the domain's.
func refusal(e *scimerrors.ScimError) error {
	return domain.RefuseFor(domain.Invalid, domain.Reason(e.ScimType), "%s", e.Detail)
}

func unsupported(http.ResponseWriter, *request) error {
	return domain.Refuse(domain.Unsupported, "this server does not offer that; see /ServiceProviderConfig")
}

// write sends a JSON body. Its media type is SCIM's, or plain JSON for a client that takes this and not SCIM's (RFC 7644 §3.1, §3.8).
func write(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	kind := "application/scim+json"
	if accepts(r, "application/json") && !accepts(r, kind) {
		kind = "application/json"
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone if this fails
}

// accepts tells whether a client names a media type among those that it takes.
func accepts(r *http.Request, kind string) bool {
	for _, value := range r.Header.Values("Accept") {
		for one := range strings.SplitSeq(value, ",") {
			if named, _, _ := strings.Cut(one, ";"); strings.EqualFold(strings.TrimSpace(named), kind) {
				return true
			}
		}
	}
	return false
}
