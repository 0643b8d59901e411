package domain

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Canonical is Dialect.Canonical of the lenient dialect.
func (t *ResourceType) Canonical(resource map[string]any) (Attributes, error) {
	return Dialect{}.Canonical(t, resource)
}

// Canonical reads a resource as a client sent it (RFC 7643 §2.1: names without regard to case) and answers it by canonical names.
// Read-only attributes, the password and unknown core attributes are left out; extensions are kept, also
// unknown ones. What identity providers are known to write otherwise is understood: see Attribute.Canonical for values, and Lift and
// bringHome for names.
// A group's members are among what it answers; they are no attributes of the Group state: see PlanMembers.
//
// A strict dialect refuses all that is unknown, and what has another shape than its schema says.
func (d Dialect) Canonical(t *ResourceType, resource map[string]any) (Attributes, error) {
	if err := d.schemas(t, resource); err != nil {
		return nil, err
	}
	resource, err := d.Lift(t, resource)
	if err != nil {
		return nil, err
	}
	out := Attributes{}
	spelled := map[string]bool{} // unknown URNs keep their spelling, and are still the same in another case
	var elsewhere []string
	for _, name := range slices.Sorted(maps.Keys(resource)) {
		if !d.Strict && !t.inPlace(name, resource[name]) {
			elsewhere = append(elsewhere, name)
			continue
		}
		canonical, value, err := d.canonical(t, name, resource[name])
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
	return out, d.bringHome(t, out, elsewhere, resource)
}

func (d Dialect) canonical(t *ResourceType, name string, value any) (string, any, error) {
	if IsURN(name) {
		if strings.EqualFold(name, t.Core.ID) {
			return "", nil, RefuseFor(Invalid, InvalidSyntax, "attributes of %s belong at the top of the resource", t.Core.ID)
		}
		return d.canonicalExtension(t, name, value)
	}
	a := find(t.Core.Attributes, name)
	if a == nil {
		return "", nil, d.unknown(name)
	}
	if a.ReadOnly || a.Never {
		return "", nil, nil
	}
	v, err := a.read(d, value)
	return a.Name, v, err
}

func (d Dialect) canonicalExtension(t *ResourceType, urn string, value any) (string, any, error) {
	known := t.extension(urn)
	if known == nil && d.Strict {
		return "", nil, d.unknown(urn)
	}
	if value == nil || known == nil && isPassword(urn) {
		return "", nil, nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return "", nil, RefuseFor(Invalid, InvalidValue, "%s is not an object", urn)
	}
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
			if v, err = a.read(d, v); err != nil {
				return "", nil, err
			}
			name = a.Name
		} else if err := d.unknown(known.ID + ":" + name); err != nil {
			return "", nil, err
		} else if isPassword(name) {
			continue
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

// isPassword tells whether what has no definition is a password by its name or by the end of its path. Such a one is not kept
// either: the log cannot forget it.
func isPassword(path string) bool {
	return strings.EqualFold(path[strings.LastIndexAny(path, ":.")+1:], "password")
}

// withoutNulls keeps a value verbatim but for what is unassigned, in SCIM (RFC 7643 §2.5): members that are null, an empty array
// or an empty object; and but for passwords. An element that is null has its place in the array, and stays.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if e = withoutNulls(e); !isEmpty(e) && !isPassword(k) {
				out[k] = e
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, withoutNulls(e))
		}
		return out
	}
	return v
}

// Canonical is a value of the attribute in the form in which it is kept, or an invalidValue error. Beyond RFC 7643 it
// understands booleans written as strings ("True", "1"), one value where several may stand, the single element of an array where one may
// stand, and a string where an object with a value may stand (a manager's id, a member's id, Entra's JSON in a string).
// What it answers shares nothing with what it was given.
func (a *Attribute) Canonical(value any) (any, error) { return a.read(Dialect{}, value) }

