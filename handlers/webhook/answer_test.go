package webhook

import (
	"net/http"
	"testing"
	"time"
)

// Proves Directory Sync §acknowledged.
func TestAnswers(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		status int
		after  string
		want   answer
	}{
		{200, "", answer{kind: accepted}},
		{204, "60", answer{kind: accepted}},
		{299, "", answer{kind: accepted}},
		{199, "", answer{kind: refused}},
		{301, "", answer{kind: refused}},
		{304, "", answer{kind: refused}},
		{400, "60", answer{kind: refused}},
		{410, "", answer{kind: gone}},
		{500, "60", answer{kind: refused}},
		{429, "", answer{kind: throttled}},
		{429, "7", answer{kind: throttled, retry: 7 * time.Second}},
		{429, " 7 ", answer{kind: throttled, retry: 7 * time.Second}},
		{429, "-7", answer{kind: throttled}},
		{429, "soon", answer{kind: throttled}},
		{429, "99999999999999999999", answer{kind: throttled}},
		{503, "", answer{kind: refused}},
		{503, "0", answer{kind: throttled}},
		{503, "120", answer{kind: throttled, retry: 2 * time.Minute}},
		{503, "Mon, 23 Nov 2026 10:00:30 GMT", answer{kind: throttled, retry: 30 * time.Second}},
		{503, "Mon, 23 Nov 2026 09:00:00 GMT", answer{kind: throttled}},
		{503, "never", answer{kind: refused}},
	} {
		header := http.Header{}
		if c.after != "" {
			header.Set("Retry-After", c.after)
		}
		if got := answered(c.status, header, now); got != c.want {
			t.Errorf("%d with Retry-After %q is %v, want %v", c.status, c.after, got, c.want)
		}
	}
}
