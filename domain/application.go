package domain

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// ApplicationSettings are what an application is called, and where its users may be sent after they have signed in.
type ApplicationSettings struct {
	Name               string   `json:"name"`
	DefaultRedirectURL string   `json:"default_redirect_url,omitempty"`
	AllowedRedirects   []string `json:"allowed_redirect_urls,omitempty"`
}

// ApplicationCreated begins an application.
type ApplicationCreated struct{ ApplicationSettings }

// ApplicationUpdated gives it other settings, all of them.
type ApplicationUpdated struct{ ApplicationSettings }

// ApplicationDeleted ends it.
type ApplicationDeleted struct{}

func (ApplicationCreated) EventName() string { return "application.created" }
func (ApplicationUpdated) EventName() string { return "application.updated" }
func (ApplicationDeleted) EventName() string { return "application.deleted" }

// Application is what our user builds.
type Application struct {
	ApplicationSettings // Name is "" until it is created
	Deleted             bool
}

// Exists tells whether there is such an application now.
func (a *Application) Exists() bool { return a.Name != "" && !a.Deleted }

// Apply folds an event into the state.
func (a *Application) Apply(e Event) {
	switch e := e.(type) {
	case ApplicationCreated:
		a.ApplicationSettings = e.ApplicationSettings
	case ApplicationUpdated:
		a.ApplicationSettings = e.ApplicationSettings
	case ApplicationDeleted:
		a.Deleted = true
	}
}

// Limits of an application's redirect URLs.
const (
	MaxRedirectURLs = 100
	maxURL          = 2048
)

// CreateApplication decides on a new application.
func CreateApplication(s ApplicationSettings) (Event, error) {
	s, err := s.checked()
	if err != nil {
		return nil, err
	}
	return ApplicationCreated{s}, nil
}

// Update decides on other settings: nil if it has them already. Redirections to what is not allowed any more stay, and lead nowhere.
func (a *Application) Update(s ApplicationSettings) (Event, error) {
	if !a.Exists() {
		return nil, Refuse(NotFound, "there is no such application")
	}
	s, err := s.checked()
	if err != nil || reflect.DeepEqual(s, a.ApplicationSettings) {
		return nil, err
	}
	return ApplicationUpdated{s}, nil
}

// Allows tells whether the application's users may be sent to a URL: to the very one, since whatever is looser than that can be led astray (RFC 9700 §2.1).
func (a *Application) Allows(uri string) bool {
	return uri != "" && (uri == a.DefaultRedirectURL || slices.Contains(a.AllowedRedirects, uri))
}

// Target is where users are sent: to the URL asked for if it is allowed; without one to the default, else to the first that is allowed.
func (a *Application) Target(uri string) (string, error) {
	switch {
	case a.Allows(uri):
		return uri, nil
	case uri != "":
		return "", RefuseField("uri", "is none of the application's redirect URLs; add it to its allowed_redirect_urls first")
	case a.DefaultRedirectURL != "":
		return a.DefaultRedirectURL, nil
	case len(a.AllowedRedirects) > 0:
		return a.AllowedRedirects[0], nil
	}
	return "", RefuseField("application_id", "is of an application without redirect URLs; give it a default_redirect_url first")
}

func (s ApplicationSettings) checked() (ApplicationSettings, error) {
	if err := checkName(s.Name); err != nil {
		return s, err
	}
	s.Name = strings.TrimSpace(s.Name)
	if s.DefaultRedirectURL != "" && !isRedirectURL(s.DefaultRedirectURL) {
		return s, RefuseField("default_redirect_url", "is not an absolute http or https URL without credentials and fragment")
	}
	var allowed []string // each once, in the order given
	for _, u := range s.AllowedRedirects {
		if !isRedirectURL(u) {
			return s, RefuseField("allowed_redirect_urls", "has one that is not an absolute http or https URL without credentials and fragment")
		}
		if !slices.Contains(allowed, u) {
			allowed = append(allowed, u)
		}
		if len(allowed) > MaxRedirectURLs {
			return s, RefuseField("allowed_redirect_urls", "are more than %d", MaxRedirectURLs)
		}
	}
	s.AllowedRedirects = allowed
	return s, nil
}

// isRedirectURL tells whether a browser may be sent there (RFC 6749 §3.1.2).
func isRedirectURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= maxURL && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil &&
		!strings.Contains(text, "#") && !strings.ContainsFunc(text, unsafeInURL)
}

// unsafeInURL are characters that a URL writes otherwise (RFC 3986 §2), and that browsers or logs may take for something else.
func unsafeInURL(r rune) bool {
	return notVisible(r) || r == ' ' || strings.ContainsRune(`"<>\^`+"`{|}", r)
}
