package projections_test

import (
	"cmp"
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
)

// The meaning of filters, written down again over whole resources: what SQL answers is held against it.

// node is a filter: or, and, not, a comparison, or a comparison of the values of one attribute in brackets.
type node struct {
	op          string // or and not [] or a comparison
	left, right *node
	name        string
	value       any // string, bool, json.Number, nil for null
}

func (n *node) String() string {
	switch n.op {
	case "or", "and":
		return "(" + n.left.String() + " " + n.op + " " + n.right.String() + ")"
	case "not":
		return "not (" + n.left.String() + ")"
	case "[]":
		return n.name + "[" + n.left.String() + "]"
	case "pr":
		return n.name + " pr"
	}
	value, err := json.Marshal(n.value)
	if err != nil {
		panic(err)
	}
	return n.name + " " + n.op + " " + string(value)
}

// shape is what the evaluation knows of an attribute.
type shape struct {
	path  []string
	many  bool   // the path's first name is multi-valued
	kind  string // text, exact, name, bool, binary, any
	short bool   // the name stands for its value: emails eq "x"
}

// resource is a user or a group with its id, groups and members among its attributes.
type resource map[string]any

func (n *node) holds(r resource, shapes map[string]shape) bool {
	switch n.op {
	case "or":
		return n.left.holds(r, shapes) || n.right.holds(r, shapes)
	case "and":
		return n.left.holds(r, shapes) && n.right.holds(r, shapes)
	case "not":
		return !n.left.holds(r, shapes)
	case "[]":
		list, _ := r[n.name].([]any)
		inner := map[string]shape{}
		for name, s := range shapes {
			if sub, ok := strings.CutPrefix(name, n.name+"."); ok {
				inner[sub] = shape{path: []string{sub}, kind: s.kind}
			}
		}
		return slices.ContainsFunc(list, func(e any) bool { return n.left.holds(e.(map[string]any), inner) })
	}
	s := shapes[n.name]
	if n.op == "pr" && s.short {
		s.path = s.path[:len(s.path)-1]
	}
	values := valuesAt(r, s)
	if s.kind == "bool" && n.value != nil { // one that is absent is false
		for i, v := range values {
			values[i] = v == true
		}
		if !s.many && len(values) == 0 {
			values = []any{false}
		}
	}
	values = slices.DeleteFunc(values, func(v any) bool { return v == nil })
	some := func(matches func(any) bool) bool { return slices.ContainsFunc(values, matches) }
	switch {
	case n.op == "pr":
		return some(func(v any) bool { return v != "" })
	case n.value == nil:
		return (len(values) == 0) == (n.op == "eq")
	case n.op == "ne":
		return !some(func(v any) bool { return compares(v, "eq", n.value, s.kind) })
	}
	return some(func(v any) bool { return compares(v, n.op, n.value, s.kind) })
}

// valuesAt are the values of an attribute, nil for an element of a multi-valued one that lacks it.
func valuesAt(r resource, s shape) []any {
	if s.many {
		var out []any
		list, _ := r[s.path[0]].([]any)
		for _, e := range list {
			if len(s.path) == 1 { // schemas, and what is asked for by pr
				out = append(out, e)
			} else {
				out = append(out, e.(map[string]any)[s.path[1]])
			}
		}
		return out
	}
	var v any = map[string]any(r)
	for _, name := range s.path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = nil
		for have, value := range m {
			if strings.EqualFold(have, name) {
				v = value
			}
		}
	}
	if list, ok := v.([]any); ok {
		return slices.Clone(list)
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

func compares(have any, op string, want any, kind string) bool {
	switch want := want.(type) {
	case bool:
		return op == "eq" && have == want
	case json.Number:
		n, ok := have.(json.Number)
		return ok && ordered(op, number(n).Cmp(number(want)))
	case string:
		text, ok := have.(string)
		if !ok {
			return false
		}
		if kind == "name" && op == "eq" {
			one, err1 := domain.NameKey(text)
			two, err2 := domain.NameKey(want)
			return err1 == nil && err2 == nil && one == two
		}
		if kind != "exact" && kind != "binary" {
			text, want = domain.FoldKey(text), domain.FoldKey(want)
		}
		switch op {
		case "co":
			return strings.Contains(text, want)
		case "sw":
			return strings.HasPrefix(text, want)
		case "ew":
			return strings.HasSuffix(text, want)
		}
		return ordered(op, cmp.Compare(text, want))
	}
	return false
}

func ordered(op string, order int) bool {
	switch op {
	case "eq":
		return order == 0
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	case "le":
		return order <= 0
	}
	return false
}

func number(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		panic(n)
	}
	return r
}
