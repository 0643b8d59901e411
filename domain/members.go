package domain

import (
	"slices"
	"strings"
)

// MembersPlan is what a request wants of a group's members: first, if Clear, that nobody is left, and then that those in Wanted
// are members, or are not. It names no more than the request does, so its cost does not depend on the group.
type MembersPlan struct {
	Clear  bool
	Wanted []Wish // each id once, in the order of the request
	place  map[string]int
}

// Wish is a member that a plan wants in the group, or out of it.
type Wish struct {
	Member Member
	In     bool
}

// Empty tells whether the plan wants nothing.
func (p *MembersPlan) Empty() bool { return !p.Clear && len(p.Wanted) == 0 }

// IDs are those that the plan names.
func (p *MembersPlan) IDs() []string {
	ids := make([]string, len(p.Wanted))
	for i, w := range p.Wanted {
		ids[i] = w.Member.ID
	}
	return ids
}

// PlanMembers is the plan of a whole resource (POST and PUT): those named and nobody else.
func PlanMembers(value any) (MembersPlan, error) {
	var p MembersPlan
	p.clear()
	return p, p.wish(value, true)
}

func (p *MembersPlan) clear() { *p = MembersPlan{Clear: true} }

func (p *MembersPlan) want(m Member, in bool) {
	if at, named := p.place[m.ID]; named {
		p.Wanted[at] = Wish{m, in}
		return
	}
	if p.place == nil {
		p.place = map[string]int{}
	}
	p.place[m.ID] = len(p.Wanted)
	p.Wanted = append(p.Wanted, Wish{m, in})
}

var membersAttribute = find(groupAttributes, "members")

// wish reads members as clients write them: objects with a value, or plain ids; one or several.
func (p *MembersPlan) wish(value any, in bool) error {
	v, err := membersAttribute.Canonical(value)
	if err != nil {
		return err
	}
	list, _ := v.([]any)
	for _, e := range list {
		m := Attributes(e.(map[string]any))
		id := m.Text("value")
		if id == "" || len(id) > 256 {
			return RefuseFor(Invalid, InvalidValue, "each member needs the id of a user or a group as its value")
		}
		member := Member{ID: id}
		if strings.EqualFold(m.Text("type"), "Group") || strings.Contains(m.Text("$ref"), "/Groups/") {
			member.Type = "Group"
		}
		p.want(member, in)
	}
	return nil
}

// patch reads one operation on members.
func (p *MembersPlan) patch(op string, target Target, value any) error {
	if target.Filter != nil {
		ids, ok := idsOf(target.Filter)
		switch {
		case !ok:
			return RefuseFor(Invalid, InvalidFilter, `members are selected by value: members[value eq "…"]`)
		case target.Selected != nil && op == "remove":
			return RefuseFor(Invalid, Mutability, "what a member is cannot be changed; remove it and add another")
		}
		for _, id := range ids {
			p.want(Member{ID: id}, op != "remove")
		}
		return nil
	}
	if op == "replace" || op == "remove" && value == nil {
		p.clear()
	}
	return p.wish(value, op != "remove")
}

// idsOf are the ids that a filter names by equality.
func idsOf(f Filter) ([]string, bool) {
	switch f := f.(type) {
	case Or:
		left, ok1 := idsOf(f.Left)
		right, ok2 := idsOf(f.Right)
		return slices.Concat(left, right), ok1 && ok2
	case Compare:
		id, isText := f.Value.(string)
		return []string{id}, isText && f.Op == Equal && f.Ref.Attribute.Name == "value"
	}
	return nil, false
}

// Delta is what the plan changes in a group with the members that stand, as far as it names them; if it clears,
// standing must be all of them.
func (p *MembersPlan) Delta(standing []Member) MembersDelta {
	var d MembersDelta
	is := make(map[string]bool, len(standing))
	for _, m := range standing {
		is[m.ID] = true
		at, named := p.place[m.ID]
		if p.Clear && !named || named && !p.Wanted[at].In {
			d.Removed = append(d.Removed, m)
		}
	}
	for _, w := range p.Wanted {
		if w.In && !is[w.Member.ID] {
			d.Added = append(d.Added, w.Member)
		}
	}
	return d
}
