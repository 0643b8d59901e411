package handlers

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
)

// ReadBody reads a request's body of at most limit bytes. A media type other than those accepted is WrongMediaType; a body without
// one is read as the first.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64, accepted ...string) ([]byte, error) {
	if given := r.Header.Get("Content-Type"); given != "" {
		if kind, _, err := mime.ParseMediaType(given); err != nil || !slices.Contains(accepted, kind) {
			return nil, domain.Refuse(domain.WrongMediaType, "send the body as %s", accepted[0])
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, domain.Refuse(domain.TooLarge, "the body is larger than %d bytes", limit)
	}
	var refused *domain.Error // by what stands before the body
	if errors.As(err, &refused) {
		return nil, refused
	}
	if err != nil {
		e := domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "the body ended before all of it arrived")
		e.Cause = err
		return nil, e
	}
	return body, nil
}
