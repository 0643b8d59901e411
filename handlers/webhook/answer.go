package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is what an attempt came to.
type answer struct {
	kind  kind
	retry time.Duration // for throttled: how long the endpoint asks for silence, 0 if it does not say
}

// kind is the small set of things that an attempt may come to; it labels metrics and log lines.
type kind string

const (
	accepted    kind = "accepted"    // 2xx
	refused     kind = "refused"     // another status
	throttled   kind = "throttled"   // 429, or 503 with Retry-After: it wants less, whatever the message
	gone        kind = "gone"        // 410: it wants nothing any more
	timedOut    kind = "timeout"     // connected, but no whole answer in time
	broken      kind = "broken"      // connected, but what came back is not an answer
	unreachable kind = "unreachable" // never connected: no message can be to blame
)

var kinds = []kind{accepted, refused, throttled, gone, timedOut, broken, unreachable}

// answered judges a status.
func answered(status int, header http.Header, now time.Time) answer {
	wait, asked := retryAfter(header, now)
	switch {
	case status >= 200 && status < 300:
		return answer{kind: accepted}
	case status == http.StatusGone:
		return answer{kind: gone}
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && asked:
		return answer{kind: throttled, retry: wait}
	}
	return answer{kind: refused}
}

// retryAfter reads the header (RFC 9110 section 10.2.3): seconds, or a date.
func retryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}
