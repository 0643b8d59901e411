package domain

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// OrganizationCreated begins an organization. Domain is its slug and never changes.
type OrganizationCreated struct {
	Name   string `json:"name"`
	Domain string `json:"domain"`
}

// OrganizationUpdated gives it another name.
type OrganizationUpdated struct {
	Name string `json:"name"`
}

// OrganizationDeleted ends it, and with it all that it has.
type OrganizationDeleted struct{}

func (OrganizationCreated) EventName() string { return "organization.created" }
func (OrganizationUpdated) EventName() string { return "organization.updated" }
func (OrganizationDeleted) EventName() string { return "organization.deleted" }

// Organization is a customer of our user's application.
type Organization struct {
	Name, Domain   string
	Administrators []Administrator // in the order in which they came
	Deleted        bool
}

// Exists tells whether there is such an organization now.
func (o *Organization) Exists() bool { return o.Domain != "" && !o.Deleted }

// Apply folds an event into the state.
func (o *Organization) Apply(e Event) {
	switch e := e.(type) {
	case OrganizationCreated:
		o.Name, o.Domain = e.Name, e.Domain
	case OrganizationUpdated:
		o.Name = e.Name
	case OrganizationAdministratorAdded:
		o.Administrators = slices.Concat(o.Administrators, []Administrator{e.Administrator})
	case OrganizationAdministratorRemoved:
		o.Administrators = slices.DeleteFunc(slices.Clone(o.Administrators), func(a Administrator) bool { return a.ID == e.ID })
	case OrganizationDeleted:
		o.Deleted = true
	}
}

// CreateOrganization decides on a new organization; its domain comes from the name.
func CreateOrganization(name string) (OrganizationCreated, error) {
	if err := checkName(name); err != nil {
		return OrganizationCreated{}, err
	}
	domain := slug(name)
	if domain == "" {
		return OrganizationCreated{}, RefuseField("name", "needs a letter from a to z or a digit, for the domain that comes from it")
	}
	return OrganizationCreated{strings.TrimSpace(name), domain}, nil
}

// Rename decides on another name: nil if it has that name already.
func (o *Organization) Rename(name string) (Event, error) {
	if !o.Exists() {
		return nil, Refuse(NotFound, "there is no such organization")
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	if name = strings.TrimSpace(name); name == o.Name {
		return nil, nil
	}
	return OrganizationUpdated{name}, nil
}

// Snapshot is the organization as messages show it, nil if it does not exist.
func (o *Organization) Snapshot(id string) Attributes {
	if !o.Exists() {
		return nil
	}
	return Attributes{"id": id, "domain": o.Domain, "name": o.Name}
}

func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return RefuseField("name", "is required")
	case utf8.RuneCountInString(name) > 200:
		return RefuseField("name", "is longer than 200 characters")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return RefuseField("name", "holds a control character")
	}
	return nil
}

// spelled writes out the letters that have no decomposition.
var spelled = strings.NewReplacer("ß", "ss", "æ", "ae", "Æ", "ae", "œ", "oe", "Œ", "oe", "ø", "o", "Ø", "o", "ł", "l", "Ł", "l", "đ", "d", "Đ", "d")

// slug is a name in lower-case letters without accents, digits and hyphens, at most 63 bytes: what a host name may hold.
func slug(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(norm.NFKD.String(spelled.Replace(name))) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		case !unicode.Is(unicode.Mn, r):
			gap = true
		}
		if b.Len() >= 63 {
			break
		}
	}
	return strings.Trim(b.String()[:min(b.Len(), 63)], "-")
}
