package onboarding_test

import (
	"encoding/base64"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/onboarding"
	"github.com/rollcall-sync/rollcall/projections"
)

const setup = "/onboarding/setup/"

var tokenField = regexp.MustCompile(`<input id="token" readonly value="([^"]+)"`)

// TestDirectory goes through the set-up of a directory as its administrator does.
func TestDirectory(t *testing.T) {
	w := newWorld(t, 1000)
	link := w.directoryLink()
	b := &browser{world: w}
	before := w.head()
	for range 3 { // mail scanners follow links
		shown := (&browser{world: w}).must(200, "GET", link)
		if !strings.Contains(shown.body, `Set up directory sync`) || !strings.Contains(shown.body, `Acme &lt;b&gt;&amp; Söhne&lt;/b&gt;`) || len(shown.Cookies()) > 0 {
			t.Errorf("%v %s", shown.Header, shown.body)
		}
	}
	if (&browser{world: w}).must(200, "HEAD", link); w.head() != before {
		t.Fatal("looking changes something")
	}
	used := b.must(303, "POST", link)
	if used.Header.Get("Location") != "setup/" {
		t.Errorf("it leads to %s", used.Header.Get("Location"))
	}
	c := used.Cookies()[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/rollcall/onboarding/setup/" || c.MaxAge != 3600 || strings.Contains(c.Value, "018f") {
		t.Errorf("the cookie is %+v", c)
	}
	event, actor, source := w.last("directory-" + w.d.ID)
	if event != "directory.invitation_accepted" || !strings.HasPrefix(actor, "invitation:") || source != domain.SourceOnboarding {
		t.Errorf("the last event is %s of %s through %s", event, actor, source)
	}
	shown := b.must(200, "GET", setup)
	for _, want := range []string{`value="https://example.org/rollcall/scim/v2/` + w.d.ID + `"`, "SCIM 2.0 Base Url", "At Okta", `<form method="post" action="token?for=` + b.invitation + `">`} {
		if !strings.Contains(shown.body, want) {
			t.Errorf("the page lacks %s: %s", want, shown.body)
		}
	}
	if tokenField.MatchString(shown.body) {
		t.Error("a token is shown that nobody asked for")
	}
	made := b.must(200, "POST", setup+"token")
	match := tokenField.FindStringSubmatch(made.body)
	if match == nil {
		t.Fatalf("no token: %s", made.body)
	}
	d, err := w.read.Directory(t.Context(), w.d.ID)
	w.must(err)
	id, secret, _ := keys.SplitToken(html.UnescapeString(match[1]))
	if d.Token.ID != id || !keys.Matches(d.Token.Hash, secret) {
		t.Errorf("the token %s is not the directory's", match[1])
	}
	if d.Previous.ID != w.d.Token.ID || !d.PreviousUntil.Equal(w.Now().Add(24*time.Hour)) {
		t.Errorf("the token before: %+v until %s", d.Previous, d.PreviousUntil)
	}
	if again := b.must(200, "GET", setup); strings.Contains(again.body, secret) {
		t.Error("the token is shown twice")
	}
	if _, actor, source := w.last("directory-" + w.d.ID); !strings.HasPrefix(actor, "invitation:") || source != domain.SourceOnboarding {
		t.Errorf("the token was made by %s through %s", actor, source)
	}
	if logged := w.lines.String(); strings.Contains(logged, secret) || strings.Contains(logged, strings.TrimPrefix(link, "/onboarding/")) || strings.Contains(logged, c.Value) || strings.Contains(logged, "acme.test") {
		t.Errorf("a secret or an address is logged: %s", logged)
	}
}

func metadata(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../saml/testdata/okta.xml")
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	return strings.Replace(string(text), "{{RSA}}", base64.StdEncoding.EncodeToString(web.Certificate().Raw), 1)
}

