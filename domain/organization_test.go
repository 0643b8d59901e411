package domain

import (
	"strings"
	"testing"
)

func TestOrganization(t *testing.T) {
	acme := []Event{OrganizationCreated{Name: "Acme", Domain: "acme"}}
	rename := func(name string) func(*Organization) ([]Event, error) {
		return func(o *Organization) ([]Event, error) { return one(o.Rename(name)) }
	}
	create := func(name string) func(*Organization) ([]Event, error) {
		return func(*Organization) ([]Event, error) {
			e, err := CreateOrganization(name)
			return one(e, err)
		}
	}
	decide(t, []decision[Organization]{
		{"create", nil, create(" Acme  Corp. "), []Event{OrganizationCreated{"Acme  Corp.", "acme-corp"}}, ""},
		{"create without a name", nil, create(" "), nil, "invalid invalidValue"},
		{"create with a control character", nil, create("Ac\x00me"), nil, "invalid invalidValue"},
		{"create with what is not UTF-8", nil, create("Ac\xffme"), nil, "invalid invalidValue"},
		{"create with a name without a slug", nil, create("株式会社"), nil, "invalid invalidValue"},
		{"create with 200 characters", nil, create(strings.Repeat("é", 200)), []Event{OrganizationCreated{strings.Repeat("é", 200), strings.Repeat("e", 63)}}, ""},
		{"create with 201 characters", nil, create(strings.Repeat("é", 201)), nil, "invalid invalidValue"},
		{"rename", acme, rename("Acme 2"), []Event{OrganizationUpdated{"Acme 2"}}, ""},
		{"rename to the same", acme, rename(" Acme "), nil, ""},
		{"rename to nothing", acme, rename(""), nil, "invalid invalidValue"},
		{"rename what was never created", nil, rename("Acme"), nil, "not_found"},
		{"rename what is deleted", append(acme, OrganizationDeleted{}), rename("Other"), nil, "not_found"},
	})
}

func TestOrganizationKeepsItsDomain(t *testing.T) {
	var o Organization
	o.Apply(OrganizationCreated{"Acme", "acme"})
	o.Apply(OrganizationUpdated{"Other"})
	if o.Domain != "acme" || o.Name != "Other" || !o.Exists() {
		t.Errorf("%+v", o)
	}
	if got, want := text(o.Snapshot("o")), `{"domain":"acme","id":"o","name":"Other"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if o.Apply(OrganizationDeleted{}); o.Exists() || o.Snapshot("o") != nil {
		t.Error("still exists")
	}
}

func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		"Acme":                          "acme",
		"Société Générale":              "societe-generale",
		"Straße & Söhne GmbH":           "strasse-sohne-gmbh",
		"ØRSTED / Łódź":                 "orsted-lodz",
		"a.b_c--d":                      "a-b-c-d",
		"--x--":                         "x",
		"Acme™":                         "acmetm",
		"Ａｃｍｅ":                          "acme",
		strings.Repeat("a", 62) + " bc": strings.Repeat("a", 62),
		strings.Repeat("ab ", 40):       strings.TrimRight(strings.Repeat("ab-", 21), "-"),
		"株式会社":                          "",
	} {
		if got := slug(name); got != want {
			t.Errorf("slug(%q) is %q, want %q", name, got, want)
		}
	}
}
