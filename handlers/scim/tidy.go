package scim

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Tidy stands before the mux, which answers a path with a doubled slash by a redirect that providers do not follow, and knows no
// path with a slash at its end. Both come from a base URL that was entered with a slash, and mean the path without it.
func Tidy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.URL.EscapedPath()
		clean := path.Clean(given)
		if unescaped, err := url.PathUnescape(clean); err == nil && clean != given && strings.HasPrefix(clean, "/scim/") {
			tidied, to := *r, *r.URL
			to.Path, to.RawPath = unescaped, clean
			tidied.URL = &to
			r = &tidied
		}
		next.ServeHTTP(w, r)
	})
}
