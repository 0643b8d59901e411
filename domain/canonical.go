package domain

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Canonical reads a resource as a client sent it (RFC 7643 §2.1: names without regard to case) and answers it by canonical names.
// Read-only attributes, the password and unknown core attributes are left out; extensions are kept, also
// unknown ones. What identity providers are known to write otherwise is understood: see Attribute.Canonical.
// A group's members are among what it answers; they are no attributes of the Group state: see PlanMembers.
func (t *ResourceType) Canonical(resource map[string]any) (Attributes, error) {
	out := Attributes{}
	spelled := map[string]bool{} // unknown URNs keep their spelling, and are still the same in another case
	for _, name := range slices.Sorted(maps.Keys(resource)) {
		canonical, value, err := t.canonical(name, resource[name])
		if err != nil {
			return nil, err
		}
		if canonical == "" || isEmpty(value) {
			continue
		}
		if key := strings.ToLower(canonical); spelled[key] {
			return nil, RefuseFor(Invalid, InvalidSyntax, "attribute %s is given twice", canonical)
		} else {
			spelled[key] = true
		}
		out[canonical] = value
	}
	return out, nil
}

func (t *ResourceType) canonical(name string, value any) (string, any, error) {
	if IsURN(name) {
		if strings.EqualFold(name, t.Core.ID) {
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

// withoutNulls keeps a value verbatim but for what is unassigned, in SCIM (RFC 7643 §2.5): members that are null, an empty array
// or an empty object, and elements that are null.
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
// stand, and a string where an object with a value may stand (a manager's id, a member's id, Entra's JSON in a string).
// What it answers shares nothing with what it was given.
func (a *Attribute) Canonical(value any) (any, error) {
	list, isList := value.([]any)
	if !a.MultiValued {
		switch {
		case isList && len(list) == 0:
			return nil, nil
		case isList && len(list) == 1:
			value = list[0]
		}
		return a.one(value)
	}
	if !isList {
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
	if s, ok := asText(value); ok {
		return s, nil
	}
	return nil, a.refuse("a string")
}

// asText is a scalar as a text: numbers are seen for employeeNumber and postalCode.
func asText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func (a *Attribute) complex(value any) (any, error) {
	object, err := a.object(value)
	if object == nil {
		return nil, err
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
		if !a.MultiValued && sub.Name == "value" && (v == nil || v == "") { // {"value":""} takes a manager away
			return nil, nil
		}
		if isEmpty(v) {
			continue
		}
		if _, twice := out[sub.Name]; twice {
			return nil, RefuseFor(Invalid, InvalidSyntax, "attribute %s.%s is given twice", a.Name, sub.Name)
		}
		out[sub.Name] = v
	}
	return out, nil
}

// object is what stands for a complex value: an object, or a text for the attributes that have a value; nil for the
// empty text.
func (a *Attribute) object(value any) (map[string]any, error) {
	if object, ok := value.(map[string]any); ok {
		if id := object["managerId"]; id != nil && a.Name == "manager" && object["value"] == nil { // SCIM 1.1, still in OneLogin's templates
			return map[string]any{"value": id}, nil
		}
		return object, nil
	}
	text, ok := asText(value)
	switch {
	case ok && text == "":
		return nil, nil
	case !ok || a.sub("value") == nil:
		return nil, a.refuse("an object")
	}
	if strings.HasPrefix(text, "{") { // Entra's AssertiveAppRoleAssignmentsComplex
		if object, err := ReadObject([]byte(text), 4); err == nil {
			return object, nil
		}
	}
	return map[string]any{"value": text}, nil
}

func (a *Attribute) refuse(want string) error {
	return RefuseFor(Invalid, InvalidValue, "attribute %s is not %s", a.Name, want)
}
