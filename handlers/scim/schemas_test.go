package scim

import (
	"testing"

	"github.com/elimity-com/scim/schema"

	"github.com/rollcall-sync/rollcall/domain"
)

// TestSchemasAgree holds the domain's schemas against those that the door publishes: two tables of the same RFC must not part.
func TestSchemasAgree(t *testing.T) {
	compare := func(what string, ours []domain.Attribute, theirs schema.Attributes) {
		t.Helper()
		seen := map[string]bool{}
		for _, a := range theirs {
			seen[a.Name()] = true
			var found *domain.Attribute
			for i := range ours {
				if ours[i].Name == a.Name() {
					found = &ours[i]
				}
			}
			if found == nil {
				t.Errorf("%s: %s is published and not known", what, a.Name())
				continue
			}
			compareAttribute(t, what+"."+a.Name(), *found, a)
		}
		for _, a := range ours {
			if !seen[a.Name] {
				t.Errorf("%s: %s is known and not published", what, a.Name)
			}
		}
	}
	common := map[string]bool{"id": true, "externalId": true, "schemas": true, "meta": true}
	core := func(t *domain.ResourceType) []domain.Attribute {
		var out []domain.Attribute
		for _, a := range t.Core.Attributes {
			if !common[a.Name] {
				out = append(out, a)
			}
		}
		return out
	}
	compare("User", core(domain.UserType), userResource.Schema.Attributes)
	compare("Group", core(domain.GroupType), groupResource.Schema.Attributes)
	compare("EnterpriseUser", domain.UserType.Extensions[0].Attributes, userResource.SchemaExtensions[0].Schema.Attributes)
}

func compareAttribute(t *testing.T, what string, ours domain.Attribute, theirs schema.CoreAttribute) {
	t.Helper()
	if got, want := string(ours.Type), theirs.AttributeType(); got != want {
		t.Errorf("%s: type %s, published %s", what, got, want)
	}
	if ours.MultiValued != theirs.MultiValued() {
		t.Errorf("%s: multiValued %v, published %v", what, ours.MultiValued, theirs.MultiValued())
	}
	if ours.ReadOnly != (theirs.Mutability() == "readOnly") {
		t.Errorf("%s: readOnly %v, published %s", what, ours.ReadOnly, theirs.Mutability())
	}
	if ours.Never != (theirs.Returned() == "never") {
		t.Errorf("%s: never %v, published %s", what, ours.Never, theirs.Returned())
	}
	for _, s := range ours.Sub {
		sub, ok := theirs.SubAttributes().ContainsAttribute(s.Name)
		if !ok {
			t.Errorf("%s: sub-attribute %s is not published", what, s.Name)
			continue
		}
		compareAttribute(t, what+"."+s.Name, s, sub)
	}
}
