package domain

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Attributes is a resource's attributes by their canonical names, those of an extension in an object under its URN.
// Values are what JSON has: string, bool, json.Number, map[string]any and []any. An unassigned attribute is absent: never
// null, never an empty array or object (RFC 7643 §2.5). Attributes are immutable once made: change a Clone.
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

// Canonical reads a resource as a client sent it (RFC 7643 §2.1: names without regard to case) and answers it by canonical names.
// Read-only attributes, the password and unknown core attributes are left out; extensions are kept, also
// unknown ones. What identity providers are known to write otherwise is understood: see Attribute.Canonical.
func (t *ResourceType) Canonical(resource map[string]any) (Attributes, error) {
	out := Attributes{}
	for _, name := range slices.Sorted(maps.Keys(resource)) {
		canonical, value, err := t.canonical(name, resource[name])
		if err != nil {
			return nil, err
		}
		if canonical == "" || isEmpty(value) {
			continue
		}
		if _, twice := out[canonical]; twice {
			return nil, RefuseFor(Invalid, InvalidSyntax, "attribute %s is given twice", canonical)
		}
		out[canonical] = value
	}
	return out, nil
}

func (t *ResourceType) canonical(name string, value any) (string, any, error) {
	if IsURN(name) {
		if strings.EqualFold(name, t.Core.ID) { // some write the core attributes under their own URN
			return "", nil, RefuseFor(Invalid, InvalidSyntax, "attributes of %s belong at the top of the resource", t.Core.ID)
		}
		return t.canonicalExtension(name, value)
	}
	a := find(t.Core.Attributes, name)
	if a == nil || a.ReadOnly || a.Never {
		return "", nil, nil
	}
	v, err := a.Canonical(value)
	return a.Name, v, err
}

func (t *ResourceType) canonicalExtension(urn string, value any) (string, any, error) {
	if value == nil {
		return "", nil, nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return "", nil, RefuseFor(Invalid, InvalidValue, "%s is not an object", urn)
	}
	known := t.extension(urn)
	if known == nil {
		return urn, withoutNulls(object), nil
	}
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		v := object[name]
		if a := find(known.Attributes, name); a != nil {
			if a.ReadOnly {
				continue
			}
			var err error
			if v, err = a.Canonical(v); err != nil {
				return "", nil, err
			}
			name = a.Name
		} else {
			v = withoutNulls(v)
		}
		if isEmpty(v) {
			continue
		}
		if _, twice := out[name]; twice {
			return "", nil, RefuseFor(Invalid, InvalidSyntax, "attribute %s:%s is given twice", known.ID, name)
		}
		out[name] = v
	}
	return known.ID, out, nil
}

// withoutNulls keeps a value verbatim but for the members that are null: unassigned, in SCIM (RFC 7643 §2.5).
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if e = withoutNulls(e); !isEmpty(e) {
				out[k] = e
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			if e = withoutNulls(e); e != nil {
				out = append(out, e)
			}
		}
		return out
	}
	return v
}

// Canonical is a value of the attribute in the form in which it is kept, or an invalidValue error. Beyond RFC 7643 it
// understands booleans written as strings ("True"), one value where several may stand, the single element of an array where one may
// stand, and a string where an object with a value may stand (a manager's id, a member's id).
func (a *Attribute) Canonical(value any) (any, error) {
	if !a.MultiValued {
		if list, ok := value.([]any); ok && len(list) == 1 {
			value = list[0]
		}
		return a.one(value)
	}
	list, ok := value.([]any)
	if !ok {
		if value == nil {
			return nil, nil
		}
		list = []any{value}
	}
	out := make([]any, 0, len(list))
	for _, e := range list {
		v, err := a.one(e)
		if err != nil {
			return nil, err
		}
		if !isEmpty(v) {
			out = append(out, v)
		}
	}
	return onlyOnce(out), nil
}

func (a *Attribute) one(value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch a.Type {
	case Boolean:
		switch v := value.(type) {
		case bool:
			return v, nil
		case string:
			if strings.EqualFold(v, "true") || strings.EqualFold(v, "false") {
				return strings.EqualFold(v, "true"), nil
			}
		}
		return nil, a.refuse("a boolean")
	case Integer:
		if n, ok := value.(json.Number); ok {
			if _, err := n.Int64(); err == nil {
				return n, nil
			}
		}
		return nil, a.refuse("an integer")
	case DateTime:
		if s, ok := value.(string); ok {
			if _, err := time.Parse(time.RFC3339, s); err == nil {
				return s, nil
			}
		}
		return nil, a.refuse("a dateTime, as 2026-01-31T12:00:00Z")
	case Complex:
		return a.complex(value)
	}
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number: // seen for employeeNumber and postalCode
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return nil, a.refuse("a string")
}

func (a *Attribute) complex(value any) (any, error) {
	object, ok := value.(map[string]any)
	if !ok {
		s, isText := value.(string)
		if !isText || a.sub("value") == nil {
			return nil, a.refuse("an object")
		}
		if strings.HasPrefix(s, "{") && json.Unmarshal([]byte(s), &object) == nil { // Entra's AssertiveAppRoleAssignmentsComplex
			return a.complex(object)
		}
		if s == "" {
			return nil, nil
		}
		object = map[string]any{"value": s}
	}
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		sub := a.sub(name)
		if sub == nil || sub.ReadOnly {
			continue
		}
		v, err := sub.Canonical(object[name])
		if err != nil {
			return nil, err
		}
		if !isEmpty(v) {
			out[sub.Name] = v
		}
	}
	if !a.MultiValued && a.sub("value") != nil && (out["value"] == nil || out["value"] == "") { // {"value":""} takes a manager away
		return nil, nil
	}
	return out, nil
}

func (a *Attribute) refuse(want string) error {
	return RefuseFor(Invalid, InvalidValue, "attribute %s is not %s", a.Name, want)
}

// onlyOnce drops values that stand twice and keeps one primary, the last (RFC 7643 §2.4).
func onlyOnce(list []any) []any {
	if len(list) < 2 {
		return list
	}
	seen := make(map[string]bool, len(list))
	out := list[:0]
	for _, e := range list {
		key := valueKey(e)
		if seen[key] {
			continue
		}
		seen[key] = true
		out = append(out, e)
	}
	return onePrimary(out)
}

func onePrimary(list []any) []any {
	found := false
	for _, e := range slices.Backward(list) {
		if m, ok := e.(map[string]any); ok && m["primary"] == true {
			if found {
				delete(m, "primary")
			}
			found = true
		}
	}
	return list
}

// valueKey is a text that is the same for equal values only.
func valueKey(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// ReadObject reads one JSON object and keeps its numbers as they are written. Anything after it, nesting deeper than
// maxDepth and anything that is not an object is invalidSyntax.
func ReadObject(data []byte, maxDepth int) (map[string]any, error) {
	if depth(data) > maxDepth {
		return nil, RefuseFor(Invalid, InvalidSyntax, "the body is nested deeper than %d", maxDepth)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil || object == nil {
		return nil, RefuseFor(Invalid, InvalidSyntax, "the body is not a JSON object")
	}
	if d.More() || len(bytes.TrimSpace(data[d.InputOffset():])) > 0 {
		return nil, RefuseFor(Invalid, InvalidSyntax, "something follows the JSON object in the body")
	}
	return object, nil
}

// depth counts how deep brackets nest outside strings, so that a hostile body costs one pass and no memory.
func depth(data []byte) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
