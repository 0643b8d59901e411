package handlers

import (
	"context"
	"log/slog"
	"net/http"
)

// line gathers what the one log line of a request says.
type line struct {
	request string
	route   string
	attrs   []slog.Attr
	err     error
}

type lineKey struct{}

func lineOf(r *http.Request) *line {
	if l, ok := r.Context().Value(lineKey{}).(*line); ok {
		return l
	}
	return &line{} // a handler mounted without Serve, as tests do
}

// Note adds to the request's log line. It must never be given a body, a token or an e-mail address.
func Note(r *http.Request, attrs ...slog.Attr) {
	l := lineOf(r)
	l.attrs = append(l.attrs, attrs...)
}

// NoteFault adds to the request's log line an error that its answer as a whole does not show, as of one of many operations; the
// first is kept.
func NoteFault(r *http.Request, err error) {
	if l := lineOf(r); l.err == nil {
		l.err = err
	}
}

// RequestID is the request's id: it stands in the answer's X-Request-Id, the log line and the meta of events.
func RequestID(r *http.Request) string { return lineOf(r).request }

func withLine(r *http.Request, l *line) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), lineKey{}, l))
}
