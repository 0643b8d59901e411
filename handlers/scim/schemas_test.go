package scim

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/elimity-com/scim/schema"

	"github.com/rollcall-sync/rollcall/domain"
)

// TestSchemasAgree holds the domain's schemas against those that the door publishes: two tables of the same RFC must not part.
//
// Proves RFC 7643 §7.
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

// TestPublished: each attribute is described with all that RFC 7643 §7 names, nothing is null (which Entra does not read), and what is compared
// exactly is what is published so.
//
// Proves RFC 7643 §5, §6, §7, RFC 7644 §4.
func TestPublished(t *testing.T) {
	d := newDiscovery(DefaultMaxBody)
	text, err := json.Marshal([]any{d.config, d.types, d.schemas})
	if err != nil || strings.Contains(string(text), "null") {
		t.Errorf("there is a null: %s, %v", text, err)
	}
	known := map[string]domain.Schema{}
	for _, s := range []domain.Schema{domain.UserType.Core, domain.GroupType.Core, domain.UserType.Extensions[0]} {
		known[s.ID] = s
	}
	for _, s := range d.schemas {
		id := s["id"].(string)
		if s["name"] == "" || s["description"] == "" || s["schemas"] == nil {
			t.Errorf("%s is not described: %v", id, s)
		}
		published := map[string]map[string]any{}
		flatten("", s["attributes"].([]map[string]any), published)
		for name, a := range published {
			for _, characteristic := range []string{"type", "multiValued", "description", "required", "mutability", "returned"} {
				if a[characteristic] == nil || a[characteristic] == "" {
					t.Errorf("%s:%s has no %s", id, name, characteristic)
				}
			}
		}
		exact := map[string]bool{}
		exactly("", known[id].Attributes, exact)
		for name, a := range published {
			if name != "password" && a["caseExact"] != nil && a["caseExact"] != exact[name] {
				t.Errorf("%s:%s is published with caseExact %v, and compared otherwise", id, name, a["caseExact"])
			}
		}
	}
	user := map[string]map[string]any{}
	flatten("", d.schemas[0]["attributes"].([]map[string]any), user)
	for name, want := range map[string]string{
		"userName.uniqueness": `"server"`, "userName.required": "true", "userName.caseExact": "false", "name.uniqueness": `"none"`, "active.type": `"boolean"`,
		"password.mutability": `"writeOnly"`, "password.returned": `"never"`, "groups.mutability": `"readOnly"`, "emails.type.canonicalValues": `["work","home","other"]`,
		"profileUrl.referenceTypes": `["external"]`, "groups.$ref.referenceTypes": `["User","Group"]`, "groups.value.caseExact": "true",
	} {
		at := strings.LastIndex(name, ".")
		if got, err := json.Marshal(user[name[:at]][name[at+1:]]); err != nil || string(got) != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func flatten(within string, attributes []map[string]any, into map[string]map[string]any) {
	for _, a := range attributes {
		name := within + a["name"].(string)
		into[name] = a
		if sub, ok := a["subAttributes"].([]map[string]any); ok {
			flatten(name+".", sub, into)
		}
	}
}

func exactly(within string, attributes []domain.Attribute, into map[string]bool) {
	for _, a := range attributes {
		into[within+a.Name] = a.CaseExact
		exactly(within+a.Name+".", a.Sub, into)
	}
}
