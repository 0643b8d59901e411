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

// PlanMembers is Dialect.PlanMembers of the lenient dialect.
func PlanMembers(value any) (MembersPlan, error) { return Dialect{}.PlanMembers(value) }

// PlanMembers is the plan of a whole resource (POST and PUT): those named and nobody else.
func (d Dialect) PlanMembers(value any) (MembersPlan, error) {
	var p MembersPlan
	p.clear()
	return p, p.instead(d, value)
}

func (p *MembersPlan) clear() { *p = MembersPlan{Clear: true} }

// expect makes room for as many more.
func (p *MembersPlan) expect(n int) {
	if n < fewMembers {
		return
	}
	p.Wanted = slices.Grow(p.Wanted, n)
	if p.place == nil {
		p.place = make(map[string]int, n)
	}
}

// fewMembers is how many find their room as they come.
const fewMembers = 16

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

// instead reads those who come in the place of others. Each needs its id, and an empty text is nobody's: where a client lost ids, those who
// stand would be removed by mistake.
func (p *MembersPlan) instead(d Dialect, value any) error {
	given, named, err := p.wish(d, value, true)
	if err == nil && (named < given || value == "") {
		return RefuseFor(Invalid, InvalidValue, "members that replace others each need the id of a user or a group as their value; a group is emptied by an empty array")
	}
	return err
}

// wish reads members as clients write them: objects with a value, or plain ids; one or several. It answers how many are given, and how many of
// these have an id: the others are passed over, so that one of them does not lose the rest. A strict dialect takes an array of
// objects that each have one.
func (p *MembersPlan) wish(d Dialect, value any, in bool) (given, named int, err error) {
	list, several := value.([]any)
	switch {
	case several || value == nil:
	case d.Strict:
		return 0, 0, membersAttribute.refuse("an array")
	case value != "":
		list = []any{value}
	}
	p.expect(len(list))
	for _, e := range list {
		if e == nil {
			continue
		}
		m, err := readMember(d, e)
		if err != nil {
			return 0, 0, err
		}
		if m.ID == "" {
			continue
		}
		p.want(m, in)
		named++
	}
	return len(list), named, nil
}

var membersAttribute = find(groupAttributes, "members")

func readMember(d Dialect, v any) (Member, error) {
	if id, ref, kind, plain := plainMember(v); plain {
		return makeMember(d, id, ref, kind)
	}
	if _, isBool := v.(bool); isBool {
		return Member{}, membersAttribute.refuse("ids")
	}
	one, err := membersAttribute.one(d, v)
	if err != nil {
		return Member{}, err
	}
	attributes, _ := one.(map[string]any)
	text := func(name string) string { s, _ := attributes[name].(string); return s }
	return makeMember(d, text("value"), text("$ref"), text("type"))
}

// makeMember makes a member, one without an id if the dialect passes that over.
func makeMember(d Dialect, id, ref, kind string) (Member, error) {
	m := Member{ID: id}
	if id == "" && !d.Strict {
		return m, nil
	}
	if strings.EqualFold(kind, "Group") || strings.Contains(ref, "/Groups/") {
		m.Type = "Group"
	}
	return m, checkMember(id)
}

// plainMember reads the member that nearly all are, without the care and the memory that Attribute.Canonical takes: texts under
// canonical names, so that no name can stand twice and every dialect means the same. It answers false for any other.
func plainMember(v any) (id, ref, kind string, plain bool) {
	object, isObject := v.(map[string]any)
	if !isObject {
		return "", "", "", false
	}
	for name, e := range object {
		text, isText := e.(string)
		if !isText && e != nil {
			return "", "", "", false
		}
		switch name {
		case "value":
			id = text
		case "$ref":
			ref = text
		case "type":
			kind = text
		case "display":
		default:
			return "", "", "", false
		}
	}
	return id, ref, kind, true
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
// stands beside a member's id is ours to say, and ignored. To replace members by null is to unassign them (RFC 7643 §2.5), as by
// an empty array: nobody is left; unless the null is a key's among others (explicit is false), which clients write for what they did not look up.
func (p *MembersPlan) patch(d Dialect, op string, t Target, value any, explicit bool) error {
	sub := t.Selected
	if t.Sub != nil {
		sub = t.Sub
	}
	switch {
	case d.Strict && (sub != nil || t.Filter != nil && op == "replace"):
		return refuseMember()
	case sub != nil && sub.Name != "value":
		return nil
	case sub != nil && (op != "add" || t.Filter != nil):
		return refuseMember()
	case t.Filter != nil:
		return p.patchSelected(d, op, t.Filter, value)
	case op == "replace" && value == nil && !explicit:
		return nil
	case op == "replace":
		p.clear()
		return p.instead(d, value)
	case op == "remove" && value == nil:
		p.clear()
	}
	_, _, err := p.wish(d, value, op != "remove")
	return err
}

func refuseMember() error {
	return RefuseFor(Invalid, Mutability, "what a member is cannot be changed; remove it and add another")
}

// patchSelected adds or removes those that the filter names; a replace puts those of the value in their place.
func (p *MembersPlan) patchSelected(d Dialect, op string, f Filter, value any) error {
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
	switch op {
	case "remove":
		return nil
	case "replace":
		return p.instead(d, value)
	}
	_, _, err := p.wish(d, value, true)
	return err
}

// idsOf are the ids that a filter names by equality. A type beside an id tells nothing more: each id is one thing's.
func idsOf(ids []string, f Filter) ([]string, bool) {
	switch f := f.(type) {
	case Or:
		ids, ok := idsOf(ids, f.Left)
		if !ok {
			return nil, false
		}
		return idsOf(ids, f.Right)
	case And:
		if saysType(f.Left) {
			return idsOf(ids, f.Right)
		}
		if saysType(f.Right) {
			return idsOf(ids, f.Left)
		}
	case Compare:
		id, isText := f.Value.(string)
		return append(ids, id), isText && f.Op == Equal && f.Ref.Path[0] == "value"
	}
	return nil, false
}

func saysType(f Filter) bool {
	c, is := f.(Compare)
	return is && c.Op == Equal && c.Value != nil && c.Ref.Path[0] == "type"
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
	if len(standing) == 0 && len(p.Wanted) >= fewMembers { // all are new
		d.Added = make([]Member, 0, len(p.Wanted))
	}
	for _, w := range p.Wanted {
		if w.In && !is[w.Member.ID] {
			d.Added = append(d.Added, w.Member)
		}
	}
	return d
}
