package main

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/webhook"
)

// sink is the application's endpoint: it verifies each signature and keeps what came.
type sink struct {
	url    string
	server *http.Server

	mu      sync.Mutex
	secret  keys.Signing
	trusted bool
	seen    map[string]bool // by webhook-id: a message may come twice
	arrived [][]byte
	wrong   int
	news    chan struct{} // closed and made anew when something comes
}

func newSink() (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for webhooks: %w", err)
	}
	s := &sink{url: "http://" + listener.Addr().String() + "/directory-sync", seen: map[string]bool{}, news: make(chan struct{})}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: headerTimeout}
	go func() { _ = s.server.Serve(listener) }() // ends with close
	return s, nil
}

func (s *sink) close() { _ = s.server.Close() }

// trust sets the secret that messages are signed with.
func (s *sink) trust(key string) error {
	secret, err := keys.ParseSigning(key)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret, s.trusted = secret, true
	return nil
}

// ServeHTTP takes a webhook whose signature is right.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the body did not arrive", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		close(s.news)
		s.news = make(chan struct{})
	}()
	id := r.Header.Get("webhook-id")
	if !s.verifies(id, r.Header, body) {
		s.wrong++
		http.Error(w, "the signature is wrong", http.StatusUnauthorized)
		return
	}
	if !s.seen[id] {
		s.seen[id] = true
		s.arrived = append(s.arrived, body)
	}
	fmt.Fprintln(w, "thank you")
}

func (s *sink) verifies(id string, h http.Header, body []byte) bool {
	seconds, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil || !s.trusted {
		return false
	}
	want := webhook.Sign(id, time.Unix(seconds, 0), body, s.secret)
	return subtle.ConstantTimeCompare([]byte(want), []byte(h.Get("webhook-signature"))) == 1
}

func (s *sink) refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrong
}

// wait returns what has come, once it is n messages.
func (s *sink) wait(ctx context.Context, n int) ([][]byte, error) {
	for {
		s.mu.Lock()
		arrived, news := s.arrived, s.news
		s.mu.Unlock()
		if len(arrived) >= n {
			return arrived, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d webhooks arrived: %w", len(arrived), n, ctx.Err())
		}
	}
}
