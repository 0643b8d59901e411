package domain

import (
	"maps"
	"slices"
	"strings"
)

// MaxOperations is how many operations one PATCH may have.
const MaxOperations = 1000

// PatchOp is one operation of a PATCH (RFC 7644 §3.5.2), as the client wrote it.
type PatchOp struct {
	Op    string // add, replace or remove, in any case
	Path  string // "" for the whole resource
	Value any
}

// Patch applies operations to a resource in the order given and answers what stands then; the resource itself stays as
// it is, and one refused operation refuses all. Operations on a group's members come back as a plan, since a group's
// members are not among its attributes.
//
// Where identity providers differ from RFC 7644 without contradiction, both are understood: a null or empty value
// removes, a filter that selects nothing makes the value that it describes, removing takes a list of values,
// attributes that are unknown are passed over, and so are read-only ones in an operation without a path.
func (t *ResourceType) Patch(resource Attributes, operations []PatchOp) (Attributes, MembersPlan, error) {
	p := patch{t: t, tree: resource.Clone()}
	if len(operations) == 0 {
		return nil, p.members, RefuseFor(Invalid, InvalidSyntax, "Operations is empty")
	}
	if len(operations) > MaxOperations {
		return nil, p.members, RefuseFor(TooLarge, TooMany, "a PATCH takes at most %d operations", MaxOperations)
	}
	for _, o := range operations {
		if err := p.apply(o); err != nil {
			return nil, MembersPlan{}, err
		}
	}
	for _, a := range t.Core.Attributes {
		if a.Required && p.tree.Text(a.Name) == "" {
			return nil, MembersPlan{}, RefuseFor(Invalid, InvalidValue, "attribute %s is required", a.Name)
		}
	}
	return p.tree, p.members, nil
}

type patch struct {
	t       *ResourceType
	tree    Attributes
	members MembersPlan
}

func (p *patch) apply(o PatchOp) error {
	op := strings.ToLower(o.Op)
	if op != "add" && op != "replace" && op != "remove" {
		return RefuseFor(Invalid, InvalidSyntax, "op is add, replace or remove")
	}
	if o.Path != "" {
		if urn, ok := p.foreign(o.Path, o.Value); ok {
			return p.extension(op, urn, o.Value)
		}
		target, known, err := p.t.ParsePath(o.Path)
		if err != nil || !known {
			return err
		}
		return p.at(op, target, o.Value, true)
	}
	if op == "remove" {
		return RefuseFor(Invalid, NoTarget, "remove needs a path")
	}
	object, ok := o.Value.(map[string]any)
	if !ok {
		return RefuseFor(Invalid, InvalidValue, "an operation without a path takes an object as its value")
	}
	return p.each(op, "", object)
}

// each acts on every attribute that the object names, also by dotted names and URNs. Sorted, so that the outcome never
// depends on the order of a map: name comes before name.givenName.
func (p *patch) each(op, prefix string, object map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if urn, ok := p.foreign(prefix+name, object[name]); ok {
			if err := p.extension(op, urn, object[name]); err != nil {
				return err
			}
			continue
		}
		target, known, err := p.t.ParsePath(prefix + name)
		if err != nil {
			return err
		}
		if !known {
			continue
		}
		if err := p.at(op, target, object[name], false); err != nil {
			return err
		}
	}
	return nil
}

// foreign tells whether a name is the URN of an extension as a whole that Rollcall does not know, and under which
// spelling the resource has it. From the name alone urn:a:b could also be attribute b of urn:a.
func (p *patch) foreign(name string, value any) (string, bool) {
	if !IsURN(name) {
		return "", false
	}
	for _, known := range append(p.t.Extensions, p.t.Core) {
		if _, inside := cutURN(name, known.ID); inside || strings.EqualFold(name, known.ID) {
			return "", false
		}
	}
	for _, urn := range slices.Sorted(maps.Keys(p.tree)) {
		if strings.EqualFold(urn, name) {
			return urn, true
		}
	}
	_, isObject := value.(map[string]any)
	return name, isObject
}

func (p *patch) at(op string, target Target, value any, explicit bool) error {
	if leaf := target.Leaf(); target.Attribute != nil && (target.Attribute.ReadOnly || leaf.ReadOnly) {
		if explicit {
			return RefuseFor(Invalid, Mutability, "attribute %s is read-only", PathName(target.Path))
		}
		return nil
	}
	if target.Attribute != nil && target.Attribute.Never {
		return nil
	}
	if p.t == GroupType && target.Attribute != nil && target.Attribute.Name == "members" {
		return p.members.patch(op, target, value)
	}
	if op != "remove" && (value == nil || value == "" && target.Leaf() != nil && target.Leaf().Type == Complex) {
		op = "remove"
	}
	switch {
	case target.Filter != nil:
		return p.selected(op, target, value)
	case len(target.Path) == 1 && target.Attribute == nil:
		return p.extension(op, target.Path[0], value)
	case target.Sub != nil && target.Attribute.MultiValued: // emails.value: of each value that there is
		return p.selected(op, Target{Ref: Ref{target.Path[:len(target.Path)-1], target.Attribute, nil}, Filter: everything, Selected: target.Sub}, value)
	}
	if op == "remove" {
		return p.remove(target, value)
	}
	leaf := target.Leaf()
	if leaf == nil { // in an unknown extension: verbatim
		assign(p.tree, target.Path, withoutNulls(value))
		return nil
	}
	v, err := leaf.Canonical(value)
	if err != nil {
		return err
	}
	if op == "add" {
		v = added(leaf, lookup(p.tree, target.Path), v)
	}
	assign(p.tree, target.Path, v)
	return nil
}

