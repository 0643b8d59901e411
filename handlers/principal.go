package handlers

import (
	"net/http"
	"strings"
)

// BearerToken is the token of the Authorization header (RFC 6750 §2.1), "" if there is none.
func BearerToken(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
