package domain

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The values of a multi-valued attribute. The functions here work in place, on trees that their caller owns.

// onlyOnce makes one of values that are the same, and keeps one primary: the last (RFC 7643 §2.4).
func onlyOnce(list []any) []any {
	if len(list) < 2 {
		return list
	}
	return join(make([]any, 0, len(list)), list)
}

// join adds values. One that stands already is merged into that one; one that is primary takes this from the others.
func join(list, more []any) []any {
	at := make(map[string]int, len(list)+len(more))
	for i, e := range list {
		at[sameness(e)] = i
	}
	primary := -1
	for _, e := range more {
		key := sameness(e)
		i, there := at[key]
		m, isObject := e.(map[string]any)
		switch {
		case !there:
			i, at[key] = len(list), len(list)
			list = append(list, e)
		case isObject:
			maps.Copy(list[i].(map[string]any), m)
		}
		if isObject && m["primary"] == true {
			primary = i
		}
	}
	keepPrimary(list, primary)
	return list
}

// sameness is a text that two values share if they are the same one: by value and type where they have a value, as
// RFC 7643 §2.4 wants each pair once; else by all but primary.
func sameness(v any) string {
	m, isObject := v.(map[string]any)
	if value, ok := m["value"].(string); ok {
		kind, _ := m["type"].(string)
		return "v" + typedKey(kind, value)
	}
	if _, ok := m["primary"]; isObject && ok {
		m = maps.Clone(m)
		delete(m, "primary")
		v = m
	}
	return exactly(v)
}

// exactly is a text that equal values share and others do not.
func exactly(v any) string {
	b, _ := marshal(v) // nothing of what JSON has can fail
	return string(b)
}

func typedKey(kind, value string) string {
	kind = strings.ToLower(kind)
	return strconv.Itoa(len(kind)) + kind + value
}

// keepPrimary lets the value at i be the only primary one, if it is (RFC 7644 §3.5.2).
func keepPrimary(values []any, i int) {
	if i < 0 {
		return
	}
	if m, ok := values[i].(map[string]any); !ok || m["primary"] != true {
		return
	}
	for j, e := range values {
		if m, ok := e.(map[string]any); ok && j != i && m["primary"] == true {
			m["primary"] = false
		}
	}
}

// primaries counts the primary ones among values.
func primaries(values []any) int {
	n := 0
	for _, e := range values {
		if m, ok := e.(map[string]any); ok && m["primary"] == true {
			n++
		}
	}
	return n
}

// without takes the values that are named away. A value is named by its value, and by its type if the name has one.
func (a *Attribute) without(values, named []any) []any {
	fold := func(s string) string { return s }
	if value := a.sub("value"); value != nil && !value.CaseExact {
		fold = FoldKey
	}
	gone := make(map[string]bool, len(named))
	for _, n := range named {
		m, _ := n.(map[string]any)
		if value, ok := m["value"].(string); ok {
			kind, _ := m["type"].(string)
			gone["v"+typedKey(kind, fold(value))] = true
		} else {
			gone[sameness(n)] = true
		}
	}
	return slices.DeleteFunc(values, func(e any) bool {
		m, _ := e.(map[string]any)
		if value, ok := m["value"].(string); ok {
			kind, _ := m["type"].(string)
			return gone["v"+typedKey(kind, fold(value))] || gone["v"+typedKey("", fold(value))]
		}
		return gone[sameness(e)]
	})
}

// weight is about what it costs to look at all of a value.
func weight(v any) int {
	n := 1
	switch v := v.(type) {
	case string:
		n += len(v) / 64
	case map[string]any:
		for _, e := range v {
			n += weight(e)
		}
	case []any:
		for _, e := range v {
			n += weight(e)
		}
	}
	return n
}
