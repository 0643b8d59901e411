package domain

import (
	"maps"
	"slices"
	"strings"
)

// MaxOperations is how many operations one PATCH may have.
const MaxOperations = 1000

// maxPatchWork bounds what the operations of one PATCH may look at together, in scalars: 1,000 operations that each
// select among 100,000 values are a denial of service. It is half a second's work; an honest request, of 256 operations on
// ten e-mail addresses, stays below a hundredth of it.
const maxPatchWork = 1 << 20

// PatchOp is one operation of a PATCH (RFC 7644 §3.5.2), as the client wrote it.
type PatchOp struct {
	Op    string // add, replace or remove, in any case
	Path  string // "" for the whole resource
	Value any
}

// Patch is Dialect.Patch of the lenient dialect.
func (t *ResourceType) Patch(resource Attributes, operations []PatchOp) (Attributes, MembersPlan, error) {
	return Dialect{}.Patch(t, resource, operations)
}

// Patch applies operations to a resource in the order given and answers what stands then; the resource itself stays as
// it is, and one refused operation refuses all. Operations on a group's members come back as a plan, since a group's
// members are not among its attributes.
//
// Where identity providers differ from RFC 7644 without contradiction, both are understood: a null or empty value
// removes, a filter that selects nothing makes the value that it describes, removing takes a list of values,
// attributes that are unknown are passed over, and so are read-only ones in an operation without a path. A strict dialect
// refuses all of these: see strict.go.
func (d Dialect) Patch(t *ResourceType, resource Attributes, operations []PatchOp) (Attributes, MembersPlan, error) {
	if len(operations) == 0 {
		return nil, MembersPlan{}, RefuseFor(Invalid, InvalidSyntax, "Operations is empty")
	}
	if len(operations) > MaxOperations {
		return nil, MembersPlan{}, RefuseFor(TooLarge, TooMany, "a PATCH takes at most %d operations", MaxOperations)
	}
	p := patch{t: t, dialect: d, tree: resource.Clone()}
	for _, o := range operations {
		if err := p.apply(o); err != nil {
			return nil, MembersPlan{}, err
		}
	}
	for _, a := range t.Core.Attributes {
		switch {
		case !a.Required || p.tree.Text(a.Name) != "":
		case p.tree[a.Name] == nil:
			return nil, MembersPlan{}, RefuseFor(Invalid, Mutability, "attribute %s is required and cannot be removed", a.Name)
		default:
			return nil, MembersPlan{}, RefuseFor(Invalid, InvalidValue, "attribute %s is required", a.Name)
		}
	}
	return p.tree, p.members, nil
}

// patch is a PATCH under way. The tree is its own, so that it is changed in place.
type patch struct {
	t       *ResourceType
	dialect Dialect
	tree    Attributes
	members MembersPlan
	work    int
	urns    map[string]string // unknown extensions, by URN in lower case, as the tree spells them; made on demand
}

func (p *patch) charge(values, times int) error {
	if p.work += values * times; p.work > maxPatchWork {
		return RefuseFor(TooLarge, TooMany, "the operations look at too many values; send fewer at a time")
	}
	return nil
}

func (p *patch) apply(o PatchOp) error {
	op := strings.ToLower(o.Op)
	if op != "add" && op != "replace" && op != "remove" {
		return RefuseFor(Invalid, InvalidSyntax, "op is add, replace or remove")
	}
	if p.dialect.Strict {
		return p.literally(o)
	}
	if o.Path != "" {
		return p.named(op, o.Path, o.Value, true)
	}
	if op == "remove" {
		return RefuseFor(Invalid, NoTarget, "remove needs a path")
	}
	object, ok := o.Value.(map[string]any)
	if !ok {
		return RefuseFor(Invalid, InvalidValue, "an operation without a path takes an object as its value")
	}
	// Sorted, so that the outcome never depends on the order of a map: name comes before name.givenName.
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if err := p.named(op, name, object[name], false); err != nil {
			return err
		}
	}
	return nil
}

// named acts on what a name means: a path, or a key of an operation without one (explicit is false).
func (p *patch) named(op, name string, value any, explicit bool) error {
	if explicit {
		name = strings.Trim(name, " \t")
	}
	if s := p.t.schema(name); s != nil {
		return p.schema(op, s, value)
	}
	plain, _, filtered := strings.Cut(name, "[")
	ref, resolved := p.t.Resolve(plain)
	switch {
	case filtered && resolved && ref.Attribute == nil:
		return nil // what has no definition has no values to choose from, and is passed over as what is unknown
	case !filtered && IsURN(name) && !p.t.within(name):
		return p.foreign(op, name, value, explicit)
	}
	if !explicit { // a key may hold anything: what names no attribute is unknown, and not an error
		switch {
		case !resolved:
			return nil
		case !filtered:
			return p.at(op, Target{Ref: ref}, value, false)
		}
	}
	target, known, err := p.t.ParsePath(name)
	if err != nil || !known {
		return err
	}
	return p.at(op, target, value, explicit)
}

