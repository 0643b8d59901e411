package domain

import (
	"slices"
	"strings"
)

// Limits on what a stranger may ask to be parsed.
const (
	MaxFilterLength = 4096
	MaxPathLength   = 1024
	MaxFilterDepth  = 16
	MaxFilterTerms  = 64
)

// Ref is an attribute that a filter or a path names, found in the schema.
type Ref struct {
	Path      []string   // canonical names from the top; the URN first for an extension
	Attribute *Attribute // nil for an extension as a whole and for what Rollcall does not know
	Sub       *Attribute // nil unless a sub-attribute is named
}

// Leaf is the definition of what the Ref names, nil if it is not known.
func (r Ref) Leaf() *Attribute {
	if r.Sub != nil {
		return r.Sub
	}
	return r.Attribute
}

// Target is where a PATCH operation acts (RFC 7644 §3.5.2, figure 7): a Ref, for a multi-valued attribute perhaps with a filter that selects
// some of its values, and perhaps a sub-attribute of those.
type Target struct {
	Ref
	Filter   Filter
	Selected *Attribute // the sub-attribute behind the filter
}

// Resolve finds an attribute by the name that a client wrote: userName, name.familyName, urn:…:User:department, also with the
// core schema's URN before it, in any case, and with a dot after the URN. A known extension's attribute is also found without
// its URN, as Entra writes manager. It answers false for what is not in the schema; an attribute of an unknown extension is
// always found.
func (t *ResourceType) Resolve(name string) (Ref, bool) {
	if !IsURN(name) {
		if ref, ok := resolve(nil, t.Core.Attributes, name); ok {
			return ref, true
		}
		first, _, _ := strings.Cut(name, ".")
		for i := range t.Extensions {
			if s := &t.Extensions[i]; find(s.Attributes, first) != nil {
				return resolve([]string{s.ID}, s.Attributes, name)
			}
		}
		return Ref{}, false
	}
	if rest, ok := cutURN(name, t.Core.ID); ok {
		return resolve(nil, t.Core.Attributes, rest)
	}
	for i := range t.Extensions {
		s := &t.Extensions[i]
		if strings.EqualFold(name, s.ID) {
			return Ref{Path: []string{s.ID}}, true
		}
		if rest, ok := cutURN(name, s.ID); ok {
			return resolve([]string{s.ID}, s.Attributes, rest)
		}
	}
	colon := strings.LastIndexByte(name, ':')
	urn, rest := name[:colon], name[colon+1:]
	if len(urn) <= len("urn:") || rest == "" || strings.EqualFold(name, t.Core.ID) {
		return Ref{}, false
	}
	if attribute, sub, dotted := strings.Cut(rest, "."); dotted && attribute != "" && sub != "" {
		return Ref{Path: []string{urn, attribute, sub}}, true
	}
	return Ref{Path: []string{urn, rest}}, true
}

// literal tells whether a name that Resolve finds is written as RFC 7644 §3.10 has it: an extension's attribute with its URN, and a colon
// behind that.
func (t *ResourceType) literal(name string, ref Ref) bool {
	if len(ref.Path) == 0 || !IsURN(ref.Path[0]) {
		return !IsURN(name) || name[len(t.Core.ID)] == ':'
	}
	return IsURN(name) && name[len(ref.Path[0])] == ':'
}

// cutURN is what follows a schema's URN in a name.
func cutURN(name, urn string) (string, bool) {
	if len(name) <= len(urn)+1 || !strings.EqualFold(name[:len(urn)], urn) {
		return "", false
	}
	if c := name[len(urn)]; c != ':' && c != '.' {
		return "", false
	}
	return name[len(urn)+1:], true
}

// within tells whether a name is one behind the URN of a known schema.
func (t *ResourceType) within(name string) bool {
	if _, ok := cutURN(name, t.Core.ID); ok {
		return true
	}
	return slices.ContainsFunc(t.Extensions, func(s Schema) bool { _, ok := cutURN(name, s.ID); return ok })
}

func resolve(prefix []string, attributes []Attribute, name string) (Ref, bool) {
	first, second, dotted := strings.Cut(name, ".")
	a := find(attributes, first)
	if a == nil {
		if len(prefix) > 0 && name != "" { // kept verbatim inside a known extension
			return Ref{Path: append(slices.Clip(prefix), name)}, true
		}
		return Ref{}, false
	}
	ref := Ref{Path: append(slices.Clip(prefix), a.Name), Attribute: a}
	if dotted {
		if ref.Sub = a.sub(second); ref.Sub == nil {
			return Ref{}, false
		}
		ref.Path = append(ref.Path, ref.Sub.Name)
	}
	return ref, true
}

// ParsePath reads the path of a PATCH operation. It answers an invalidPath error for what is not a path, invalidFilter
// for what cannot be read between its brackets, and false for a well-formed path to an attribute that is not in the schema.
func (t *ResourceType) ParsePath(text string) (Target, bool, error) {
	return t.parsePath(Dialect{}, text)
}

func (t *ResourceType) parsePath(d Dialect, text string) (Target, bool, error) {
	if len(text) > MaxPathLength {
		return Target{}, false, RefuseFor(Invalid, InvalidPath, "the path is longer than %d bytes", MaxPathLength)
	}
	p := &parser{text: text, reason: InvalidPath, dialect: d, resources: t}
	name := p.word()
	if name == "" {
		return Target{}, false, p.refuse("an attribute's name is missing")
	}
	ref, known := t.Resolve(name)
	target := Target{Ref: ref}
	if p.skip('[') {
		of := ref.Attribute
		if !known {
			return Target{}, false, nil // what an unknown attribute's brackets hold cannot be read
		}
		if of == nil || ref.Sub != nil || !of.MultiValued || of.Type != Complex {
			return Target{}, false, p.refuse("only a complex multi-valued attribute takes a filter")
		}
		var err error
		if target.Filter, err = p.bracketed(of, 0); err != nil {
			return Target{}, false, err
		}
		if p.next('.') {
			sub := p.word()
			if sub == "" {
				return Target{}, false, p.refuse("a sub-attribute's name is missing")
			}
			target.Selected = of.sub(sub)
			known = target.Selected != nil
		}
	}
	if !p.ended() {
		return Target{}, false, p.refuse("something follows the path")
	}
	return target, known, nil
}
