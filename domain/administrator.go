package domain

import "slices"

// Administrator is somebody who looks after an organization's identity provider.
type Administrator struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// OrganizationAdministratorAdded gives an organization another administrator.
type OrganizationAdministratorAdded struct{ Administrator }

// OrganizationAdministratorRemoved takes one from it.
type OrganizationAdministratorRemoved struct {
	ID string `json:"id"`
}

func (OrganizationAdministratorAdded) EventName() string {
	return "organization.administrator_added"
}
func (OrganizationAdministratorRemoved) EventName() string {
	return "organization.administrator_removed"
}

// MaxAdministrators is how many administrators an organization may have.
const MaxAdministrators = 100

// AddAdministrator decides on another administrator. An address has one administrator, without regard to case.
func (o *Organization) AddAdministrator(a Administrator) (Event, error) {
	if !o.Exists() {
		return nil, Refuse(NotFound, "there is no such organization")
	}
	if err := CheckEmail("email", a.Email); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(o.Administrators, func(b Administrator) bool { return FoldKey(a.Email) == FoldKey(b.Email) }) {
		return nil, RefuseFor(Conflict, Uniqueness, "the organization has an administrator with this address already")
	}
	if len(o.Administrators) >= MaxAdministrators {
		return nil, Refuse(Conflict, "the organization has %d administrators already; remove one first", MaxAdministrators)
	}
	return OrganizationAdministratorAdded{a}, nil
}

// RemoveAdministrator decides that one is no administrator any more.
func (o *Organization) RemoveAdministrator(id string) (Event, error) {
	if !o.Exists() || o.Administrator(id) == (Administrator{}) {
		return nil, Refuse(NotFound, "there is no such administrator")
	}
	return OrganizationAdministratorRemoved{id}, nil
}

// Administrator is the one with an id, the zero one if there is none.
func (o *Organization) Administrator(id string) Administrator {
	for _, a := range o.Administrators {
		if a.ID == id {
			return a
		}
	}
	return Administrator{}
}
