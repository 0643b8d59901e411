package domain

import (
	"maps"
	"unicode/utf8"
)

// UserProvisioned begins a user.
type UserProvisioned struct {
	Directory  string     `json:"directory"`
	Attributes Attributes `json:"attributes"`
}

// UserUpdated changes attributes and leaves the user as active as it was.
type UserUpdated struct{ Edit }

// UserDeactivated suspends the user, with whatever else the same request changed.
type UserDeactivated struct{ Edit }

// UserReactivated ends a suspension, with whatever else the same request changed.
type UserReactivated struct{ Edit }

// UserDeleted ends the user for good; its userName is free again.
type UserDeleted struct{}

// UserClaimRevoked is a fence: it takes from the user a claim that another one found abandoned. It sends no message.
type UserClaimRevoked struct {
	Claim string `json:"claim"` // the claim's stream
}

func (UserProvisioned) EventName() string  { return "user.provisioned" }
func (UserUpdated) EventName() string      { return "user.updated" }
func (UserDeactivated) EventName() string  { return "user.deactivated" }
func (UserReactivated) EventName() string  { return "user.reactivated" }
func (UserDeleted) EventName() string      { return "user.deleted" }
func (UserClaimRevoked) EventName() string { return "user.claim_revoked" }

// User is the state of a user (RFC 7643 §4.1). After a deletion the last attributes still stand, for those who name it.
type User struct {
	Directory  string // "" until it is provisioned
	Attributes Attributes
	Deleted    bool
}

// Exists tells whether there is such a user now.
func (u *User) Exists() bool { return u.Directory != "" && !u.Deleted }

// Apply folds an event into the state.
func (u *User) Apply(e Event) {
	switch e := e.(type) {
	case UserProvisioned:
		u.Directory, u.Attributes = e.Directory, e.Attributes
	case UserUpdated:
		u.Attributes = e.On(u.Attributes)
	case UserDeactivated:
		u.Attributes = e.On(u.Attributes)
	case UserReactivated:
		u.Attributes = e.On(u.Attributes)
	case UserDeleted:
		u.Deleted = true
	}
}

// ProvisionUser decides on a new user.
func ProvisionUser(directory string, attributes Attributes) (Event, error) {
	if err := acceptable(nil, attributes); err != nil {
		return nil, err
	}
	return UserProvisioned{directory, attributes}, nil
}

// maxUserName is how many characters a userName may have.
const maxUserName = 1024

// acceptable holds what a user becomes against what every user needs and what it may hold.
func acceptable(before, next Attributes) error {
	switch name := next.Text("userName"); {
	case name == "":
		return RefuseFor(Invalid, InvalidValue, "attribute userName is required")
	case utf8.RuneCountInString(name) > maxUserName && name != before.Text("userName"):
		return RefuseFor(Invalid, InvalidValue, "attribute userName is longer than %d characters", maxUserName)
	}
	return bearable(before, next)
}

// Become decides what takes the user to the attributes given: nil if it is there already.
func (u *User) Become(next Attributes) (Event, error) {
	if !u.Exists() {
		return nil, Refuse(NotFound, "there is no such user")
	}
	next = u.active(next)
	if err := acceptable(u.Attributes, next); err != nil {
		return nil, err
	}
	edit := EditOf(Diff(u.Attributes, next))
	switch was, is := u.Attributes.Active(), next.Active(); {
	case edit.Empty():
		return nil, nil
	case was && !is:
		return UserDeactivated{edit}, nil
	case !was && is:
		return UserReactivated{edit}, nil
	}
	return UserUpdated{edit}, nil
}

// active leaves out of the attributes to come that the user is active, where it is so already without saying it: a client that puts back
// what it got changes nothing.
func (u *User) active(next Attributes) Attributes {
	if u.Attributes["active"] != nil || next["active"] != true {
		return next
	}
	next = maps.Clone(next)
	delete(next, "active")
	return next
}

// Snapshot is the whole user with its id, nil if it does not exist.
func (u *User) Snapshot(id string) Attributes {
	if !u.Exists() {
		return nil
	}
	return withID(u.Attributes, id)
}

// withID shares what is below the top: attributes are immutable.
func withID(a Attributes, id string) Attributes {
	s := make(Attributes, len(a)+1)
	maps.Copy(s, a)
	s["id"] = id
	return s
}
