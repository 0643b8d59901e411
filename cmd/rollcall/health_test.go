package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/local"
)

// ask answers the status and the body of a GET.
func ask(t *testing.T, s *server, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+storyKey)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// unknown is an event that no version of Rollcall knows, on a stream that the read model shows.
func unknown() eventstore.Write {
	return eventstore.Write{Stream: "user-robot", Entries: []eventstore.Entry{
		{ID: eventstore.ID([]byte("0123456789abcdef")), Type: "user.mechanized", Data: []byte(`{}`), Meta: []byte(`{}`)},
	}}
}

// stopped waits until the read model has stopped before a position, and wants /readyz to say so, in 503. The outbox goes on: nobody
// wants a message of the event.
func stopped(t *testing.T, s *server, at eventstore.Position) {
	t.Helper()
	if err := s.runner.CaughtUp(t.Context(), at); err == nil {
		t.Fatal("the projections passed an event that nobody knows")
	}
	status, body := ask(t, s, "/readyz")
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "readmodel stopped at position") || !strings.Contains(body, "outbox at position") {
		t.Errorf("/readyz answers %d: %s", status, body)
	}
	for _, path := range []string{"/healthz", "/metrics"} {
		if status, body := ask(t, s, path); status != http.StatusOK {
			t.Errorf("%s answers %d: %s", path, status, body)
		}
	}
}

// TestReadyzTellsWhatStopped has a server meet an event that it does not know, after it was ready and before: /readyz
// answers 503 and names what has stopped, and what can be answered still is.
func TestReadyzTellsWhatStopped(t *testing.T) {
	folder := t.TempDir()
	s, stop := runServer(t, folder)
	<-s.ready
	if status, body := ask(t, s, "/readyz"); status != http.StatusOK || strings.Contains(body, "stopped") {
		t.Errorf("/readyz answers %d: %s", status, body)
	}
	at, err := s.log.Append(t.Context(), unknown())
	if err != nil {
		t.Fatal(err)
	}
	stopped(t, s, at)
	if status, body := ask(t, s, "/api/v2/org"); status != http.StatusOK { // what was acknowledged stands before the event
		t.Errorf("/api/v2/org answers %d: %s", status, body)
	}
	stop()

	folder = t.TempDir()
	s, stop = runServer(t, folder) // makes the key
	<-s.ready
	stop()
	log, err := local.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if at, err = log.Append(t.Context(), unknown()); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = runServer(t, folder)
	stopped(t, s, at)
	if status, body := ask(t, s, "/api/v2/org"); status != http.StatusServiceUnavailable || !strings.Contains(body, "its operator finds at /readyz") {
		t.Errorf("/api/v2/org answers %d: %s", status, body)
	}
	select {
	case <-s.ready:
		t.Error("it says that it is ready")
	default:
	}
}
