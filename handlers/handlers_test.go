package handlers_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
)

// served answers a request to one route, whose handler is given, and what was logged of it.
func served(r *http.Request, h handlers.Func) (*httptest.ResponseRecorder, string) {
	mux := http.NewServeMux()
	handlers.Mount(mux, "/door/", func(w http.ResponseWriter, _ *http.Request, e *domain.Error) {
		http.Error(w, e.Message, handlers.Status(e))
	}, []handlers.Route{{Method: "GET", Path: "/door/x", Handler: h}})
	var log bytes.Buffer
	w := httptest.NewRecorder()
	handlers.Serve(mux, slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry()).ServeHTTP(w, r)
	return w, log.String()
}

// A client that leaves is no fault of the server, whatever the query says that it broke off; one whose time is over still reads the answer.
func TestClientsThatLeave(t *testing.T) {
	left, leave := context.WithCancel(t.Context())
	w, log := served(httptest.NewRequestWithContext(left, "GET", "/door/x", nil), func(_ http.ResponseWriter, r *http.Request) error {
		leave()
		return r.Context().Err()
	})
	if w.Code != 499 || !strings.Contains(log, "level=INFO") || !strings.Contains(log, "status=499") || !strings.Contains(log, "context canceled") {
		t.Errorf("%d, %s", w.Code, log)
	}
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	w, log = served(httptest.NewRequestWithContext(late, "GET", "/door/x", nil), func(_ http.ResponseWriter, r *http.Request) error { return r.Context().Err() })
	if w.Code != 500 || !strings.Contains(log, "level=ERROR") {
		t.Errorf("%d, %s", w.Code, log)
	}
}

// What is logged as an error is a fault of the server: not what it does not offer, nor what it asks to be sent again.
func TestLevels(t *testing.T) {
	for code, level := range map[domain.Code]string{domain.Internal: "ERROR", domain.Unavailable: "WARN", domain.Unsupported: "INFO", domain.NotFound: "INFO"} {
		if _, log := served(httptest.NewRequest("GET", "/door/x", nil), func(http.ResponseWriter, *http.Request) error { return domain.Refuse(code, "no") }); !strings.Contains(log, "level="+level) {
			t.Errorf("%s: %s", code, log)
		}
	}
}
