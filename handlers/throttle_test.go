package handlers_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
)

var errWrong = errors.New("wrong token")

// fails sends a wrong token from an address and tells whether it was slowed down.
func fails(t *testing.T, throttle *handlers.Throttle, address string) bool {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = address
	err := throttle.Failed(r, errWrong)
	if limited := domain.Shown(err).Code == domain.RateLimited; limited != (err != errWrong) {
		t.Fatalf("answered %v", err)
	}
	return err != errWrong
}

func TestThrottle(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	throttle := handlers.NewThrottle(3, func() time.Time { return now })
	const one, port, other = "192.0.2.1:1234", "192.0.2.1:99", "192.0.2.2:1234"
	for i := range 3 {
		if fails(t, throttle, one) {
			t.Errorf("failure %d is slowed down", i)
		}
	}
	for range 5 {
		if !fails(t, throttle, one) || !fails(t, throttle, port) || !fails(t, throttle, "[::ffff:192.0.2.1]:7") {
			t.Error("not slowed down")
		}
	}
	if fails(t, throttle, other) {
		t.Error("another address is slowed down")
	}
	now = now.Add(time.Second)
	if fails(t, throttle, one) || !fails(t, throttle, one) {
		t.Error("a second later it is not one more")
	}
	now = now.Add(time.Hour)
	for i := range 3 {
		if fails(t, throttle, one) {
			t.Errorf("failure %d is slowed down after an hour", i)
		}
	}
	if !fails(t, throttle, one) {
		t.Error("an hour saved up more than is allowed at once")
	}
}

// TestThrottleOfNetworks: who has a network of IPv6 has one address, and a connection without an address has one too.
func TestThrottleOfNetworks(t *testing.T) {
	still := func() time.Time { return time.Unix(0, 0) }
	throttle := handlers.NewThrottle(1, still)
	fails(t, throttle, "[2001:db8:1:2::1]:1")
	if !fails(t, throttle, "[2001:db8:1:2:ffff::9%eth0]:1") || fails(t, throttle, "[2001:db8:1:3::1]:1") {
		t.Error("networks are not told apart at /64")
	}
	fails(t, throttle, "@")
	if !fails(t, throttle, "") {
		t.Error("connections without an address are not one")
	}
}

// TestThrottleForgets: more addresses than are kept push the first out, so that memory is bounded.
func TestThrottleForgets(t *testing.T) {
	throttle := handlers.NewThrottle(1, func() time.Time { return time.Unix(0, 0) })
	fails(t, throttle, "192.0.2.1:1")
	for i := range 10_000 {
		fails(t, throttle, fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
	}
	if fails(t, throttle, "192.0.2.1:1") {
		t.Error("the first address is still known")
	}
}

func TestRateLimitedIsTooManyRequests(t *testing.T) {
	mux := http.NewServeMux()
	show := func(w http.ResponseWriter, _ *http.Request, e *domain.Error) { w.WriteHeader(handlers.Status(e)) }
	handlers.Mount(mux, "/", show, []handlers.Route{{Method: "GET", Path: "/x", Handler: func(http.ResponseWriter, *http.Request) error {
		return domain.Refuse(domain.RateLimited, "slower")
	}}})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Errorf("answered %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}