// added is what stands after an add (RFC 7644 §3.5.2.1): several values are joined, a complex value is merged into.
func added(a *Attribute, before, v any) any {
	if a.MultiValued {
		list, _ := before.([]any)
		more, _ := v.([]any)
		return onlyOnce(slices.Concat(list, more))
	}
	have, isObject := before.(map[string]any)
	more, both := v.(map[string]any)
	if isObject && both {
		merged := maps.Clone(have)
		maps.Copy(merged, more)
		return merged
	}
	return v
}

// extension acts on all of an extension's attributes: add merges, replace makes it anew, remove takes it away.
func (p *patch) extension(op, urn string, value any) error {
	if op == "remove" {
		delete(p.tree, urn)
		return nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return RefuseFor(Invalid, InvalidValue, "%s takes an object", urn)
	}
	if op == "add" && p.t.extension(urn) != nil {
		return p.each(op, urn+":", object)
	}
	_, v, err := p.t.canonicalExtension(urn, object)
	if err != nil {
		return err
	}
	if op == "add" {
		v = added(&Attribute{}, p.tree[urn], v)
	}
	assign(p.tree, []string{urn}, v)
	return nil
}

func (p *patch) remove(target Target, value any) error {
	list, isList := lookup(p.tree, target.Path).([]any)
	if !isList || value == nil || target.Attribute == nil {
		assign(p.tree, target.Path, nil)
		return nil
	}
	gone, err := target.Attribute.Canonical(value) // Entra names the values to remove in the operation's value
	if err != nil {
		return err
	}
	goneList, _ := gone.([]any)
	left := slices.DeleteFunc(slices.Clone(list), func(e any) bool {
		return slices.ContainsFunc(goneList, func(g any) bool { return sameValue(e, g) })
	})
	assign(p.tree, target.Path, left)
	return nil
}

// sameValue compares by the sub-attribute value where both have one.
func sameValue(a, b any) bool {
	am, aIs := a.(map[string]any)
	bm, bIs := b.(map[string]any)
	if aIs && bIs && am["value"] != nil && bm["value"] != nil {
		return am["value"] == bm["value"]
	}
	return equal(a, b)
}

// everything is a filter that selects every value.
var everything Filter = Or{Compare{Ref: Ref{Path: []string{"value"}}, Op: Present}, Not{Compare{Ref: Ref{Path: []string{"value"}}, Op: Present}}}

// selected acts on those values of a multi-valued attribute that the target's filter selects.
func (p *patch) selected(op string, target Target, value any) error {
	before, _ := lookup(p.tree, target.Path).([]any)
	values := clone(before).([]any)
	chosen := func(e any) (map[string]any, bool) {
		m, ok := e.(map[string]any)
		return m, ok && Matches(target.Filter, m)
	}
	if op == "remove" && target.Selected == nil {
		values = slices.DeleteFunc(values, func(e any) bool { _, ok := chosen(e); return ok })
		assign(p.tree, target.Path, values)
		return nil
	}
	edit, err := editOf(op, target, value)
	if err != nil {
		return err
	}
	last := -1
	for i, e := range values {
		if m, ok := chosen(e); ok {
			values[i], last = edit(m), i
		}
	}
	if last < 0 && op != "remove" {
		made, ok := described(target.Filter)
		if !ok {
			return RefuseFor(Invalid, NoTarget, "no value of %s matches the path's filter", PathName(target.Path))
		}
		values, last = append(values, edit(made)), len(values)
	}
	if last >= 0 {
		keepPrimary(values, last)
	}
	values = slices.DeleteFunc(values, isEmpty)
	assign(p.tree, target.Path, onlyOnce(values))
	return nil
}

// editOf is what the operation does to one selected value.
func editOf(op string, target Target, value any) (func(map[string]any) map[string]any, error) {
	if op == "remove" {
		return func(m map[string]any) map[string]any { delete(m, target.Selected.Name); return m }, nil
	}
	one := *target.Attribute
	one.MultiValued = false
	if target.Selected != nil {
		one = *target.Selected
	}
	v, err := one.Canonical(value)
	if err != nil {
		return nil, err
	}
	return func(m map[string]any) map[string]any {
		if target.Selected != nil {
			m[target.Selected.Name] = v
			return m
		}
		object, _ := clone(v).(map[string]any)
		if op == "replace" {
			return object
		}
		maps.Copy(m, object)
		return m
	}, nil
}

// keepPrimary lets the value at i be the only primary one if it is primary (RFC 7644 §3.5.2).
func keepPrimary(values []any, i int) {
	if m, ok := values[i].(map[string]any); !ok || m["primary"] != true {
		return
	}
	for j, e := range values {
		if m, ok := e.(map[string]any); ok && j != i {
			delete(m, "primary")
		}
	}
}

// described is the value that a filter of equalities describes: type eq "work" and primary eq true.
func described(f Filter) (map[string]any, bool) {
	switch f := f.(type) {
	case And:
		left, ok1 := described(f.Left)
		right, ok2 := described(f.Right)
		if !ok1 || !ok2 {
			return nil, false
		}
		maps.Copy(left, right)
		return left, true
	case Compare:
		if f.Op == Equal && f.Value != nil {
			return map[string]any{f.Ref.Path[0]: f.Value}, true
		}
	}
	return nil, false
}
