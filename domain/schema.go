package domain

import (
	"strings"
)

// Type is a SCIM data type (RFC 7643 §2.3).
type Type string

// The types that User and Group use.
const (
	String    Type = "string"
	Boolean   Type = "boolean"
	Integer   Type = "integer"
	DateTime  Type = "dateTime"
	Binary    Type = "binary"
	Reference Type = "reference"
	Complex   Type = "complex"
)

// Attribute defines an attribute (RFC 7643 §2): its canonical name and what its values may be.
type Attribute struct {
	Name        string
	Type        Type
	MultiValued bool
	CaseExact   bool
	ReadOnly    bool // the service provider decides it; a client's value is ignored or refused
	Required    bool
	Never       bool // never returned and never kept (returned: never)
	Sub         []Attribute
}

// sub finds a sub-attribute by its name without regard to case (RFC 7643 §2.1).
func (a *Attribute) sub(name string) *Attribute { return find(a.Sub, name) }

// Schema is attributes under a URN (RFC 7643 §3).
type Schema struct {
	ID         string
	Attributes []Attribute
}

// ResourceType is a core schema with the extensions that Rollcall knows (RFC 7643 §6). Extensions that it does not know
// are kept as they come.
type ResourceType struct {
	Name       string
	Endpoint   string
	Core       Schema
	Extensions []Schema
}

// URNs of RFC 7643 §8.7.
const (
	UserURN           = "urn:ietf:params:scim:schemas:core:2.0:User"
	GroupURN          = "urn:ietf:params:scim:schemas:core:2.0:Group"
	EnterpriseUserURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// UserType and GroupType are the resource types that Rollcall serves.
var (
	UserType = &ResourceType{
		Name: "User", Endpoint: "/Users",
		Core:       Schema{UserURN, append(common(), userAttributes...)},
		Extensions: []Schema{{EnterpriseUserURN, enterpriseAttributes}},
	}
	GroupType = &ResourceType{
		Name: "Group", Endpoint: "/Groups",
		Core: Schema{GroupURN, append(common(), groupAttributes...)},
	}
)

// common are the attributes of every resource (RFC 7643 §3.1).
func common() []Attribute {
	return []Attribute{
		{Name: "id", Type: String, CaseExact: true, ReadOnly: true},
		{Name: "externalId", Type: String, CaseExact: true},
		{Name: "schemas", Type: Reference, CaseExact: true, MultiValued: true, ReadOnly: true},
		{Name: "meta", Type: Complex, ReadOnly: true, Sub: []Attribute{
			{Name: "resourceType", Type: String, CaseExact: true, ReadOnly: true},
			{Name: "created", Type: DateTime, ReadOnly: true},
			{Name: "lastModified", Type: DateTime, ReadOnly: true},
			{Name: "location", Type: Reference, CaseExact: true, ReadOnly: true},
			{Name: "version", Type: String, CaseExact: true, ReadOnly: true},
		}},
	}
}

// userAttributes is RFC 7643 §4.1.
var userAttributes = []Attribute{
	{Name: "userName", Type: String, Required: true},
	{Name: "name", Type: Complex, Sub: []Attribute{
		{Name: "formatted", Type: String},
		{Name: "familyName", Type: String},
		{Name: "givenName", Type: String},
		{Name: "middleName", Type: String},
		{Name: "honorificPrefix", Type: String},
		{Name: "honorificSuffix", Type: String},
	}},
	{Name: "displayName", Type: String},
	{Name: "nickName", Type: String},
	{Name: "profileUrl", Type: Reference, CaseExact: true},
	{Name: "title", Type: String},
	{Name: "userType", Type: String},
	{Name: "preferredLanguage", Type: String},
	{Name: "locale", Type: String},
	{Name: "timezone", Type: String},
	{Name: "active", Type: Boolean},
	{Name: "password", Type: String, CaseExact: true, Never: true},
	plural("emails", String, false),
	plural("phoneNumbers", String, false),
	plural("ims", String, false),
	plural("photos", Reference, true),
	{Name: "addresses", Type: Complex, MultiValued: true, Sub: []Attribute{
		{Name: "formatted", Type: String},
		{Name: "streetAddress", Type: String},
		{Name: "locality", Type: String},
		{Name: "region", Type: String},
		{Name: "postalCode", Type: String},
		{Name: "country", Type: String},
		{Name: "type", Type: String},
		{Name: "primary", Type: Boolean},
	}},
	{Name: "groups", Type: Complex, MultiValued: true, ReadOnly: true, Sub: []Attribute{
		{Name: "value", Type: String, CaseExact: true, ReadOnly: true},
		{Name: "$ref", Type: Reference, CaseExact: true, ReadOnly: true},
		{Name: "display", Type: String, ReadOnly: true},
		{Name: "type", Type: String, ReadOnly: true},
	}},
	plural("entitlements", String, false),
	plural("roles", String, false),
	plural("x509Certificates", Binary, true),
}

// plural is the usual shape of a multi-valued attribute (RFC 7643 §2.4).
func plural(name string, value Type, exact bool) Attribute {
	return Attribute{Name: name, Type: Complex, MultiValued: true, Sub: []Attribute{
		{Name: "value", Type: value, CaseExact: exact},
		{Name: "display", Type: String},
		{Name: "type", Type: String},
		{Name: "primary", Type: Boolean},
	}}
}

// enterpriseAttributes is RFC 7643 §4.3.
var enterpriseAttributes = []Attribute{
	{Name: "employeeNumber", Type: String},
	{Name: "costCenter", Type: String},
	{Name: "organization", Type: String},
	{Name: "division", Type: String},
	{Name: "department", Type: String},
	{Name: "manager", Type: Complex, Sub: []Attribute{
		{Name: "value", Type: String},
		{Name: "$ref", Type: Reference, CaseExact: true},
		{Name: "displayName", Type: String, ReadOnly: true},
	}},
}

// groupAttributes is RFC 7643 §4.2.
var groupAttributes = []Attribute{
	{Name: "displayName", Type: String, Required: true},
	{Name: "members", Type: Complex, MultiValued: true, Sub: []Attribute{
		{Name: "value", Type: String, CaseExact: true},
		{Name: "$ref", Type: Reference, CaseExact: true},
		{Name: "display", Type: String},
		{Name: "type", Type: String},
	}},
}

func find(attributes []Attribute, name string) *Attribute {
	for i := range attributes {
		if strings.EqualFold(attributes[i].Name, name) {
			return &attributes[i]
		}
	}
	return nil
}

// extension finds a known extension by its URN without regard to case.
func (t *ResourceType) extension(urn string) *Schema {
	for i := range t.Extensions {
		if strings.EqualFold(t.Extensions[i].ID, urn) {
			return &t.Extensions[i]
		}
	}
	return nil
}

// schema finds the core schema or a known extension by its URN without regard to case.
func (t *ResourceType) schema(urn string) *Schema {
	if strings.EqualFold(urn, t.Core.ID) {
		return &t.Core
	}
	return t.extension(urn)
}

// IsURN tells whether a name is a schema's URN or starts with one, rather than an attribute's name.
func IsURN(name string) bool { return len(name) > 4 && strings.EqualFold(name[:4], "urn:") }
