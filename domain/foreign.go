package domain

import (
	"maps"
	"slices"
	"strings"
)

// Attributes that Rollcall has no definition of, in extensions that it does or does not know, are kept verbatim. Their names, like
// all (RFC 7643 §2.1), are compared without regard to case, and keep the spelling that they came with.

// foreign acts on an unknown extension, or on one attribute of it.
func (p *patch) foreign(op, name string, value any, explicit bool) error {
	if len(name) > MaxPathLength {
		return RefuseFor(Invalid, InvalidPath, "the path is longer than %d bytes", MaxPathLength)
	}
	urn, rest, ok := p.split(name, value)
	switch {
	case !ok && !explicit:
		return nil // a key that names nothing, as any that is unknown
	case !ok:
		return RefuseFor(Invalid, InvalidPath, "the path names no attribute behind its URN")
	}
	defer func() { // what stands decides what the next name means, as it will in the next request
		if key := strings.ToLower(urn); p.tree[urn] != nil {
			p.urns[key] = urn
		} else {
			delete(p.urns, key)
		}
	}()
	if rest != "" {
		path, err := p.foreignPath(urn, rest)
		if err != nil {
			return err
		}
		return p.verbatim(op, path, value)
	}
	if op == "remove" || op == "replace" && value == nil {
		delete(p.tree, urn)
		return nil
	}
	object, _ := value.(map[string]any)
	if object == nil && value != nil {
		return RefuseFor(Invalid, InvalidValue, "%s takes an object", urn)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if err := p.verbatim(op, []string{urn, name}, object[name]); err != nil {
			return err
		}
	}
	return nil
}

// split finds where the URN ends, since from the name alone urn:a:b is extension urn:a:b or attribute b of urn:a. What the
// resource has decides; then the form of the name, where it has one more part than the URN of a schema: see behindVersion. Else an
// object is an extension, and anything else an attribute behind the last colon.
func (p *patch) split(name string, value any) (urn, rest string, ok bool) {
	if p.urns == nil {
		p.urns = map[string]string{}
		for _, urn := range slices.Sorted(maps.Keys(p.tree)) {
			if IsURN(urn) && p.t.schema(urn) == nil {
				p.urns[strings.ToLower(urn)] = urn
			}
		}
	}
	if urn, there := p.urns[strings.ToLower(name)]; there {
		return urn, "", true
	}
	colon := strings.LastIndexByte(name, ':')
	for i, tries := colon, 0; i > len("urn") && tries < 4; i, tries = strings.LastIndexByte(name[:i], ':'), tries+1 {
		if urn, there := p.urns[strings.ToLower(name[:i])]; there && name[i+1:] != "" {
			return urn, name[i+1:], true
		}
	}
	urn = name
	if _, isObject := value.(map[string]any); !isObject || behindVersion(name) {
		if colon <= len("urn:") || colon == len(name)-1 {
			return "", "", false
		}
		urn, rest = name[:colon], name[colon+1:]
	}
	return urn, rest, true
}

// behindVersion tells whether a name goes on behind a version and a resource, where the URN of a schema ends in the form that RFC 7643
// §10.3.1 gives them: urn:…:2.0:User:attribute.
func behindVersion(name string) bool {
	parts := strings.Split(name, ":")
	if len(parts) < 4 {
		return false
	}
	version := parts[len(parts)-3]
	return strings.ContainsAny(version, "0123456789") && strings.Trim(version, "0123456789.") == ""
}

// foreignPath is where an attribute of an unknown extension stands. A dot divides attribute and sub-attribute, unless
// an attribute's name is known to have it.
func (p *patch) foreignPath(urn, name string) ([]string, error) {
	whole := []string{urn, name}
	attribute, sub, dotted := strings.Cut(name, ".")
	if !dotted || attribute == "" || sub == "" {
		return whole, nil
	}
	spelled, err := p.spelled(whole)
	if err != nil || lookup(p.tree, spelled) != nil {
		return whole, err
	}
	return []string{urn, attribute, sub}, nil
}

// spelled is a path with its names as the resource spells them, where it has them: of several that differ in case only, the first.
func (p *patch) spelled(path []string) ([]string, error) {
	out := slices.Clone(path)
	tree, _ := p.tree[path[0]].(map[string]any)
	for i := 1; i < len(path); i++ {
		if _, exactly := tree[path[i]]; !exactly {
			if err := p.charge(len(tree), 1); err != nil {
				return nil, err
			}
			for name := range tree {
				if strings.EqualFold(name, path[i]) && (out[i] == path[i] || name < out[i]) {
					out[i] = name
				}
			}
		}
		tree, _ = tree[out[i]].(map[string]any)
	}
	return out, nil
}

// verbatim acts on an attribute without a definition: what stands there tells whether it has several values.
func (p *patch) verbatim(op string, path []string, value any) error {
	if slices.ContainsFunc(path, isPassword) {
		return nil
	}
	path, err := p.spelled(path)
	if err != nil {
		return err
	}
	v := withoutNulls(value)
	before := lookup(p.tree, path)
	list, isList := before.([]any)
	switch {
	case op == "remove" && isList && value != nil, op == "add" && isList:
		named, several := v.([]any)
		if !several && v != nil {
			named = []any{v}
		}
		if err := p.charge(weight(list)+weight(named), 1); err != nil {
			return err
		}
		if op == "add" {
			v = union(list, named)
		} else {
			v = difference(list, named)
		}
	case op == "remove":
		v = nil
	case op == "add" && value != nil && isEmpty(v):
		return nil
	default:
		v = merged(before, v)
	}
	assign(p.tree, path, v)
	return nil
}

func union(list, more []any) []any {
	there := make(map[string]bool, len(list))
	for _, e := range list {
		there[exactly(e)] = true
	}
	for _, e := range more {
		if key := exactly(e); !there[key] {
			there[key] = true
			list = append(list, e)
		}
	}
	return list
}

func difference(list, named []any) []any {
	gone := make(map[string]bool, len(named))
	for _, e := range named {
		gone[exactly(e)] = true
	}
	return slices.DeleteFunc(list, func(e any) bool { return gone[exactly(e)] })
}
