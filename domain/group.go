package domain

import (
	"maps"
	"slices"
)

// MaxMembersPerEvent is how many ids one event carries; more go into further events.
const MaxMembersPerEvent = 5000

// Member is a user, or a group inside a group (RFC 7643 §4.2). An id that names nobody is kept: the provider knows why.
type Member struct {
	ID       string `json:"id"`
	Type     string `json:"type,omitempty"`     // Group for a nested group, "" for a user
	UserName string `json:"userName,omitempty"` // in messages only: the name at that position, if it is known
}

// GroupCreated begins a group.
type GroupCreated struct {
	Directory  string     `json:"directory"`
	Attributes Attributes `json:"attributes"`
	Members    []Member   `json:"members,omitempty"`
}

// GroupUpdated changes attributes, and perhaps members by the same request.
type GroupUpdated struct {
	Edit
	MembersDelta
}

// GroupMembersChanged changes members only.
type GroupMembersChanged struct{ MembersDelta }

// GroupDeleted ends the group.
type GroupDeleted struct{}

// MembersDelta is who came and who went. Every one added was no member before, every one removed was.
type MembersDelta struct {
	Added   []Member `json:"added,omitempty"`
	Removed []Member `json:"removed,omitempty"`
}

func (GroupCreated) EventName() string        { return "group.created" }
func (GroupUpdated) EventName() string        { return "group.updated" }
func (GroupMembersChanged) EventName() string { return "group.members_changed" }
func (GroupDeleted) EventName() string        { return "group.deleted" }

// Group is the state of a group (RFC 7643 §4.2): how many members it has, not who they are, so that a group of 100,000 costs
// what one of ten does.
type Group struct {
	Directory  string // "" until it is created
	Attributes Attributes
	Count      int
	Deleted    bool
}

// Exists tells whether there is such a group now.
func (g *Group) Exists() bool { return g.Directory != "" && !g.Deleted }

// Apply folds an event into the state.
func (g *Group) Apply(e Event) {
	switch e := e.(type) {
	case GroupCreated:
		g.Directory, g.Attributes = e.Directory, e.Attributes
	case GroupUpdated:
		g.Attributes = e.On(g.Attributes)
	case GroupDeleted:
		g.Deleted = true
	}
	delta := DeltaOf(e)
	g.Count += len(delta.Added) - len(delta.Removed)
}

// DeltaOf is what an event does to the members of its group.
func DeltaOf(e Event) MembersDelta {
	switch e := e.(type) {
	case GroupCreated:
		return MembersDelta{Added: e.Members}
	case GroupUpdated:
		return e.MembersDelta
	case GroupMembersChanged:
		return e.MembersDelta
	}
	return MembersDelta{}
}

// CreateGroup decides on a new group: one event, and further ones if it has very many members.
func CreateGroup(directory string, attributes Attributes, members []Member) ([]Event, error) {
	if attributes.Text("displayName") == "" {
		return nil, RefuseFor(Invalid, InvalidValue, "attribute displayName is required")
	}
	attributes = withoutMembers(attributes)
	if err := bearable(nil, attributes); err != nil {
		return nil, err
	}
	first, rest := MembersDelta{Added: members}.cut()
	return further([]Event{GroupCreated{directory, attributes, first.Added}}, rest), nil
}

// Become decides what takes the group to the attributes and by the delta given: nothing if it is there already.
func (g *Group) Become(next Attributes, delta MembersDelta) ([]Event, error) {
	if !g.Exists() {
		return nil, Refuse(NotFound, "there is no such group")
	}
	if next.Text("displayName") == "" {
		return nil, RefuseFor(Invalid, InvalidValue, "attribute displayName is required")
	}
	next = withoutMembers(next)
	if err := bearable(g.Attributes, next); err != nil {
		return nil, err
	}
	edit := EditOf(Diff(g.Attributes, next))
	if edit.Empty() {
		return further(nil, delta), nil
	}
	first, rest := delta.cut()
	return further([]Event{GroupUpdated{edit, first}}, rest), nil
}

func further(events []Event, delta MembersDelta) []Event {
	for len(delta.Added)+len(delta.Removed) > 0 {
		var first MembersDelta
		first, delta = delta.cut()
		events = append(events, GroupMembersChanged{first})
	}
	return events
}

// cut takes as many ids as one event carries, those removed first.
func (d MembersDelta) cut() (first, rest MembersDelta) {
	r := min(len(d.Removed), MaxMembersPerEvent)
	a := min(len(d.Added), MaxMembersPerEvent-r)
	return MembersDelta{slices.Clip(d.Added[:a]), slices.Clip(d.Removed[:r])}, MembersDelta{d.Added[a:], d.Removed[r:]}
}

// withoutMembers keeps members out of a group's attributes: they go by their own way, however many they are.
func withoutMembers(a Attributes) Attributes {
	if _, there := a["members"]; !there {
		return a
	}
	a = maps.Clone(a)
	delete(a, "members")
	return a
}

// Snapshot is the group with its id and without its members, nil if it does not exist.
func (g *Group) Snapshot(id string) Attributes {
	if !g.Exists() {
		return nil
	}
	return withID(g.Attributes, id)
}