// TestConnection goes through the set-up of a connection as its administrator does.
func TestConnection(t *testing.T) {
	w := newWorld(t, 1000)
	b := &browser{world: w}
	b.must(303, "POST", w.connectionLink())
	stands := func() projections.Connection {
		t.Helper()
		c, err := w.read.Connection(t.Context(), w.c.ID)
		w.must(err)
		return c
	}
	if shown := b.must(200, "GET", setup); !strings.Contains(shown.body, "Please choose") || !strings.Contains(shown.body, `<option value="azure_ad">`) {
		t.Errorf("%s", shown.body)
	}
	before := w.head()
	for name, fields := range map[string][]string{
		"no provider":             {"metadata", metadata(t)},
		"another's provider":      {"provider_type", "jumpcloud"},
		"metadata that are none":  {"provider_type", "okta", "metadata", "<script>alert(1)</script>"},
		"a file that is no XML":   {"provider_type", "okta", "@file", "MZ\x00\xff"},
		"metadata with an entity": {"provider_type", "okta", "metadata", `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>`},
	} {
		a := b.send(setup+"connection", fields...)
		if a.StatusCode != 422 || !strings.Contains(a.body, `role="alert"`) || strings.Contains(a.body, "<script>") || strings.Contains(a.body, "root:") || w.head() != before {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	if a := b.send(setup+"connection", "provider_type", "okta", "metadata", "<oops/>"); !strings.Contains(a.body, `<option value="okta" selected>`) || !strings.Contains(a.body, "&lt;oops/&gt;") {
		t.Errorf("what was entered is lost: %s", a.body)
	}
	if a := b.send(setup+"connection", "provider_type", "okta"); a.StatusCode != 303 || a.Header.Get("Location") != "./" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if c := stands(); c.Provider != domain.Okta || c.State() != domain.ConnectionConfiguring {
		t.Errorf("%+v", c)
	}
	if a := b.send(setup+"connection", "provider_type", "okta", "metadata", "<oops/>", "@file", metadata(t)); a.StatusCode != 303 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if c := stands(); c.State() != domain.ConnectionReady || c.OnboardingState() != domain.OnboardingXMLProvided {
		t.Errorf("%+v", c)
	}
	if event, actor, source := w.last("connection-" + w.c.ID); event != "connection.updated" || !strings.HasPrefix(actor, "invitation:") || source != domain.SourceOnboarding {
		t.Errorf("the last event is %s of %s through %s", event, actor, source)
	}
	if shown := b.must(200, "GET", setup); !strings.Contains(shown.body, html.EscapeString(stands().Metadata[0].EntityID)) || !strings.Contains(shown.body, "certificate valid until") || strings.Contains(shown.body, "Please choose") {
		t.Errorf("%s", shown.body)
	}
	b.must(404, "POST", setup+"token") // that is a directory's
}

// TestFormsAreBounded: garbage and large forms are refused in words.
func TestFormsAreBounded(t *testing.T) {
	w := newWorld(t, 1000)
	b := &browser{world: w}
	b.must(303, "POST", w.connectionLink())
	before := w.head()
	large, kind := form(t, "provider_type", "okta", "metadata", strings.Repeat("x", 1<<20))
	for name, c := range map[string]struct {
		body, kind string
		status     int
	}{
		"nothing":            {"", "", 415},
		"JSON":               {"{}", "application/json", 415},
		"no boundary":        {"x", "multipart/form-data", 400},
		"cut short":          {large[:500], kind, 400},
		"too large":          {large, kind, 413},
		"without files":      {"provider_type=okta", "application/x-www-form-urlencoded", 415},
		"no type of a media": {"x", ";;;", 415},
	} {
		a := b.do("POST", setup+"connection", c.body, "Content-Type", c.kind)
		if a.StatusCode != c.status || !strings.Contains(a.body, "This does not work") || a.Header.Get("Content-Type") != "text/html; charset=utf-8" || w.head() != before {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
}

// TestDeadLinks: whatever is wrong with a link, its answer is the same.
func TestDeadLinks(t *testing.T) {
	w := newWorld(t, 1000)
	hidden := regexp.MustCompile(`Request [0-9a-f]+`)
	dead := func(name, link string) string {
		t.Helper()
		before := w.head()
		var body string
		for _, method := range []string{"GET", "POST"} {
			a := (&browser{world: w}).must(404, method, link)
			if body = hidden.ReplaceAllString(a.body, ""); !strings.Contains(body, "Ask whoever invited you for a new one") || len(a.Cookies()) > 0 {
				t.Errorf("%s: %s", name, a.body)
			}
		}
		if w.head() != before {
			t.Errorf("%s: it changed something", name)
		}
		return body
	}
	superseded := w.directoryLink()
	used := w.directoryLink()
	want := dead("superseded", superseded)
	(&browser{world: w}).must(303, "POST", used)
	reset := w.connectionLink()
	_, err := w.commands.ResetOnboarding(t.Context(), system, w.c.ID)
	w.must(err)
	replaced := w.connectionLink()
	_, err = w.commands.UpdateOnboarding(t.Context(), system, w.c.ID, "new@acme.test", "")
	w.must(err)
	other, err := keys.New([]byte(strings.Repeat("k", keys.Size)))
	w.must(err)
	a, err := w.commands.AddAdministrator(t.Context(), system, w.o, "new@acme.test")
	w.must(err)
	removed := w.connectionLink()
	w.must(w.commands.RemoveAdministrator(t.Context(), system, w.o, a.ID))
	_, err = w.commands.AddAdministrator(t.Context(), system, w.o, "new@acme.test")
	w.must(err)
	_, err = w.commands.UpdateOnboarding(t.Context(), system, w.c.ID, "new@acme.test", "")
	w.must(err)
	live := w.connectionLink()
	id, _, _ := strings.Cut(strings.TrimPrefix(live, "/onboarding/"), ".")
	for name, link := range map[string]string{
		"used": used, "reset": reset, "of one who is not in charge": replaced, "of one who was removed and added again": removed,
		"unknown": "/onboarding/" + w.keys.Link("018f0000-0000-7000-8000-000000000000"),
		"forged":  "/onboarding/" + other.Link(id), "garbage": "/onboarding/x", "long": "/onboarding/" + strings.Repeat("a.", 1000), "of a mail's id": "/onboarding/" + id, "no UTF-8": "/onboarding/%ff.%00",
	} {
		if got := dead(name, link); got != want {
			t.Errorf("%s is answered otherwise: %s", name, got)
		}
	}
	(&browser{world: w}).must(200, "GET", live)
	w.pass(7 * 24 * time.Hour)
	if got := dead("expired", live); got != want {
		t.Errorf("expired is answered otherwise: %s", got)
	}
	gone := w.connectionLink()
	w.must(w.commands.DeleteOrganization(t.Context(), system, w.o.ID))
	if got := dead("of a deleted organization", gone); got != want {
		t.Errorf("that of a deleted organization is answered otherwise: %s", got)
	}
}

// TestSessionsEnd after an hour, with their invitation, and with what they set up; a cookie is nobody else's.
func TestSessionsEnd(t *testing.T) {
	w := newWorld(t, 1000)
	directory, connection := &browser{world: w}, &browser{world: w}
	begin := func() {
		t.Helper()
		directory.cookies, connection.cookies = nil, nil
		directory.must(303, "POST", w.directoryLink())
		connection.must(303, "POST", w.connectionLink())
		directory.must(200, "GET", setup)
		connection.must(200, "GET", setup)
	}
	ended := func(name string, b *browser) {
		t.Helper()
		before := w.head()
		for _, path := range []string{"token", "connection"} {
			b.must(401, "POST", setup+path)
		}
		if a := b.must(401, "GET", setup); !strings.Contains(a.body, "open for an hour") || w.head() != before {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	ended("no session", &browser{world: w})
	for _, value := range []string{"", "x", "v1.AAAA", w.keys.Seal("access token", []byte(`{"invitation":"x","until":"2030-01-01T00:00:00Z"}`)), w.keys.Seal("onboarding session", []byte(`null`))} {
		ended("a cookie of "+value, &browser{world: w, cookies: []*http.Cookie{{Name: "rollcall_onboarding", Value: value}}})
	}
	begin()
	w.pass(time.Hour - time.Millisecond)
	directory.must(200, "GET", setup)
	w.pass(time.Millisecond)
	ended("after an hour", directory)
	begin()
	w.directoryLink()
	ended("superseded", directory)
	connection.must(200, "GET", setup)
	_, err := w.commands.ResetOnboarding(t.Context(), system, w.c.ID)
	w.must(err)
	ended("reset", connection)
	begin()
	a, err := w.commands.AddAdministrator(t.Context(), system, w.o, "IT@acme.test")
	w.must(err)
	w.must(w.commands.RemoveAdministrator(t.Context(), system, w.o, a.ID))
	ended("of one who was removed, for a directory", directory)
	ended("of one who was removed, for a connection", connection)
	_, err = w.commands.UpdateOnboarding(t.Context(), system, w.c.ID, "it@acme.test", "")
	w.must(err)
	begin()
	w.must(w.commands.DeleteDirectory(t.Context(), system, w.d))
	w.must(w.commands.DeleteConnection(t.Context(), system, w.c.ID))
	ended("with its directory", directory)
	ended("with its connection", connection)
}

// TestOneBrowserGetsIn of all who press the button at once.
func TestOneBrowserGetsIn(t *testing.T) {
	w := newWorld(t, 1000)
	link := w.directoryLink()
	var all sync.WaitGroup
	status := make([]int, 10)
	for i := range status {
		all.Go(func() { status[i] = (&browser{world: w}).do("POST", link, "").StatusCode })
	}
	all.Wait()
	in := 0
	for _, s := range status {
		if s == 303 {
			in++
		} else if s != 404 {
			t.Errorf("status %d", s)
		}
	}
	if in != 1 {
		t.Errorf("%d got in", in)
	}
}

// TestOtherSites: a form that another site sent does nothing, and no page can be framed, or run or load anything.
func TestOtherSites(t *testing.T) {
	w := newWorld(t, 1000)
	link := w.directoryLink()
	b := &browser{world: w}
	before := w.head()
	for _, site := range []string{"cross-site", "same-site"} {
		if a := b.do("POST", link, "", "Sec-Fetch-Site", site); a.StatusCode != 403 || w.head() != before {
			t.Errorf("%s: %d", site, a.StatusCode)
		}
	}
	if a := b.do("POST", link, "", "Sec-Fetch-Site", "same-origin"); a.StatusCode != 303 {
		t.Errorf("same-origin: %d", a.StatusCode)
	}
	if a := b.do("POST", setup+"token", "", "Sec-Fetch-Site", "cross-site"); a.StatusCode != 403 {
		t.Errorf("a token for another site: %d", a.StatusCode)
	}
	for _, a := range []answer{b.must(200, "GET", setup), b.must(404, "GET", link), b.must(405, "PUT", link), b.must(404, "GET", "/onboarding/setup/x/y")} {
		policy := a.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || !strings.HasSuffix(policy, "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'") ||
			a.Header.Get("Referrer-Policy") != "no-referrer" || a.Header.Get("Cache-Control") != "no-store" || strings.Contains(a.body, "<script") || strings.Contains(a.body, "style=") {
			t.Errorf("%v %s", a.Header, a.body)
		}
	}
}

// TestThrottle: who tries links is slowed down, and who has a good one is not.
func TestThrottle(t *testing.T) {
	w := newWorld(t, 3)
	link := w.directoryLink()
	b := &browser{world: w}
	for range 3 {
		b.must(404, "GET", "/onboarding/a.b")
	}
	if a := b.must(429, "POST", "/onboarding/a.b"); a.Header.Get("Retry-After") == "" {
		t.Errorf("%v", a.Header)
	}
	b.must(429, "GET", setup)
	b.must(200, "GET", link)
	b.must(303, "POST", link)
	b.must(200, "GET", setup)
	w.pass(2 * time.Second)
	b.must(404, "GET", "/onboarding/a.b")
}

// TestGuides: there is one for each provider that a directory may have, and a connection may have each that is offered.
func TestGuides(t *testing.T) {
	w := newWorld(t, 1000)
	for _, p := range []domain.Provider{domain.Okta, domain.AzureAD, domain.Google, domain.OneLogin, domain.JumpCloud, domain.PingOne, domain.PingFederate, domain.Rippling, domain.CustomSCIM} {
		d, _, err := w.commands.UpdateDirectory(t.Context(), system, w.d, p, nil)
		w.must(err)
		w.d = d
		b := &browser{world: w}
		b.must(303, "POST", w.directoryLink())
		if n := strings.Count(b.must(200, "GET", setup).body, "<li>"); n < 4 {
			t.Errorf("%s has %d steps", p, n)
		}
	}
	b := &browser{world: w}
	b.must(303, "POST", w.connectionLink())
	options := regexp.MustCompile(`<option value="([a-z0-9_]+)"`).FindAllStringSubmatch(b.must(200, "GET", setup).body, -1)
	if len(options) != 9 {
		t.Errorf("%d providers are offered", len(options))
	}
	for _, o := range options {
		if a := b.send(setup+"connection", "provider_type", o[1]); a.StatusCode != 303 {
			t.Errorf("%s: %d", o[1], a.StatusCode)
		}
		if c, err := w.read.Connection(t.Context(), w.c.ID); err != nil || string(c.Provider) != o[1] {
			t.Errorf("%s becomes %s, %v", o[1], c.Provider, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, public := range []string{"", "example.org", "ftp://example.org", "https://example.org/"} {
		if _, err := onboarding.New(onboarding.Config{PublicURL: public}); err == nil || !strings.Contains(err.Error(), "PublicURL") || !strings.Contains(err.Error(), "Commands and Read") {
			t.Errorf("%q: %v", public, err)
		}
	}
}

// The page of one invitation changes nothing of another one's, whose link was used in the same browser since.
func TestPagesOfTwoInvitations(t *testing.T) {
	w := newWorld(t, 1000)
	globex, err := w.commands.CreateOrganization(t.Context(), system, "Globex")
	w.must(err)
	other, err := w.commands.CreateConnection(t.Context(), system, globex, command.NewConnection{Service: "misapret", Email: "it@acme.test"})
	w.must(err)
	b := &browser{world: w}
	b.must(303, "POST", w.connectionLink())
	acme := b.invitation
	if a := b.must(200, "GET", setup); !strings.Contains(a.body, `action="connection?for=`+acme+`"`) {
		t.Errorf("the form is for nobody: %s", a.body)
	}
	other, err = w.commands.InviteAdmin(t.Context(), system, other.ID)
	w.must(err)
	b.cookies = nil // the next one takes its place
	b.must(303, "POST", "/onboarding/"+w.keys.Link(other.Invited.Last.ID))
	for _, page := range []string{acme, ""} {
		b.invitation = page
		if a := b.send(setup+"connection", "provider_type", "okta", "metadata", metadata(t)); a.StatusCode != 409 {
			t.Errorf("the form of %q = %d", page, a.StatusCode)
		}
	}
	for _, id := range []string{w.c.ID, other.ID} {
		if c, err := w.read.Connection(t.Context(), id); err != nil || len(c.Metadata) > 0 {
			t.Errorf("%s has metadata, %v", id, err)
		}
	}
}

// Who loads the page of a token anew makes no other, which would end the one that the provider uses.
func TestTokenIsMadeOnceADay(t *testing.T) {
	w := newWorld(t, 1000)
	used := w.d.Token.ID
	b := &browser{world: w}
	b.must(303, "POST", w.directoryLink())
	if a := b.must(200, "POST", setup+"token"); strings.Contains(a.body, "<form") {
		t.Errorf("the page offers another token: %s", a.body)
	}
	if a := b.must(409, "POST", setup+"token"); !strings.Contains(a.body, "less than a day ago") {
		t.Errorf("it is not told why: %s", a.body)
	}
	if d, err := w.read.Directory(t.Context(), w.d.ID); err != nil || d.Previous.ID != used {
		t.Errorf("the token in use is not the one before: %+v, %v", d.Previous, err)
	}
	w.pass(24 * time.Hour)
	b.cookies = nil // the next one takes its place
	b.must(303, "POST", w.directoryLink())
	b.must(200, "POST", setup+"token")
}
