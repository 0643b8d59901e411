package domain

import (
	"maps"
	"slices"
	"strings"
)

// Difference is one attribute that two states do not share. Before or After is nil where it is absent.
type Difference struct {
	Path          []string // from the top: the URN first for an extension
	Before, After any
}

// Name is the path as SCIM writes it (RFC 7644 §3.10).
func (d Difference) Name() string { return PathName(d.Path) }

// PathName writes a path as SCIM does: name.givenName, urn:…:User:department.
func PathName(path []string) string {
	if len(path) > 1 && IsURN(path[0]) {
		return path[0] + ":" + strings.Join(path[1:], ".")
	}
	return strings.Join(path, ".")
}

// Diff lists what differs between two states, in the order of names. Multi-valued attributes differ as a whole.
func Diff(before, after Attributes) []Difference { return diff(nil, nil, before, after) }

func diff(out []Difference, at []string, before, after map[string]any) []Difference {
	names := make(map[string]bool, len(before)+len(after))
	for name := range before {
		names[name] = true
	}
	for name := range after {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		b, a := before[name], after[name]
		bm, bIs := b.(map[string]any)
		am, aIs := a.(map[string]any)
		path := append(slices.Clip(at), name)
		switch {
		case (bIs || b == nil) && (aIs || a == nil):
			out = diff(out, path, bm, am)
		case !equal(b, a):
			out = append(out, Difference{path, b, a})
		}
	}
	return out
}

// Edit is how one state becomes the next, as events keep it: Set holds the new values in their places, Unset the paths of those that
// went. Paths are lists, since a name in an unknown extension may hold any character.
type Edit struct {
	Set   Attributes `json:"set,omitempty"`
	Unset [][]string `json:"unset,omitempty"`
}

// EditOf is the Edit that makes the differences. It shares their values, which are immutable.
func EditOf(differences []Difference) Edit {
	var e Edit
	for _, d := range differences {
		if d.After == nil {
			e.Unset = append(e.Unset, d.Path)
			continue
		}
		if e.Set == nil {
			e.Set = Attributes{}
		}
		assign(e.Set, d.Path, d.After)
	}
	return e
}

// Empty tells whether the edit changes nothing.
func (e Edit) Empty() bool { return len(e.Set) == 0 && len(e.Unset) == 0 }

// On is the state after the edit; the state before is left as it is.
func (e Edit) On(a Attributes) Attributes {
	out := a.Clone()
	merge(out, e.Set)
	for _, path := range e.Unset {
		assign(out, path, nil)
	}
	return out
}

func merge(into, set map[string]any) {
	for name, v := range set {
		m, isObject := v.(map[string]any)
		child, there := into[name].(map[string]any)
		if isObject && there {
			merge(child, m)
		} else {
			into[name] = clone(v)
		}
	}
}

// Change is what an event did to a subject: the whole snapshots before and after (nil where there is none), and the names
// of what differs. It is a pure function of the log.
type Change struct {
	Type          string
	Before, After Attributes
	Changed       []string
	Previous, New map[string]any // by SCIM path
	Members       *MembersChange // for groups only
}

// MembersChange is what a change did to a group's members: those added and removed, and how many there are then.
type MembersChange struct {
	Added   []Member `json:"added"`
	Removed []Member `json:"removed"`
	Count   int      `json:"count"`
}

// ChangeBetween makes a Change from two snapshots.
func ChangeBetween(kind string, before, after Attributes) Change {
	c := Change{Type: kind, Before: before, After: after, Changed: []string{}, Previous: map[string]any{}, New: map[string]any{}}
	for _, d := range Diff(before, after) {
		name := d.Name()
		c.Changed = append(c.Changed, name)
		if d.Before != nil {
			c.Previous[name] = d.Before
		}
		if d.After != nil {
			c.New[name] = d.After
		}
	}
	return c
}
