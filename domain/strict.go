package domain

import "strings"

// literally acts on an operation as draft-zollner-scim-interop-profile restricts it: every operation has a path, and the
// path is that of one attribute in the schema. What else a lenient directory understands is refused, with the reason that RFC 7644
// §3.12 has for it.
func (p *patch) literally(o PatchOp) error {
	switch o.Op {
	case "add", "replace", "remove":
	default:
		return RefuseFor(Invalid, InvalidSyntax, "op is written in lower case")
	}
	switch {
	case o.Path == "" && o.Op == "remove": // RFC 7644 §3.5.2.2
		return RefuseFor(Invalid, NoTarget, "remove needs a path")
	case o.Path == "":
		return RefuseFor(Invalid, InvalidSyntax, "each operation needs a path")
	case o.Op == "remove" && o.Value != nil:
		return RefuseFor(Invalid, InvalidValue, "remove takes no value; a filter in the path selects what goes")
	case o.Op != "remove" && o.Value == nil:
		return RefuseFor(Invalid, InvalidValue, "%s takes a value; remove takes one away", o.Op)
	}
	target, known, err := p.t.parsePath(p.dialect, o.Path)
	switch {
	case err != nil:
		return err
	case !known || target.Attribute == nil || !p.t.literal(o.Path, target.Ref):
		return p.dialect.unknownPath(o.Path)
	}
	if err := target.writable(o.Value); err != nil {
		return err
	}
	return p.at(o.Op, target, o.Value, true)
}

// member finds a member of an object by its name without regard to case.
func member(object map[string]any, name string) (any, bool) {
	for key, value := range object {
		if strings.EqualFold(key, name) {
			return value, true
		}
	}
	return nil, false
}

// writable refuses a value that holds a read-only sub-attribute. A whole resource may hold such, since a client writes back
// what it read (RFC 7644 §3.5.1); an operation names what it wants to change.
func (t Target) writable(value any) error {
	if t.Leaf() != t.Attribute || t.Selected != nil {
		return nil // at refuses the sub-attribute itself
	}
	list, several := value.([]any)
	if !several {
		list = []any{value}
	}
	for _, e := range list {
		object, _ := e.(map[string]any)
		for _, sub := range t.Attribute.Sub {
			if _, given := member(object, sub.Name); given && sub.ReadOnly {
				return RefuseFor(Invalid, Mutability, "attribute %s.%s is read-only", t.Attribute.Name, sub.Name)
			}
		}
	}
	return nil
}
