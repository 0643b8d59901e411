package scim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
)

// selection is which attributes an answer shows (RFC 7644 §3.9): only some, or all but some. id and schemas are always shown.
type selection struct {
	only, except [][]string // paths; only wins
	some         bool       // only was given, though perhaps with names that are unknown
}

func selectionOf(t *domain.ResourceType, query url.Values) (selection, error) {
	only, except := strings.Join(query["attributes"], ","), strings.Join(query["excludedAttributes"], ",") // given once or several times
	s := selection{some: strings.Trim(only, ",") != ""}
	if s.some && strings.Trim(except, ",") != "" {
		return s, domain.RefuseFor(domain.Invalid, domain.InvalidValue, "give attributes or excludedAttributes, not both")
	}
	s.only, s.except = paths(t, only), paths(t, except)
	return s, nil
}

// paths are the attributes that a list names. The URN of the core schema names all of its attributes.
func paths(t *domain.ResourceType, names string) [][]string {
	var out [][]string
	for name := range strings.SplitSeq(names, ",") {
		if name = strings.TrimSpace(name); strings.EqualFold(name, t.Core.ID) {
			for _, a := range t.Core.Attributes {
				out = append(out, []string{a.Name})
			}
		} else if ref, known := t.Resolve(name); known {
			out = append(out, ref.Path)
		}
	}
	return slices.DeleteFunc(out, func(path []string) bool { return path[0] == "id" || path[0] == "schemas" })
}

// shows tells whether any of an attribute is shown, so that what is costly need not be read.
func (s selection) shows(name string) bool {
	for _, path := range s.except {
		if len(path) == 1 && path[0] == name {
			return false
		}
	}
	if !s.some {
		return true
	}
	for _, path := range s.only {
		if path[0] == name {
			return true
		}
	}
	return false
}

// write writes what an answer shows of a resource, which one writes whole.
func (s selection) write(w *writer, one func(*writer)) error {
	if !s.some && len(s.except) == 0 {
		one(w)
		return nil
	}
	var whole writer
	one(&whole)
	d := json.NewDecoder(bytes.NewReader(whole))
	d.UseNumber()
	var resource map[string]any
	if err := d.Decode(&resource); err != nil {
		return fmt.Errorf("select attributes: %w", err)
	}
	chosen, err := encode(s.from(resource))
	w.json(chosen)
	return err
}

func (s selection) from(resource map[string]any) map[string]any {
	out := resource
	if s.some {
		out = map[string]any{}
		for _, path := range s.only {
			keep(out, resource, path)
		}
	}
	for _, path := range s.except {
		drop(out, path)
	}
	out["id"], out["schemas"] = resource["id"], resource["schemas"]
	return out
}

// spelled is a name as the object spells it: those that are unknown keep the spelling that they came with (RFC 7643 §2.1).
func spelled(object map[string]any, name string) string {
	if _, exactly := object[name]; exactly {
		return name
	}
	found := ""
	for have := range object {
		if strings.EqualFold(have, name) && (found == "" || have < found) {
			found = have
		}
	}
	return cmp.Or(found, name)
}

// keep copies what stands at a path from one object to another. A sub-attribute of a multi-valued attribute is copied from each of its values.
func keep(to, from map[string]any, path []string) {
	name := spelled(from, path[0])
	value, there := from[name]
	if !there {
		return
	}
	if len(path) == 1 {
		to[name] = value
		return
	}
	switch value := value.(type) {
	case map[string]any:
		if child := kept(to[name], value, path[1:]); len(child) > 0 {
			to[name] = child
		}
	case []any:
		list, _ := to[name].([]any)
		if list == nil {
			list = make([]any, len(value))
			to[name] = list
		}
		for i, e := range value {
			m, _ := e.(map[string]any)
			list[i] = kept(list[i], m, path[1:])
		}
	}
}

func kept(to any, from map[string]any, path []string) map[string]any {
	child, ok := to.(map[string]any)
	if !ok {
		child = map[string]any{}
	}
	keep(child, from, path)
	return child
}

// drop leaves out what stands at a path. Objects on the way are copied: the resource shares them with the read model's caches.
func drop(from map[string]any, path []string) {
	name := spelled(from, path[0])
	if len(path) == 1 {
		delete(from, name)
		return
	}
	switch value := from[name].(type) {
	case map[string]any:
		from[name] = dropped(value, path[1:])
	case []any:
		list := make([]any, len(value))
		for i, e := range value {
			if m, ok := e.(map[string]any); ok {
				e = dropped(m, path[1:])
			}
			list[i] = e
		}
		from[name] = list
	}
}

func dropped(value map[string]any, path []string) map[string]any {
	out := make(map[string]any, len(value))
	for k, v := range value {
		out[k] = v
	}
	drop(out, path)
	return out
}
