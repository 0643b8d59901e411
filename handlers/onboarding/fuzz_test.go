package onboarding_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// FuzzLink follows what strangers may make of a link and of a session: neither leads anywhere, each answer is that of every other, and nothing changes.
func FuzzLink(f *testing.F) {
	w := newWorld(f, 1<<30)
	name := func(email string) {
		_, err := w.commands.UpdateOnboarding(f.Context(), system, w.c.ID, email, "")
		w.must(err)
	}
	superseded, used := w.directoryLink(), w.directoryLink()
	session := (&browser{world: w}).must(303, "POST", used).Cookies()[0].Value // it lives on
	name("ada@acme.test")
	a, err := w.commands.AddAdministrator(f.Context(), system, w.o, "ada@acme.test")
	w.must(err)
	removed := w.connectionLink()
	w.must(w.commands.RemoveAdministrator(f.Context(), system, w.o, a.ID))
	name("ada@acme.test")
	live := w.connectionLink()
	for _, link := range []string{superseded, used, removed} {
		f.Add(strings.TrimPrefix(link, "/onboarding/"), session[1:])
	}
	id, hash, _ := strings.Cut(strings.TrimPrefix(live, "/onboarding/"), ".")
	for _, link := range []string{id, id + ".", id + "." + hash[1:], id + "." + hash + "=", id + ".." + hash, strings.ToUpper(id) + "." + hash, " " + id + "." + hash, id + "." + hash + "\x00"} {
		f.Add(link, session[:len(session)-2])
	}

	const cookie = "rollcall_onboarding="
	request := regexp.MustCompile(`Request [0-9a-f]+`)
	ask := func(method, path, session string) answer {
		r := httptest.NewRequest(method, "/", nil)
		r.URL.Path = path
		if session != "" {
			r.Header.Set("Cookie", cookie+session)
		}
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, r)
		w.lines.Reset()
		shown := recorder.Result()
		shown.Header.Del("X-Request-Id")
		return answer{shown, request.ReplaceAllString(recorder.Body.String(), "")}
	}
	dead, outside := ask("GET", "/onboarding/x", ""), ask("GET", setup, "")
	if dead.StatusCode != http.StatusNotFound || outside.StatusCode != http.StatusUnauthorized || ask("GET", live, "").StatusCode != http.StatusOK || ask("GET", setup, session).StatusCode != http.StatusOK {
		f.Fatalf("%d %s\n%d %s", dead.StatusCode, dead.body, outside.StatusCode, outside.body)
	}
	opened := func(session string) string {
		body, _ := w.keys.Open("onboarding session", session) // nothing if it was not made here
		return string(body)
	}
	before, lives := w.head(), opened(session)
	f.Fuzz(func(t *testing.T, link, session string) {
		w.TB = t
		if link = strings.ReplaceAll(link, "/", ""); link == "" || link == "." || link == ".." || "/onboarding/"+link == live {
			t.Skip("the mux sends such paths elsewhere, or it is the link")
		}
		sent, _ := http.ParseCookie(cookie + session)
		if slices.ContainsFunc(sent, func(c *http.Cookie) bool { return opened(c.Value) == lives }) {
			t.Skip("it is the session, written otherwise")
		}
		for _, c := range []struct {
			method, path string
			want         answer
		}{
			{"GET", "/onboarding/" + link, dead}, {"POST", "/onboarding/" + link, dead},
			{"GET", setup, outside}, {"POST", setup + "token", outside}, {"POST", setup + "connection", outside},
		} {
			got := ask(c.method, c.path, session)
			if got.StatusCode != c.want.StatusCode || got.body != c.want.body || !maps.EqualFunc(got.Header, c.want.Header, func(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") }) {
				t.Errorf("%s %q with the session %q = %d %v %s", c.method, c.path, session, got.StatusCode, got.Header, got.body)
			}
		}
		if w.head() != before {
			t.Errorf("%q with the session %q changes something", link, session)
		}
	})
}
