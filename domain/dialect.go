package domain

import "strings"

// Dialect is how literally a directory reads what its provider writes. The zero Dialect is lenient: what identity providers
// are known to write beside RFC 7643 and RFC 7644 is understood as it is meant. A strict one keeps to
// draft-zollner-scim-interop-profile: it refuses what is not written as the standards say, so that a client learns of its mistakes.
type Dialect struct{ Strict bool }

// The names of the dialects.
const (
	lenient = "lenient"
	strict  = "strict"
)

// ParseDialect reads a dialect's name; "" is lenient.
func ParseDialect(s string) (Dialect, error) {
	switch s {
	case "", lenient:
		return Dialect{}, nil
	case strict:
		return Dialect{Strict: true}, nil
	}
	return Dialect{}, RefuseField("interop", "is neither lenient nor strict")
}

func (d Dialect) String() string {
	if d.Strict {
		return strict
	}
	return lenient
}

// unknown refuses an attribute that no schema has, where a whole resource or the value of an operation names it; nil if
// the dialect passes it over.
func (d Dialect) unknown(name string) error {
	if !d.Strict {
		return nil
	}
	return RefuseFor(Invalid, InvalidValue, "there is no attribute %s", name)
}

// unknownPath is unknown for the path of an operation.
func (d Dialect) unknownPath(path string) error {
	if !d.Strict {
		return nil
	}
	return RefuseFor(Invalid, InvalidPath, "there is no attribute %s", path)
}

// schemas holds the schemas that a whole resource says it has (RFC 7643 §3) against those of its type, and against what it holds: an
// extension that is there is named.
func (d Dialect) schemas(t *ResourceType, resource map[string]any) error {
	if !d.Strict {
		return nil
	}
	named := map[*Schema]bool{}
	for name, value := range resource {
		if !strings.EqualFold(name, "schemas") {
			continue
		}
		list, isList := value.([]any)
		if !isList {
			return RefuseFor(Invalid, InvalidSyntax, "schemas is not an array")
		}
		for _, e := range list {
			urn, _ := e.(string)
			s := t.schema(urn)
			if s == nil {
				return RefuseFor(Invalid, InvalidValue, "schemas names one that a %s does not have", t.Name)
			}
			named[s] = true
		}
	}
	for i := range t.Extensions {
		s := &t.Extensions[i]
		if value, _ := member(resource, s.ID); value != nil && !named[s] {
			return RefuseFor(Invalid, InvalidSyntax, "schemas does not name %s, which is there", s.ID)
		}
	}
	if !named[&t.Core] {
		return RefuseFor(Invalid, InvalidSyntax, "schemas does not name %s", t.Core.ID)
	}
	return nil
}
