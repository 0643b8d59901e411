package main

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// TestSinkVerifies sends the demo's sink what the reference library signed, and the same with anything altered. Only the
// first is taken, once.
func TestSinkVerifies(t *testing.T) {
	const key, other = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
	const id, body = "msg_1", `{"type":"directory.activated"}`
	now := time.Now()
	signed := func(key string) string {
		library, err := standardwebhooks.NewWebhook(key)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := library.Sign(id, now, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	s, err := newSink()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	send := func(id string, at int64, body, signature string) int {
		r := httptest.NewRequest("POST", "/directory-sync", strings.NewReader(body))
		r.Header.Set("webhook-id", id)
		r.Header.Set("webhook-timestamp", strconv.FormatInt(at, 10))
		r.Header.Set("webhook-signature", signature)
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		return answer.Code
	}
	if status := send(id, now.Unix(), body, signed(key)); status != http.StatusUnauthorized {
		t.Errorf("before it trusts a key: %d", status)
	}
	if err := s.trust(key); err != nil {
		t.Fatal(err)
	}
	for what, status := range map[string]int{
		"another key":  send(id, now.Unix(), body, signed(other)),
		"no signature": send(id, now.Unix(), body, ""),
		"another id":   send("msg_2", now.Unix(), body, signed(key)),
		"another time": send(id, now.Unix()+1, body, signed(key)),
		"another body": send(id, now.Unix(), body+" ", signed(key)),
		"half of it":   send(id, now.Unix(), body, signed(key)[:20]),
		"another case": send(id, now.Unix(), body, strings.ToUpper(signed(key))),
	} {
		if status != http.StatusUnauthorized {
			t.Errorf("%s: %d", what, status)
		}
	}
	for range 2 {
		if status := send(id, now.Unix(), body, signed(key)); status != http.StatusOK {
			t.Errorf("the right signature: %d", status)
		}
	}
	if len(s.arrived) != 1 || s.refused() != 8 {
		t.Errorf("%d arrived, %d were refused", len(s.arrived), s.refused())
	}
}
