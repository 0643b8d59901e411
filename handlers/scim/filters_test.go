package scim_test

import (
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// TestFiltersOfTheStandard asks what RFC 7644 gives as examples (§3.4.2.2, figure 2), as they are written there.
//
// Proves RFC 7644 §3.4.2.2.
func TestFiltersOfTheStandard(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	for _, body := range []string{
		`{"userName":"bjensen","name":{"familyName":"O'Malley"},"title":"Tour Guide","userType":"Employee","emails":[{"value":"bjensen@example.com","type":"work"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Tours"}}`,
		`{"userName":"jsmith","userType":"Intern","ims":[{"value":"jsmith@foo.com","type":"xmpp"}]}`,
		`{"userName":"kim","title":"Guest"}`,
	} {
		n.must(201, "POST", "/Users", body)
	}
	for _, c := range []struct{ filter, want string }{
		{`userName eq "bjensen"`, "bjensen"},
		{`name.familyName co "O'Malley"`, "bjensen"},
		{`userName sw "J"`, "jsmith"},
		{`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"`, "jsmith"},
		{`title pr`, "bjensen kim"},
		{`meta.lastModified gt "2011-05-13T04:42:34Z"`, "bjensen jsmith kim"},
		{`meta.lastModified ge "2011-05-13T04:42:34Z"`, "bjensen jsmith kim"},
		{`meta.lastModified lt "2011-05-13T04:42:34Z"`, ""},
		{`meta.lastModified le "2011-05-13T04:42:34Z"`, ""},
		{`title pr and userType eq "Employee"`, "bjensen"},
		{`title pr or userType eq "Intern"`, "bjensen jsmith kim"},
		{`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`, "bjensen"},
		{`userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`, "bjensen"},
		{`userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`, "jsmith kim"},
		{`userType eq "Employee" and (emails.type eq "work")`, "bjensen"},
		{`userType eq "Employee" and emails[type eq "work" and value co "@example.com"]`, "bjensen"},
		{`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`, "bjensen jsmith"},
	} {
		if got := strings.Join(n.list("/Users", "filter", c.filter).texts("userName"), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.filter, got, c.want)
		}
	}
	// Of the root: what a resource is, tells them apart (§3.4.2.1).
	n.must(201, "POST", "/Groups", `{"displayName":"G"}`)
	if p := n.page(n.must(200, "POST", "/.search", `{"filter":"meta.resourceType eq \"Group\" or title eq \"Guest\""}`)); strings.Join(p.texts("userName"), " ") != "kim" {
		t.Errorf("%+v", p)
	}
	if p := n.page(n.must(200, "POST", "/.search", `{"filter":"meta.resourceType eq \"Group\""}`)); strings.Join(p.texts("displayName"), " ") != "G" {
		t.Errorf("%+v", p)
	}
	a := n.must(400, "GET", "/Users?filter=meta.version+pr", "")
	if !strings.Contains(a.body, "meta.version cannot be asked for in a filter") {
		t.Errorf("%s", a.body)
	}
}
