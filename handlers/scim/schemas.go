package scim

import (
	"github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"

	"github.com/rollcall-sync/rollcall/domain"
)

// The resource types with the library's schemas (RFC 7643 §4, §6).
var (
	userResource = scim.ResourceType{
		ID: optional.NewString("User"), Name: "User", Description: optional.NewString("User Account"), Endpoint: domain.UserType.Endpoint,
		Schema:           schema.CoreUserSchema(),
		SchemaExtensions: []scim.SchemaExtension{{Schema: schema.ExtensionEnterpriseUser()}},
	}
	groupResource = scim.ResourceType{
		ID: optional.NewString("Group"), Name: "Group", Description: optional.NewString("Group"), Endpoint: domain.GroupType.Endpoint,
		Schema: schema.CoreGroupSchema(),
	}
)

// validate holds a whole resource against its schemas.
func validate(t scim.ResourceType, attributes domain.Attributes) error {
	if _, refused := t.Schema.ValidateExtension(map[string]any(attributes)); refused != nil {
		return refusal(refused)
	}
	for _, e := range t.SchemaExtensions {
		if extension, ok := attributes[e.Schema.ID]; ok {
			if _, refused := e.Schema.ValidateExtension(extension); refused != nil {
				return refusal(refused)
			}
		}
	}
	return nil
}

// published is a schema as /Schemas shows it. It is the library's but for what RFC 7643 §8.7.1 has otherwise, and for the ids of groups and
// members, which are compared exactly like every id (§3.1). Beyond that section the library names the sub-attributes
// display of members and primary of addresses, which §2.4 gives to every multi-valued attribute and which we keep and show; it
// has references and binary values as case exact, which §2.3.6 and §2.3.7 want; and a group's displayName as required, which §4.2 wants.
func published(s schema.Schema) map[string]any {
	out := s.ToMap()
	if s.ID == domain.EnterpriseUserURN {
		out["name"] = "EnterpriseUser"
	}
	correct("", out["attributes"].([]map[string]any))
	return out
}

func correct(within string, attributes []map[string]any) {
	for _, a := range attributes {
		name := within + a["name"].(string)
		if name == "groups.value" || name == "members.value" {
			a["caseExact"] = true
		}
		if sub, ok := a["subAttributes"].([]map[string]any); ok {
			a["uniqueness"] = "none"
			correct(name+".", sub)
		}
	}
}
