package domain

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Roots are root attributes of a user's profile, by the flat names that OpenID Connect has for them (Core §5.1): name, nickname, given_name,
// family_name, picture and email. An empty one is taken away, and one that is not there stays as it is. A user keeps them in the places that SCIM
// has for them.
type Roots map[string]string

// rootPlaces are where a user keeps them, in the order in which they are set: a text at a path, or the primary value of a multi-valued attribute.
var rootPlaces = []struct {
	name  string
	path  []string
	check func(text string) error
}{
	{"name", []string{"name", "formatted"}, nil},
	{"given_name", []string{"name", "givenName"}, nil},
	{"family_name", []string{"name", "familyName"}, nil},
	{"nickname", []string{"nickName"}, nil},
	{"picture", []string{"photos"}, checkPicture},
	{"email", []string{"emails"}, func(text string) error { return CheckEmail("email", text) }},
}

// isRoot tells whether a name is one of theirs.
func isRoot(name string) bool {
	for _, p := range rootPlaces {
		if p.name == name {
			return true
		}
	}
	return false
}

// maxRoot is how many characters one may have.
const maxRoot = 1024

// checkRoot refuses what no user could keep as a root attribute. An empty text takes it away, and is none of that.
func checkRoot(name, text string) error {
	switch {
	case utf8.RuneCountInString(text) > maxRoot:
		return RefuseField(name, "is longer than %d characters", maxRoot)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return RefuseField(name, "holds a control character")
	}
	for _, p := range rootPlaces {
		if p.name == name && p.check != nil && text != "" {
			return p.check(text)
		}
	}
	return nil
}

func checkPicture(text string) error {
	if u, err := url.Parse(text); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return RefuseField("picture", "is not an absolute http or https URL")
	}
	return nil
}

// set puts them in their places, in attributes that the caller owns.
func (r Roots) set(a Attributes) {
	for _, p := range rootPlaces {
		text, given := r[p.name]
		switch {
		case !given:
		case find(userAttributes, p.path[0]).MultiValued:
			list, _ := a[p.path[0]].([]any)
			assign(a, p.path, withPrimary(list, text))
		case text == "":
			assign(a, p.path, nil)
		default:
			assign(a, p.path, text)
		}
	}
}

// primary is the place of the primary value of a multi-valued attribute: the one that is marked so, else the first; -1 if there is none.
func primary(list []any) int {
	marked := slices.IndexFunc(list, func(e any) bool { m, _ := e.(map[string]any); return m["primary"] == true })
	return max(marked, min(len(list), 1)-1)
}

// withPrimary makes a text the primary value, in place: one that stands already, else the primary one becomes it. An empty text leaves no value at all, for
// the next one would take its place.
func withPrimary(list []any, text string) []any {
	if text == "" {
		return nil
	}
	at := primary(list)
	if same := slices.IndexFunc(list, func(e any) bool { m, _ := e.(map[string]any); return m["value"] == text }); same >= 0 {
		at = same
	}
	if at < 0 {
		list, at = append(list, map[string]any{}), len(list)
	}
	m, isObject := list[at].(map[string]any)
	if !isObject {
		m = map[string]any{}
		list[at] = m
	}
	m["value"], m["primary"] = text, true
	keepPrimary(list, at)
	return list
}

// PrimaryEmail is a user's e-mail address: the primary one, else the first, "" if there is none.
func (a Attributes) PrimaryEmail() string {
	list, _ := a["emails"].([]any)
	at := primary(list)
	if at < 0 {
		return ""
	}
	m, _ := list[at].(map[string]any)
	return Attributes(m).Text("value")
}

// SignIn decides what a sign-in changes of a user's root attributes: nil if nothing. The identity provider said some of them, and where each is
// true (update_user_new_connection of the connection) they are the provider's; else they were only while the user was made, and the application may edit them
// since. What the provider did not say stays, and so does what no user could keep: nobody is kept out for an odd nickname. The e-mail address
// stays too, for by it the user was found.
func (u *User) SignIn(said Roots, each bool) (Event, error) {
	if !u.Exists() {
		return nil, Refuse(NotFound, "there is no such user")
	}
	if !each {
		return nil, nil
	}
	kept := Roots{}
	for name, text := range said {
		if isRoot(name) && name != "email" && text != "" && checkRoot(name, text) == nil {
			kept[name] = text
		}
	}
	next := u.Attributes.Clone()
	kept.set(next)
	return u.Become(next)
}
