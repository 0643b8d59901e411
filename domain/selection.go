package domain

import (
	"maps"
	"slices"
)

// selected acts on those values of a multi-valued attribute that the target's filter selects; without a filter, on
// all: emails.value is the value of each e-mail address.
func (p *patch) selected(op string, t Target, value any) error {
	path, sub := t.Path, t.Selected
	if t.Sub != nil {
		path, sub = path[:len(path)-1], t.Sub
	}
	values, _ := lookup(p.tree, path).([]any)
	if err := p.charge(weight(values), 1+terms(t.Filter)); err != nil {
		return err
	}
	chosen := func(e any) bool {
		m, ok := e.(map[string]any)
		return ok && (t.Filter == nil || Matches(t.Filter, m))
	}
	if op == "remove" && sub == nil {
		assign(p.tree, path, slices.DeleteFunc(values, chosen))
		return nil
	}
	edit, err := p.editOf(op, t.Attribute, sub, value)
	if err != nil {
		return err
	}
	last, edited := -1, []any(nil)
	for i, e := range values {
		if chosen(e) {
			values[i], last = edit(e.(map[string]any)), i
			edited = append(edited, values[i])
		}
	}
	if p.dialect.Strict && primaries(edited) > 1 {
		return t.Attribute.refuseSecondPrimary()
	}
	if last < 0 && op != "remove" {
		made, ok := described(t.Filter)
		literal := p.dialect.Strict && op == "replace" && t.Filter != nil // RFC 7644 §3.5.2.3 wants it refused
		if !ok || literal || t.Filter != nil && !Matches(t.Filter, made) {
			return RefuseFor(Invalid, NoTarget, "no value of %s matches the path's filter", PathName(path))
		}
		for name, v := range edit(maps.Clone(made)) {
			made[name] = v
		}
		last, values = len(values), append(values, made)
	}
	if last < 0 {
		return nil
	}
	keepPrimary(values, last)
	assign(p.tree, path, onlyOnce(slices.DeleteFunc(values, isEmpty)))
	return nil
}

// editOf is what the operation does to one selected value: to all of it, or to a sub-attribute. It may change the value that
// it is given.
func (p *patch) editOf(op string, a, sub *Attribute, value any) (func(map[string]any) map[string]any, error) {
	if list, ok := value.([]any); ok && len(list) == 1 && sub == nil && !p.dialect.Strict {
		value = list[0]
	}
	read := a.one
	if sub != nil {
		read = sub.read
	}
	v, err := read(p.dialect, value)
	if err != nil {
		return nil, err
	}
	if sub != nil {
		return func(m map[string]any) map[string]any {
			assign(m, []string{sub.Name}, v)
			if v == nil && sub.Name == "value" && hollow(m) {
				return nil
			}
			return m
		}, nil
	}
	object, _ := v.(map[string]any)
	return func(m map[string]any) map[string]any {
		if op == "replace" || object == nil {
			return maps.Clone(object)
		}
		p.clearNulls(m, a, value)
		maps.Copy(m, object)
		return m
	}, nil
}

// hollow tells whether nothing is left of a value whose value was removed: a type alone is no e-mail address.
func hollow(m map[string]any) bool {
	for name := range m {
		if name != "type" && name != "primary" && name != "display" {
			return false
		}
	}
	return true
}

// described is the value that a filter of equalities describes: type eq "work" and primary eq true.
func described(f Filter) (map[string]any, bool) {
	switch f := f.(type) {
	case nil:
		return map[string]any{}, true
	case And:
		left, ok := described(f.Left)
		right, both := described(f.Right)
		if !ok || !both {
			return nil, false
		}
		maps.Copy(left, right)
		return left, true
	case Compare:
		switch f.Value.(type) {
		case string, bool:
			return map[string]any{f.Ref.Path[0]: f.Value}, f.Op == Equal
		}
	}
	return nil, false
}

// terms counts the comparisons of a filter.
func terms(f Filter) int {
	switch f := f.(type) {
	case And:
		return terms(f.Left) + terms(f.Right)
	case Or:
		return terms(f.Left) + terms(f.Right)
	case Not:
		return terms(f.Filter)
	case Has:
		return terms(f.Filter)
	case Compare:
		return 1
	}
	return 0
}
