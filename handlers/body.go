package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
)

// ReadBody reads a request's body of at most limit bytes. A media type other than those accepted is WrongMediaType; a body without
// one is read as the first.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64, accepted ...string) ([]byte, error) {
	if _, err := MediaType(r, accepted...); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	err := CopyBody(&body, w, r, limit)
	return body.Bytes(), err
}

// MediaType is that of a request's body, the first of those accepted if it has none. Another one than these is WrongMediaType.
func MediaType(r *http.Request, accepted ...string) (string, error) {
	given := r.Header.Get("Content-Type")
	if given == "" {
		return accepted[0], nil
	}
	kind, _, err := mime.ParseMediaType(given)
	if err != nil || !slices.Contains(accepted, kind) {
		return "", domain.Refuse(domain.WrongMediaType, "send the body as %s", accepted[0])
	}
	return kind, nil
}

// CopyBody copies a request's body of at most limit bytes to where it is kept.
func CopyBody(to io.Writer, w http.ResponseWriter, r *http.Request, limit int64) error {
	body := &watched{Reader: http.MaxBytesReader(w, r.Body, limit)}
	_, err := io.Copy(to, body)
	var tooLarge *http.MaxBytesError
	var refused *domain.Error // by what stands before the body
	switch {
	case errors.As(body.err, &tooLarge):
		return domain.Refuse(domain.TooLarge, "the body is larger than %d bytes", limit)
	case errors.As(body.err, &refused):
		return refused
	case body.err != nil:
		e := domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "the body ended before all of it arrived")
		e.Cause = body.err
		return e
	case err != nil:
		return fmt.Errorf("keep the body: %w", err)
	}
	return nil
}

// watched remembers the error of a reader, to tell it from one of the writer that it is copied to.
type watched struct {
	io.Reader
	err error
}

func (r *watched) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err != io.EOF {
		r.err = err
	}
	return n, err
}
