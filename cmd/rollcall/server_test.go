package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// runServer runs `rollcall serve` in this process until the test or stop ends it, which is what SIGTERM does.
func runServer(t *testing.T, folder string, with ...func(*serverConfig)) (s *server, stop func()) {
	t.Helper()
	c := &serveCommand{serverConfig{Listen: "127.0.0.1:0", logConfig: logConfig{Data: folder}, APIKey: storyKey, WebhookTimeout: time.Second, SCIMMaxBody: minSCIMBody}}
	for _, change := range with {
		change(&c.serverConfig)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s, err := open(ctx, &c.serverConfig, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.run(ctx, func() error { return s.welcome(ctx, c, &console{out: io.Discard, err: io.Discard}) }); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if err := s.close(); err != nil {
			t.Errorf("the server closed with %v", err)
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return s, stop
}

// TestDrain ends the server while a request is under way, of whose body a part has yet to come: it is answered as if
// nothing were.
func TestDrain(t *testing.T) {
	s, stop := runServer(t, t.TempDir())
	<-s.ready
	connection, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	const body = `{"name":"Acme"}`
	fmt.Fprintf(connection, "POST /api/v2/org HTTP/1.1\r\nHost: rollcall.test\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", storyKey, len(body))
	answer := bufio.NewReader(connection)
	if line, err := answer.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") { // the handler reads the body
		t.Fatalf("the server says %q, %v", line, err)
	}
	if _, err := answer.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(connection, body[:5]); err != nil {
		t.Fatal(err)
	}

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		stop()
	}()
	broken := make(chan error, 1)
	go func() {
		_, err := answer.Peek(1)
		broken <- err
	}()
	select {
	case <-s.stopping: // the port is closed, and the server waits
	case err := <-broken:
		t.Fatalf("the connection ended in the middle of the request: %v", err)
	}
	if _, err := io.WriteString(connection, body[5:]); err != nil {
		t.Fatal(err)
	}
	if err := <-broken; err != nil {
		t.Fatalf("the request was not answered: %v", err)
	}
	got, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusCreated || !strings.Contains(string(text), `"domain":"acme"`) {
		t.Errorf("answered %d: %s, %v", got.StatusCode, text, err)
	}
	<-ended
	if _, err := net.Dial("tcp", connection.RemoteAddr().String()); err == nil {
		t.Error("the port is open after the end")
	}
}

// TestHeadersAreBounded: what stands before a body is refused before any door looks at it, with room for the longest filter.
func TestHeadersAreBounded(t *testing.T) {
	s, _ := runServer(t, t.TempDir())
	<-s.ready
	for size, status := range map[int]int{headerBytes / 2: http.StatusOK, 2 * headerBytes: http.StatusRequestHeaderFieldsTooLarge} {
		r, err := http.NewRequest("GET", s.url+"/api/v2/org", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+storyKey)
		r.Header.Set("X-Long", strings.Repeat("x", size))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Body.Close(); answer.StatusCode != status {
			t.Errorf("%d bytes of headers are answered with %d, want %d", size, answer.StatusCode, status)
		}
	}
}
