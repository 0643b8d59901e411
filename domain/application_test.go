package domain

import (
	"fmt"
	"strings"
	"testing"
)

func TestApplication(t *testing.T) {
	create := func(s ApplicationSettings) func(*Application) ([]Event, error) {
		return func(*Application) ([]Event, error) { return one(CreateApplication(s)) }
	}
	update := func(s ApplicationSettings) func(*Application) ([]Event, error) {
		return func(a *Application) ([]Event, error) { return one(a.Update(s)) }
	}
	const home, local = "https://app.example/home?x=1", "http://localhost:3000"
	app := ApplicationSettings{"App", home, []string{local}}
	made := []Event{ApplicationCreated{app}}
	allowed := func(urls ...string) ApplicationSettings {
		return ApplicationSettings{Name: "App", AllowedRedirects: urls}
	}
	var many []string
	for i := range MaxRedirectURLs + 1 {
		many = append(many, fmt.Sprint("https://app.example/", i))
	}
	decide(t, []decision[Application]{
		{"create", nil, create(ApplicationSettings{" App ", home, []string{local}}), made, ""},
		{"create without URLs", nil, create(ApplicationSettings{Name: "App"}), []Event{ApplicationCreated{ApplicationSettings{Name: "App"}}}, ""},
		{"each URL once", nil, create(allowed(local, home, local)), []Event{ApplicationCreated{allowed(local, home)}}, ""},
		{"create without a name", nil, create(ApplicationSettings{DefaultRedirectURL: home}), nil, "invalid invalidValue"},
		{"as many as there may be", nil, create(allowed(append(many[:MaxRedirectURLs:MaxRedirectURLs], many[0])...)), []Event{ApplicationCreated{allowed(many[:MaxRedirectURLs]...)}}, ""},
		{"too many", nil, create(allowed(many...)), nil, "invalid invalidValue"},
		{"a default that is no URL", nil, create(ApplicationSettings{"App", "app.example", nil}), nil, "invalid invalidValue"},
		{"update", made, update(ApplicationSettings{"B", "", []string{home}}), []Event{ApplicationUpdated{ApplicationSettings{"B", "", []string{home}}}}, ""},
		{"update to the same", made, update(ApplicationSettings{"App ", home, []string{local, local}}), nil, ""},
		{"update to what is none", made, update(allowed("javascript:alert(1)")), nil, "invalid invalidValue"},
		{"update what is deleted", append(made[:1:1], ApplicationDeleted{}), update(app), nil, "not_found"},
		{"update what never was", nil, update(app), nil, "not_found"},
	})
	for _, u := range []string{
		"", " https://a.example", "https://a.example ", "//a.example", "/home", "https:///home", "https://:443/", "https:a.example", "ftp://a.example", "javascript:alert(1)",
		"https://user@a.example", "https://a.example/#top", "https://a.example/#", "https://a.example/\n", "https://a.example/a b", `https://a.example\@evil.example`,
		"https://a.example/<x>", "https://ä.example", "https://a.example/" + strings.Repeat("x", maxURL),
	} {
		if _, err := CreateApplication(allowed(u)); refusal(err) != "invalid invalidValue" {
			t.Errorf("%q is allowed: %v", u, err)
		}
	}
}

// Users are sent to a URL that is allowed to the letter, or to the one that the application would rather have.
//
// Proves SSO §create.uri, §default-redirection.uri.
func TestApplicationTarget(t *testing.T) {
	both := ApplicationSettings{"App", "https://a.example/", []string{"https://b.example/", "https://c.example/"}}
	listed := ApplicationSettings{"App", "", both.AllowedRedirects}
	for _, c := range []struct {
		settings  ApplicationSettings
		uri, want string // "" if it is refused
	}{
		{both, "", "https://a.example/"},
		{both, "https://a.example/", "https://a.example/"},
		{both, "https://c.example/", "https://c.example/"},
		{both, "https://c.example", ""},
		{both, "https://c.example/?x", ""},
		{both, "https://b.example.evil/", ""},
		{listed, "", "https://b.example/"},
		{listed, "https://a.example/", ""},
		{ApplicationSettings{Name: "App"}, "", ""},
		{ApplicationSettings{Name: "App"}, "https://a.example/", ""},
	} {
		a := Application{ApplicationSettings: c.settings}
		got, err := a.Target(c.uri)
		if got != c.want || (c.want == "") != (refusal(err) == "invalid invalidValue") {
			t.Errorf("%q of %v leads to %q, %v", c.uri, c.settings, got, err)
		}
	}
}
