package load

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// waitingSink is one that has no port.
func waitingSink() *sink {
	return &sink{seen: map[string]bool{}, delays: hdrhistogram.New(shortest, longest, digits), news: make(chan struct{})}
}

func (s *sink) take(id, body string) int {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("webhook-id", id)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

func message(at time.Time) string {
	return fmt.Sprintf(`{"timestamp":%q}`, at.Format(time.RFC3339Nano))
}

// A sink counts each message once, measures from its event, and begins anew when told.
func TestSinkCountsEachMessageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := waitingSink()
		s.take("a", message(time.Now().Add(-20*time.Millisecond)))
		s.take("a", message(time.Now().Add(-time.Hour)))
		if got := s.webhooks(); got.Messages != 1 || got.Repeated != 1 || got.Delay.Max < 20 || got.Delay.Max > 20.1 {
			t.Errorf("%+v", got)
		}
		s.forget()
		s.take("b", message(time.Now().Add(-time.Millisecond)))
		time.Sleep(time.Second)
		s.take("c", message(time.Now().Add(-time.Millisecond)))
		if got := s.webhooks(); got.Messages != 2 || got.PerSecond != 2 || got.Delay.Max > 1.1 {
			t.Errorf("%+v", got)
		}
		for _, garbage := range []string{"", "[]", `{"timestamp":"yesterday"}`, "\x00"} {
			if status := s.take("d", garbage); status != http.StatusBadRequest {
				t.Errorf("%q: %d", garbage, status)
			}
		}
	})
}

// A webhook that never comes ends the wait, a minute after the last one, and is told.
func TestSinkDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, began := waitingSink(), time.Now()
		time.AfterFunc(50*time.Second, func() { s.take("a", message(time.Now())) })
		err := s.wait(t.Context(), &stage{}, 2)
		if err == nil || err.Error() != "2 changes were acknowledged, and 1 webhooks came" || time.Since(began) != 50*time.Second+patience {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.wait(ctx, &stage{}, 2); err != context.DeadlineExceeded {
			t.Error(err)
		}
		if err := s.wait(t.Context(), &stage{}, 1); err != nil {
			t.Error(err)
		}
	})
}
