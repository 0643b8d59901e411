package domain

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Profile is what an application says of a user: SCIM attributes, each as a whole, and root attributes, which count after them. What it does not
// say stays. The zero Profile says nothing.
type Profile struct {
	attributes Attributes // by canonical names; nil takes one away
	roots      Roots
}

// ReadProfile reads a profile as an application sends it. Names are as a user is shown, and spelled so; a null says nothing. name is a text, the
// root attribute, or SCIM's object. All that is unknown or has another shape than its schema says is told at once, by field.
func ReadProfile(object map[string]any) (Profile, error) {
	p := Profile{Attributes{}, Roots{}}
	wrong := map[string]string{}
	for name, value := range object {
		if value == nil && (isRoot(name) || profileAttribute(name)) {
			continue
		}
		err := p.read(name, value)
		var refused *Error
		if errors.As(err, &refused) {
			wrong[name] = refused.about(name)
		} else if err != nil {
			return Profile{}, err
		}
	}
	if len(wrong) == 0 {
		return p, nil
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(wrong)) {
		all = append(all, name+" "+wrong[name])
	}
	e := RefuseFor(Invalid, InvalidValue, "%s", strings.Join(all, "; "))
	e.Fields = wrong
	return Profile{}, e
}

// about says what is wrong with a field: what the error says of it, or else of what it holds.
func (e *Error) about(field string) string {
	if said, ofField := e.Fields[field]; ofField {
		return said
	}
	if said, ofField := strings.CutPrefix(e.Message, "attribute "+field+" "); ofField {
		return said
	}
	return "cannot be kept: " + e.Message
}

func (p Profile) read(name string, value any) error {
	if list, _ := value.([]any); len(list) > maxValues {
		return RefuseField(name, "has more than 1000 values")
	}
	if text, isText := value.(string); isRoot(name) && (isText || name != "name") {
		if !isText {
			return RefuseField(name, "is not a text")
		}
		p.roots[name] = text
		return checkRoot(name, text)
	}
	if !profileAttribute(name) {
		return RefuseField(name, "is unknown here; there are: %s", strings.Join(ProfileNames(), " "))
	}
	_, kept, err := Dialect{Strict: true}.canonical(UserType, name, value)
	if err != nil {
		return err
	}
	if list, isList := value.([]any); isList && slices.ContainsFunc(list, isEmpty) {
		return RefuseField(name, "has a value that is empty")
	}
	if isEmpty(kept) || kept == "" {
		kept = nil
	}
	p.attributes[name] = kept
	return checkProfile(name, kept)
}

// checkProfile holds the attributes by which a user is known to more than their schema does.
func checkProfile(name string, kept any) error {
	switch name {
	case "userName":
		if kept == nil {
			return RefuseField(name, "is empty")
		}
		if utf8.RuneCountInString(kept.(string)) > maxUserName {
			return RefuseField(name, "is longer than %d characters", maxUserName)
		}
		if _, err := NameKey(kept.(string)); err != nil {
			return RefuseField(name, "is blank, or holds a character that cannot be seen")
		}
	case "emails":
		list, _ := kept.([]any)
		for _, e := range list {
			if CheckEmail(name, Attributes(e.(map[string]any)).Text("value")) != nil {
				return RefuseField(name, "has a value that is not an e-mail address, as ada@example.com")
			}
		}
	}
	return nil
}

// profileAttribute tells whether a name is that of an attribute, or of an extension, that an application may say.
func profileAttribute(name string) bool {
	if name == EnterpriseUserURN {
		return true
	}
	a := find(userAttributes, name)
	return name == "externalId" || a != nil && a.Name == name && !a.ReadOnly && !a.Never
}

// ProfileNames are all names that a profile may have, sorted.
func ProfileNames() []string {
	names := []string{"externalId", EnterpriseUserURN}
	for _, a := range userAttributes {
		if profileAttribute(a.Name) && !isRoot(a.Name) {
			names = append(names, a.Name)
		}
	}
	for _, p := range rootPlaces {
		names = append(names, p.name)
	}
	slices.Sort(names)
	return names
}

// UserName is the userName that the profile says, "" if it says none.
func (p Profile) UserName() string { return p.attributes.Text("userName") }

// Email is the e-mail address that the profile says, "" if it says none.
func (p Profile) Email() string { return p.On(nil).PrimaryEmail() }

// On are the attributes of a user after the profile; those before are left as they are.
func (p Profile) On(a Attributes) Attributes {
	next := Attributes{}
	if a != nil {
		next = a.Clone()
	}
	for name, value := range p.attributes {
		assign(next, []string{name}, clone(value))
	}
	p.roots.set(next)
	return next
}

// New are the attributes of a user that the profile makes. Its userName is its e-mail address unless the profile says another.
func (p Profile) New() (Attributes, error) {
	a := p.On(nil)
	if a.Text("userName") == "" {
		email := a.PrimaryEmail()
		if email == "" {
			return nil, RefuseField("userName", "is required, or an email in its place")
		}
		a["userName"] = email
	}
	return a, nil
}
