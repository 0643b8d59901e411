package domain

import "reflect"

// Attributes is a resource's attributes by their canonical names, those of an extension in an object under its URN.
// Values are what JSON has: string, bool, json.Number, map[string]any and []any. An unassigned attribute is absent: never
// null, never an empty array or object (RFC 7643 §2.5); only within an array of an attribute without a definition null may stand.
// Attributes are immutable once made: change a Clone.
type Attributes map[string]any

// Text is the value of a string attribute, "" where it is absent.
func (a Attributes) Text(path ...string) string {
	s, _ := lookup(a, path).(string)
	return s
}

// Active is the administrative status of a user; a user without one is active.
func (a Attributes) Active() bool {
	active, given := a["active"].(bool)
	return active || !given
}

// Clone is a deep copy.
func (a Attributes) Clone() Attributes { return clone(map[string]any(a)).(map[string]any) }

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for k, e := range v {
			c[k] = clone(e)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, e := range v {
			c[i] = clone(e)
		}
		return c
	}
	return v
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

func lookup(tree map[string]any, path []string) any {
	var v any = tree
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// assign puts a value at a path and makes the objects on the way; without a value it takes away what is there, and the
// objects that become empty.
func assign(tree map[string]any, path []string, value any) {
	name, rest := path[0], path[1:]
	if len(rest) > 0 {
		child, ok := tree[name].(map[string]any)
		if !ok {
			if value == nil {
				return
			}
			child = map[string]any{}
		}
		assign(child, rest, value)
		value = child
	}
	if isEmpty(value) {
		delete(tree, name)
	} else {
		tree[name] = value
	}
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}
