package scim

import (
	"net/url"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
)

// selection is which attributes an answer shows (RFC 7644 §3.9): only some, or all but some. id and schemas are always shown.
type selection struct {
	only, except [][]string // paths; only wins
	some         bool       // only was given, though perhaps with names that are unknown
}

func selectionOf(t *domain.ResourceType, query url.Values) (selection, error) {
	s := selection{some: query.Get("attributes") != ""}
	if s.some && query.Get("excludedAttributes") != "" {
		return s, domain.RefuseFor(domain.Invalid, domain.InvalidValue, "give attributes or excludedAttributes, not both")
	}
	s.only = paths(t, query.Get("attributes"))
	s.except = paths(t, query.Get("excludedAttributes"))
	return s, nil
}

func paths(t *domain.ResourceType, names string) [][]string {
	var out [][]string
	for name := range strings.SplitSeq(names, ",") {
		if ref, known := t.Resolve(strings.TrimSpace(name)); known && ref.Path[0] != "id" && ref.Path[0] != "schemas" {
			out = append(out, ref.Path)
		}
	}
	return out
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

func (s selection) of(resource map[string]any) map[string]any {
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

// keep copies what stands at a path from one object to another. A sub-attribute of a multi-valued attribute is copied from each of its values.
func keep(to, from map[string]any, path []string) {
	name := path[0]
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
	name := path[0]
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
