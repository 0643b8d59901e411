package handlers

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Serve wraps all doors: it gives each request its id, writes one log line for each, counts it, sets the headers that every answer has,
// and turns a panic outside of the doors into an answer of 500 and a logged stack; theirs they answer in their own form.
func Serve(next http.Handler, logger *slog.Logger, metrics prometheus.Registerer) http.Handler {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "rollcall_http_request_seconds", Help: "Time to answer a request, by route and status.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
	}, []string{"route", "status"})
	metrics.MustRegister(seconds)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		l := &line{request: newRequestID()}
		answer := &recorder{ResponseWriter: w}
		h := w.Header()
		h.Set("X-Request-Id", l.request)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				l.err = panicked(p)
				if answer.status == 0 {
					http.Error(answer, "something went wrong on our side; tell us the request id", http.StatusInternalServerError)
				}
			}
			took := time.Since(began)
			seconds.WithLabelValues(l.route, strconv.Itoa(answer.code())).Observe(took.Seconds())
			l.log(r.Context(), logger, r, answer, took)
		}()
		next.ServeHTTP(answer, withLine(r, l))
	})
}

func newRequestID() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// log writes the canonical line. The path is left out for the route, since a query may hold personal data.
func (l *line) log(ctx context.Context, logger *slog.Logger, r *http.Request, answer *recorder, took time.Duration) {
	level := slog.LevelInfo
	attrs := append([]slog.Attr{
		slog.String("request", l.request), slog.String("method", r.Method), slog.String("route", l.route),
		slog.Int("status", answer.code()), slog.Int64("bytes", answer.bytes), slog.Duration("took", took),
	}, l.attrs...)
	if l.err != nil {
		attrs = append(attrs, slog.String("error", l.err.Error()))
	}
	switch code := answer.code(); {
	case code == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case code >= 500 && code != http.StatusNotImplemented:
		level = slog.LevelError
	}
	logger.LogAttrs(ctx, level, "request", attrs...)
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *recorder) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *recorder) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// begun tells whether an answer has begun, as far as Serve can tell.
func begun(w http.ResponseWriter) bool {
	a, ok := w.(*recorder)
	return ok && a.status != 0
}

// Unwrap lets http.ResponseController reach the connection.
func (a *recorder) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *recorder) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}
