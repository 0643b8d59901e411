package domain

import "slices"

// Permission is a way in which a key may use the management API.
type Permission string

// The permissions.
const (
	PermissionRead  Permission = "read"
	PermissionWrite Permission = "write"
)

// Permissions are all of them.
var Permissions = []Permission{PermissionRead, PermissionWrite}

// Rights are what a key may do, and where.
type Rights struct {
	Permissions    []Permission `json:"permissions,omitempty"`
	OrganizationID string       `json:"organization_id,omitempty"` // the only one that it knows, "" for all
}

// AllRights are those of a key that may do everything everywhere.
func AllRights() Rights { return Rights{Permissions: Permissions} }

// May tells whether the rights hold a permission.
func (r Rights) May(p Permission) bool { return slices.Contains(r.Permissions, p) }

// Sees tells whether the rights reach what belongs to an organization; "" is what belongs to none, or to all.
func (r Rights) Sees(organizationID string) bool {
	return r.OrganizationID == "" || r.OrganizationID == organizationID
}

// Cover tells whether others are no more than these, so that who has these may give those away.
func (r Rights) Cover(others Rights) bool {
	return r.Sees(others.OrganizationID) && !slices.ContainsFunc(others.Permissions, func(p Permission) bool { return !r.May(p) })
}

// ParsePermissions reads permissions by their names: all if none are named, which is another thing than an empty list.
func ParsePermissions(names []string) ([]Permission, error) {
	if names == nil {
		return Permissions, nil
	}
	var out []Permission
	for _, p := range Permissions {
		if slices.Contains(names, string(p)) {
			out = append(out, p)
		}
	}
	for _, name := range names {
		if !slices.Contains(Permissions, Permission(name)) {
			return nil, RefuseField("permissions", "has %q, which is none of %v", name, Permissions)
		}
	}
	if len(out) == 0 {
		return nil, RefuseField("permissions", "is empty, so that the key could do nothing; there are %v", Permissions)
	}
	return out, nil
}