// read is Canonical in a dialect; a strict one wants each value in the form that RFC 7643 gives it.
func (a *Attribute) read(d Dialect, value any) (any, error) {
	list, isList := value.([]any)
	if !a.MultiValued {
		switch {
		case d.Strict:
		case isList && len(list) == 0:
			return nil, nil
		case isList && len(list) == 1:
			value = list[0]
		}
		return a.one(d, value)
	}
	if !isList {
		switch {
		case value == nil:
			return nil, nil
		case d.Strict:
			return nil, a.refuse("an array")
		}
		list = []any{value}
	}
	out := make([]any, 0, len(list))
	for _, e := range list {
		v, err := a.one(d, e)
		if err != nil {
			return nil, err
		}
		if !isEmpty(v) {
			out = append(out, v)
		}
	}
	if d.Strict && primaries(out) > 1 {
		return nil, a.refuseSecondPrimary()
	}
	return onlyOnce(out), nil
}

func (a *Attribute) one(d Dialect, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch a.Type {
	case Boolean:
		return a.boolean(d, value)
	case Integer:
		if n, ok := value.(json.Number); ok {
			if _, err := n.Int64(); err == nil {
				return n, nil
			}
		}
		return nil, a.refuse("an integer")
	case DateTime:
		if s, ok := value.(string); ok {
			if _, err := parseDateTime(s); err == nil {
				return s, nil
			}
		}
		return nil, a.refuse("a dateTime, as 2026-01-31T12:00:00Z")
	case Complex:
		return a.complex(d, value)
	case Binary: // RFC 7643 §2.3.6
		if s, ok := value.(string); ok && isBase64(s) {
			return s, nil
		}
		return nil, a.refuse("in base64")
	}
	if s, ok := value.(string); ok {
		return s, nil
	}
	if s, ok := asText(value); ok && !d.Strict {
		return s, nil
	}
	return nil, a.refuse("a string")
}

// boolean reads a boolean. Beside the texts true and false, 1 and 0 are seen, and an empty text for what is unassigned.
func (a *Attribute) boolean(d Dialect, value any) (any, error) {
	if v, ok := value.(bool); ok {
		return v, nil
	}
	if text, ok := asText(value); ok && !d.Strict {
		switch strings.ToLower(text) {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		case "":
			return nil, nil
		}
	}
	return nil, a.refuse("a boolean")
}

// parseDateTime reads an xsd:dateTime (RFC 7643 §2.3.5); one that does not say its zone is taken to be in UTC.
func parseDateTime(s string) (time.Time, error) {
	when, err := time.Parse(time.RFC3339, s)
	if err != nil {
		when, err = time.Parse("2006-01-02T15:04:05", s)
	}
	return when.UTC(), err
}

func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil && !strings.ContainsAny(s, "\r\n") // which it passes over
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

func (a *Attribute) complex(d Dialect, value any) (any, error) {
	object, err := a.object(d, value)
	if object == nil {
		return nil, err
	}
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		sub := a.sub(name)
		if sub == nil {
			if err := d.unknown(a.Name + "." + name); err != nil {
				return nil, err
			}
			continue
		}
		if sub.ReadOnly {
			continue
		}
		v, err := sub.read(d, object[name])
		if err != nil {
			return nil, err
		}
		if !a.MultiValued && sub.Name == "value" && (v == nil || v == "") { // {"value":""} takes a manager away
			if d.Strict {
				return nil, a.refuse("assigned by an empty value")
			}
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
func (a *Attribute) object(d Dialect, value any) (map[string]any, error) {
	object, ok := value.(map[string]any)
	switch {
	case d.Strict && !ok:
		return nil, a.refuse("an object")
	case d.Strict:
		return object, nil
	case ok:
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

func (a *Attribute) refuseSecondPrimary() error {
	return RefuseFor(Invalid, InvalidValue, "more than one of %s is primary", a.Name)
}

func (a *Attribute) refuse(want string) error {
	return RefuseFor(Invalid, InvalidValue, "attribute %s is not %s", a.Name, want)
}