// schema acts on all attributes under a known URN that the value names; those that it does not name stay, as in a
// complex attribute (RFC 7644 §3.5.2.3).
func (p *patch) schema(op string, s *Schema, value any) error {
	core := s == &p.t.Core
	switch {
	case op == "remove" && core:
		return RefuseFor(Invalid, Mutability, "the attributes of %s cannot be removed together", s.ID)
	case op == "remove" || op == "replace" && value == nil && !core:
		delete(p.tree, s.ID)
		return nil
	case value == nil:
		return nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return RefuseFor(Invalid, InvalidValue, "%s takes an object", s.ID)
	}
	var prefix []string
	if !core {
		prefix = []string{s.ID}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		ref, known := resolve(prefix, s.Attributes, name)
		if !known {
			continue
		}
		if err := p.at(op, Target{Ref: ref}, object[name], false); err != nil {
			return err
		}
	}
	return nil
}

// at acts on one attribute.
func (p *patch) at(op string, t Target, value any, explicit bool) error {
	a, leaf := t.Attribute, t.Leaf()
	if a == nil {
		return p.verbatim(op, t.Path, value)
	}
	if t.Selected != nil {
		leaf = t.Selected
	}
	switch {
	case (a.ReadOnly || leaf.ReadOnly) && explicit:
		return RefuseFor(Invalid, Mutability, "attribute %s is read-only", PathName(t.Path))
	case a.ReadOnly || leaf.ReadOnly || a.Never:
		return nil
	case p.t == GroupType && a.Name == "members":
		return p.members.patch(p.dialect, op, t, value, explicit)
	}
	list, isList := value.([]any)
	if p.dialect.Strict {
		isList = isList && leaf.MultiValued
	}
	if op != "remove" && (value == nil || isList && len(list) == 0 || value == "" && leaf.Type == Complex && !p.dialect.Strict) {
		if op == "add" && leaf.MultiValued {
			return nil
		}
		op, value = "remove", nil
	}
	switch {
	case a.MultiValued && (t.Filter != nil || t.Sub != nil):
		return p.selected(op, t, value)
	case op == "remove" && a.MultiValued && value != nil:
		return p.removeValues(t, value)
	case t.Sub != nil && t.Sub.Name == "value": // another manager: what stood beside the old one's id goes with it
		leaf, t.Path, value = a, t.Path[:len(t.Path)-1], map[string]any{"value": value}
	}
	if op == "remove" {
		p.put(t.Path, nil)
		return nil
	}
	v, err := leaf.read(p.dialect, value)
	if err != nil {
		return err
	}
	before := lookup(p.tree, t.Path)
	p.clearNulls(before, leaf, value)
	if p.dialect.Strict && op == "replace" { // the profile: whole, where RFC 7644 leaves what is not named
		before = nil
	}
	if op == "add" && leaf.MultiValued {
		list, _ := before.([]any)
		more, _ := v.([]any)
		if err := p.charge(weight(list)+weight(more), 1); err != nil {
			return err
		}
		v = join(list, more)
	}
	p.put(t.Path, merged(before, v))
	return nil
}

// put assigns a value. Whether a user is active stays where it is taken away: a user without it is active, and nobody suspended
// comes back but by an explicit true.
func (p *patch) put(path []string, value any) {
	if isEmpty(value) && len(path) == 1 && path[0] == "active" {
		return
	}
	assign(p.tree, path, value)
}

// clearNulls takes away, from a complex value that stands, what the operation's value says is null: a sub-attribute by itself is
// taken away so too.
func (p *patch) clearNulls(before any, a *Attribute, value any) {
	if list, _ := value.([]any); len(list) == 1 && !a.MultiValued {
		value = list[0]
	}
	have, _ := before.(map[string]any)
	object, _ := value.(map[string]any)
	if p.dialect.Strict || have == nil {
		return
	}
	for name, v := range object {
		if sub := a.sub(name); v == nil && sub != nil && !sub.ReadOnly {
			delete(have, sub.Name)
		}
	}
}

// merged is what stands after a complex value came to where one stood: RFC 7644 §3.5.2 leaves sub-attributes that are
// not named as they were, for add and replace alike. A value that refers to something else is another value.
func merged(before, v any) any {
	have, isObject := before.(map[string]any)
	more, both := v.(map[string]any)
	if !isObject || !both || have["value"] != nil && more["value"] != nil && have["value"] != more["value"] {
		return v
	}
	maps.Copy(have, more)
	return have
}

// removeValues takes away the values that the operation's value lists: Entra's and JumpCloud's way.
func (p *patch) removeValues(t Target, value any) error {
	named, err := t.Attribute.Canonical(value)
	if err != nil {
		return err
	}
	values, _ := lookup(p.tree, t.Path).([]any)
	list, _ := named.([]any)
	if err := p.charge(weight(values)+weight(list), 1); err != nil {
		return err
	}
	assign(p.tree, t.Path, t.Attribute.without(values, list))
	return nil
}
