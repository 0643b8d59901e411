package domain

import (
	"maps"
	"slices"
	"strings"
)

// Attributes of a whole resource that a client wrote elsewhere than RFC 7643 §3 has them: with a path as their name, as the keys of
// a PATCH have it, or under the URN of the core schema. A lenient dialect understands them as a PATCH does.

// Lift brings to the top of a resource what stands under the URN of its core schema, or behind it: that is where it belongs. What is there
// already wins. The resource given stays as it is.
func (d Dialect) Lift(t *ResourceType, resource map[string]any) (map[string]any, error) {
	core := func(name string) bool {
		_, behind := cutURN(name, t.Core.ID)
		return behind || strings.EqualFold(name, t.Core.ID)
	}
	var lifted []string
	for name := range resource {
		if core(name) {
			lifted = append(lifted, name)
		}
	}
	if d.Strict || lifted == nil {
		return resource, nil
	}
	out := maps.Clone(resource)
	maps.DeleteFunc(out, func(name string, _ any) bool { return core(name) })
	put := func(name string, value any) {
		if _, given := member(out, name); !given {
			out[name] = value
		}
	}
	slices.Sort(lifted)
	for _, name := range lifted {
		if rest, behind := cutURN(name, t.Core.ID); behind {
			put(rest, resource[name])
			continue
		}
		object, isObject := resource[name].(map[string]any)
		if !isObject && resource[name] != nil {
			return nil, RefuseFor(Invalid, InvalidValue, "%s is not an object", t.Core.ID)
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			put(name, object[name])
		}
	}
	return out, nil
}

// inPlace tells whether a member of a whole resource stands where RFC 7643 §3 has it: by the name of an attribute of the core schema, or as an
// extension. Any object under a URN that is not known is one, unless the URN goes on behind that of a schema.
func (t *ResourceType) inPlace(name string, value any) bool {
	if !IsURN(name) {
		return find(t.Core.Attributes, name) != nil
	}
	if t.schema(name) != nil {
		return true
	}
	_, isObject := value.(map[string]any)
	return isObject && !t.within(name) && !behindVersion(name)
}

// bringHome adds to a resource the attributes that the client wrote elsewhere, each as a PATCH adds what it does not have yet. What
// stands in its place wins. What is a known extension's only by its name, as department at the top, and does not fit its definition is
// some other attribute of that name, and left out like any that is unknown.
func (d Dialect) bringHome(t *ResourceType, out Attributes, names []string, resource map[string]any) error {
	p := patch{t: t, dialect: d, tree: out}
	for _, name := range names {
		plain, _, filtered := strings.Cut(name, "[")
		ref, known := t.Resolve(plain)
		if resource[name] == nil || !known {
			continue
		}
		stands, err := p.stands(ref)
		switch {
		case err != nil:
			return err
		case stands && !filtered:
			continue
		case t == GroupType && ref.Path[0] == "members": // a path into these is for a PATCH alone
			continue
		}
		err = p.named("add", name, resource[name], false)
		if guessed := !IsURN(name) && IsURN(ref.Path[0]); err != nil && !guessed {
			return err
		}
	}
	return nil
}

// stands tells whether the resource has what the Ref names; of a sub-attribute of a multi-valued attribute, whether it has any value.
func (p *patch) stands(ref Ref) (bool, error) {
	path := ref.Path
	if ref.Sub != nil && ref.Attribute.MultiValued {
		path = path[:len(path)-1]
	}
	path, err := p.spelled(path)
	return err == nil && lookup(p.tree, path) != nil, err
}
