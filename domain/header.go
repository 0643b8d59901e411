package domain

import "strings"

// Limits of the headers that an endpoint wants with each message.
const (
	MaxHeaders     = 20
	maxHeaderName  = 64
	maxHeaderValue = 1024
)

// reserved are headers of HTTP itself and of Rollcall's; those that begin with webhook- are too.
var reserved = map[string]bool{
	"host": true, "content-length": true, "content-type": true, "content-encoding": true, "transfer-encoding": true, "connection": true,
	"keep-alive": true, "proxy-connection": true, "te": true, "trailer": true, "upgrade": true, "expect": true, "user-agent": true, "idempotency-key": true,
}

// CheckHeaders refuses headers that may not be sent with a message (RFC 9110 §5.1, §5.5).
func CheckHeaders(headers map[string]string) error {
	if len(headers) > MaxHeaders {
		return RefuseField("headers", "are more than %d", MaxHeaders)
	}
	seen := map[string]bool{}
	for name, value := range headers {
		lower := strings.ReplaceAll(strings.ToLower(name), "_", "-") // which some receivers take for one
		switch {
		case name == "" || len(name) > maxHeaderName || strings.ContainsFunc(name, notToken):
			return RefuseField("headers", "have a name that is none: letters, digits and hyphens, at most %d", maxHeaderName)
		case reserved[lower] || strings.HasPrefix(lower, "webhook-"):
			return RefuseField("headers", "name %s, which is not yours to set", name)
		case seen[lower]:
			return RefuseField("headers", "name %s twice", name)
		case len(value) > maxHeaderValue || strings.ContainsFunc(value, notVisible):
			return RefuseField("headers", "have a value of %s that cannot be sent: printable ASCII, at most %d characters", name, maxHeaderValue)
		}
		seen[lower] = true
	}
	return nil
}

// HeaderNamed is the value of the header of a name, in any case.
func HeaderNamed(headers map[string]string, name string) (value string, found bool) {
	for known, value := range headers {
		if strings.EqualFold(known, name) {
			return value, true
		}
	}
	return "", false
}

func notToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}

func notVisible(r rune) bool { return r < ' ' || r > '~' }
