package handlers_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
)

// TestPanicIsShownByItsDoor: a handler that panics is answered as any other fault of ours is, with the request's id and without
// a stack, which stands in the log. What panics outside of a door is answered too, and an answer that has begun gets nothing added.
func TestPanicIsShownByItsDoor(t *testing.T) {
	mux := http.NewServeMux()
	show := func(w http.ResponseWriter, r *http.Request, e *domain.Error) {
		w.WriteHeader(handlers.Status(e))
		fmt.Fprintf(w, "shown by the door: %s: %s: %s", e.Code, e.Message, handlers.RequestID(r))
	}
	handlers.Mount(mux, "/door/", show, []handlers.Route{
		{Method: "GET", Path: "/door/panics", Handler: func(http.ResponseWriter, *http.Request) error { panic("secret") }},
		{Method: "GET", Path: "/door/begins", Handler: func(w http.ResponseWriter, _ *http.Request) error {
			fmt.Fprint(w, "half")
			panic("secret")
		}},
		{Method: "GET", Path: "/door/aborts", Handler: func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }},
	})
	mux.HandleFunc("GET /outside", func(http.ResponseWriter, *http.Request) { panic("secret") })
	var log bytes.Buffer
	server := httptest.NewServer(handlers.Serve(mux, slog.New(slog.NewJSONHandler(&log, nil)), prometheus.NewRegistry()))
	defer server.Close()
	for _, test := range []struct {
		path   string
		status int
		body   string // {id} is the request's
	}{
		{"/door/panics", 500, "shown by the door: internal: something went wrong on our side; tell us the request id: {id}"},
		{"/door/begins", 200, "half"},
		{"/outside", 500, "something went wrong on our side; tell us the request id\n"},
	} {
		log.Reset()
		answer, err := http.Get(server.URL + test.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.ReplaceAll(test.body, "{id}", answer.Header.Get("X-Request-Id")); answer.StatusCode != test.status || string(body) != want {
			t.Errorf("%s: %d %q, want %d %q", test.path, answer.StatusCode, body, test.status, want)
		}
		if !strings.Contains(log.String(), "panic: secret") || !strings.Contains(log.String(), "serve_test.go") {
			t.Errorf("%s: the log does not tell of the panic, or has no stack: %s", test.path, &log)
		}
	}
	if answer, err := http.Get(server.URL + "/door/aborts"); err == nil {
		answer.Body.Close()
		t.Errorf("a handler that aborts is answered with %d", answer.StatusCode)
	}
}
