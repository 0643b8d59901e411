package domain

import "strings"

// Matches tells whether a value of a multi-valued attribute satisfies a filter over its sub-attributes.
func Matches(f Filter, element map[string]any) bool {
	switch f := f.(type) {
	case And:
		return Matches(f.Left, element) && Matches(f.Right, element)
	case Or:
		return Matches(f.Left, element) || Matches(f.Right, element)
	case Not:
		return !Matches(f.Filter, element)
	case Compare:
		return f.holds(lookup(element, f.Ref.Path))
	}
	return false
}

func (c Compare) holds(v any) bool {
	if c.Op == Present {
		return !isEmpty(v) && v != ""
	}
	if c.Value == nil {
		return isEmpty(v) == (c.Op == Equal)
	}
	switch want := c.Value.(type) {
	case bool: // absent is false, for primary as for any other
		have, _ := v.(bool)
		return (have == want) == (c.Op == Equal)
	case string:
		if have, ok := v.(string); ok {
			return c.text(have, want)
		}
	}
	return c.Op == NotEqual // what is absent or of another type is not equal, and nothing else
}

func (c Compare) text(have, want string) bool {
	if leaf := c.Ref.Leaf(); leaf == nil || !leaf.CaseExact {
		have, want = FoldKey(have), FoldKey(want)
	}
	switch c.Op {
	case Contains:
		return strings.Contains(have, want)
	case StartsWith:
		return strings.HasPrefix(have, want)
	case EndsWith:
		return strings.HasSuffix(have, want)
	}
	order := strings.Compare(have, want)
	switch c.Op {
	case Equal:
		return order == 0
	case NotEqual:
		return order != 0
	case Greater:
		return order > 0
	case GreaterOrEqual:
		return order >= 0
	case Less:
		return order < 0
	case LessOrEqual:
		return order <= 0
	}
	return false
}
