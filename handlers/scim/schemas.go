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
