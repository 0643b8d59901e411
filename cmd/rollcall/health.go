package main

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rollcall-sync/rollcall/projections"
)

// mountHealth adds what watches the server: /healthz (alive), /readyz (the read model and the outbox run and show what the log held when it
// started; a broker that does not answer is told, and makes nobody wait) and /metrics (Prometheus). None of them takes a token or tells a secret.
func (s *server) mountHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
}

func (s *server) readyz(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusOK
	select {
	case <-s.ready:
	default:
		status = http.StatusServiceUnavailable
	}
	for _, p := range s.runner.States() {
		if p.Failure != nil || p.Trouble != nil {
			status = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	for _, p := range s.states() {
		switch {
		case p.Failure != nil:
			fmt.Fprintf(w, "%s stopped at position %s; see the server's log\n", p.Name, p.Position)
		case p.Trouble != nil:
			fmt.Fprintf(w, "%s cannot go on after position %s for now and tries again; see the server's log\n", p.Name, p.Position)
		default:
			fmt.Fprintf(w, "%s at position %s\n", p.Name, p.Position)
		}
	}
}

// states tell how everything stands that follows the log here.
func (s *server) states() []projections.State {
	return append(s.runner.States(), s.publicationStates()...)
}
