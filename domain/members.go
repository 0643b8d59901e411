package domain

import "strings"

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

// wish reads members as clients write them: objects with a value, or plain ids; one or several.
func (p *MembersPlan) wish(value any, in bool) error {
	list, several := value.([]any)
	if !several && value != nil && value != "" {
		list = []any{value}
	}
	for _, e := range list {
		if e == nil {
			continue
		}
		m, err := readMember(e)
		if err != nil {
			return err
		}
		p.want(m, in)
	}
	return nil
}

var membersAttribute = find(groupAttributes, "members")

func readMember(v any) (Member, error) {
	one, err := membersAttribute.one(v)
	if err != nil {
		return Member{}, err
	}
	attributes, _ := one.(map[string]any)
	text := func(name string) string { s, _ := attributes[name].(string); return s }
	m := Member{ID: text("value")}
	if strings.EqualFold(text("type"), "Group") || strings.Contains(text("$ref"), "/Groups/") {
		m.Type = "Group"
	}
	return m, checkMember(m.ID)
}

// maxMemberID is how long an id may be that names nobody of ours.
const maxMemberID = 256

func checkMember(id string) error {
	if id == "" || len(id) > maxMemberID {
		return RefuseFor(Invalid, InvalidValue, "each member needs the id of a user or a group as its value")
	}
	return nil
}

// patch reads one operation on members. Who a member is cannot be changed (RFC 7643 §4.2), only who is one; what else
// stands beside a member's id is ours to say, and ignored.
func (p *MembersPlan) patch(op string, t Target, value any) error {
	sub := t.Selected
	if t.Sub != nil {
		sub = t.Sub
	}
	switch {
	case sub != nil && sub.Name != "value":
		return nil
	case sub != nil && (op != "add" || t.Filter != nil):
		return RefuseFor(Invalid, Mutability, "what a member is cannot be changed; remove it and add another")
	case t.Filter != nil:
		return p.patchSelected(op, t.Filter, value)
	case op == "replace", op == "remove" && value == nil:
		p.clear()
	}
	return p.wish(value, op != "remove")
}

// patchSelected adds or removes those that the filter names; a replace puts those of the value in their place.
func (p *MembersPlan) patchSelected(op string, f Filter, value any) error {
	ids, ok := idsOf(nil, f)
	if !ok {
		return RefuseFor(Invalid, InvalidFilter, `members are selected by value: members[value eq "…"]`)
	}
	for _, id := range ids {
		if err := checkMember(id); err != nil {
			return err
		}
		p.want(Member{ID: id}, op == "add")
	}
	if op == "remove" {
		return nil
	}
	return p.wish(value, true)
}

// idsOf are the ids that a filter names by equality.
func idsOf(ids []string, f Filter) ([]string, bool) {
	switch f := f.(type) {
	case Or:
		ids, ok := idsOf(ids, f.Left)
		if !ok {
			return nil, false
		}
		return idsOf(ids, f.Right)
	case Compare:
		id, isText := f.Value.(string)
		return append(ids, id), isText && f.Op == Equal && f.Ref.Path[0] == "value"
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
