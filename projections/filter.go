package projections

import (
	"strings"
	"time"
	"unicode/utf8"

	"encoding/json"

	"github.com/rollcall-sync/rollcall/domain"
)

// compile makes the condition of a WHERE clause from a filter over users or groups, over the row r. Indexed columns serve what identity
// providers ask for; the rest is read from the JSON of the attributes. What cannot be asked is an invalidFilter error.
func compile(kind Kind, directory string, f domain.Filter) (string, []any, error) {
	c := &compiler{kind: kind, directory: directory}
	where, err := c.filter(f)
	return where, c.args, err
}

type compiler struct {
	kind      Kind
	directory string
	args      []any
}

func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	return "?"
}

func (c *compiler) filter(f domain.Filter) (string, error) {
	switch f := f.(type) {
	case domain.And:
		return c.pair(f.Left, " AND ", f.Right)
	case domain.Or:
		return c.pair(f.Left, " OR ", f.Right)
	case domain.Not:
		inner, err := c.filter(f.Filter)
		return "NOT ifnull(" + inner + ", 0)", err
	case domain.Has:
		return c.has(f.Ref, f.Filter)
	case domain.Compare:
		return c.compare(f)
	}
	return "", unsupported("this filter")
}

func (c *compiler) pair(left domain.Filter, op string, right domain.Filter) (string, error) {
	l, err := c.filter(left)
	if err != nil {
		return "", err
	}
	r, err := c.filter(right)
	return "(" + l + op + r + ")", err
}

func unsupported(what string) error {
	return domain.RefuseFor(domain.Invalid, domain.InvalidFilter, "%s cannot be asked for in a filter", what)
}

// column is where an attribute is kept apart from the JSON, and how a value is made comparable with it.
type column struct {
	name string
	key  func(string) string
}

func verbatim(s string) string { return s }

func nameKey(s string) string {
	if key, err := domain.NameKey(s); err == nil {
		return key
	}
	return domain.FoldKey(s)
}

var columns = map[Kind]map[string]column{
	KindUser: {
		"id": {"r.id", verbatim}, "externalId": {"r.external_id", verbatim}, "userName": {"r.user_name_key", nameKey},
		"displayName": {"r.display_name_key", domain.FoldKey}, "active": {"r.active", nil},
		"meta.created": {"r.created", nil}, "meta.lastModified": {"r.modified", nil},
	},
	KindGroup: {
		"id": {"r.id", verbatim}, "externalId": {"r.external_id", verbatim}, "displayName": {"r.display_name_key", domain.FoldKey},
		"meta.created": {"r.created", nil}, "meta.lastModified": {"r.modified", nil},
	},
}

func (c *compiler) compare(f domain.Compare) (string, error) {
	name := domain.PathName(f.Ref.Path)
	if a := f.Ref.Attribute; a != nil && a.MultiValued {
		return c.any(f)
	}
	if col, ok := columns[c.kind][name]; ok {
		return c.onColumn(col, f)
	}
	switch f.Ref.Path[0] {
	case "meta", "schemas":
		return "", unsupported(name)
	}
	return c.on("json_extract(r.attributes, "+c.arg(jsonPath(f.Ref.Path))+")", f)
}

// any compares the values of a multi-valued attribute: one must match. Not equal is that none is equal.
func (c *compiler) any(f domain.Compare) (string, error) {
	of := domain.Ref{Path: f.Ref.Path[:1], Attribute: f.Ref.Attribute}
	sub := f.Ref.Sub
	if sub == nil && f.Op == domain.Present {
		return c.has(of, nil)
	}
	if sub == nil {
		return "", unsupported(domain.PathName(f.Ref.Path))
	}
	inner := domain.Compare{Ref: domain.Ref{Path: []string{sub.Name}, Attribute: sub}, Op: f.Op, Value: f.Value}
	if f.Op == domain.NotEqual {
		inner.Op = domain.Equal
		where, err := c.has(of, inner)
		return "NOT " + where, err
	}
	return c.has(of, inner)
}

// has asks for one value of a multi-valued attribute that satisfies the filter; any value for a nil filter.
func (c *compiler) has(of domain.Ref, f domain.Filter) (string, error) {
	switch name := of.Attribute.Name; name {
	case "emails":
		return c.among("r.seq IN (SELECT e.user FROM user_emails e WHERE e.directory = "+c.arg(c.directory), f, emailColumns)
	case "members":
		return c.among("r.id IN (SELECT m.grp FROM members m WHERE m.to_version IS NULL", f, memberColumns)
	case "groups":
		return c.among("r.id IN (SELECT m.member FROM members m WHERE m.to_version IS NULL", f, groupsColumns)
	case "schemas":
		return "", unsupported(name)
	default:
		if f == nil {
			return "json_array_length(r.attributes, " + c.arg(jsonPath(of.Path)) + ") > 0", nil
		}
		inner := &compiler{}
		where, err := inner.element(f, nil)
		if err != nil {
			return "", err
		}
		path := c.arg(jsonPath(of.Path))
		c.args = append(c.args, inner.args...)
		return "EXISTS (SELECT 1 FROM json_each(r.attributes, " + path + ") v WHERE " + where + ")", nil
	}
}

var (
	emailColumns = map[string]column{
		"value": {"e.value_key", domain.FoldKey}, "type": {"e.type_key", domain.FoldKey},
		"display": {"e.display_key", domain.FoldKey}, "primary": {"e.is_primary", nil},
	}
	memberColumns = map[string]column{"value": {"m.member", verbatim}}
	groupsColumns = map[string]column{"value": {"m.grp", verbatim}}
)

// among asks a table that holds the values one by one.
func (c *compiler) among(query string, f domain.Filter, of map[string]column) (string, error) {
	if f == nil {
		return query + ")", nil
	}
	where, err := c.element(f, of)
	return query + " AND " + where + ")", err
}

// element is the condition on one value of a multi-valued attribute: in the columns given, or in the JSON v.value.
func (c *compiler) element(f domain.Filter, of map[string]column) (string, error) {
	switch f := f.(type) {
	case domain.And:
		return c.elements(f.Left, " AND ", f.Right, of)
	case domain.Or:
		return c.elements(f.Left, " OR ", f.Right, of)
	case domain.Not:
		inner, err := c.element(f.Filter, of)
		return "NOT ifnull(" + inner + ", 0)", err
	case domain.Compare:
		if of == nil {
			return c.on("json_extract(v.value, "+c.arg(jsonPath(f.Ref.Path))+")", f)
		}
		if col, ok := of[f.Ref.Path[0]]; ok {
			return c.onColumn(col, f)
		}
		return "", unsupported(f.Ref.Path[0])
	}
	return "", unsupported("a filter within a filter's brackets")
}

func (c *compiler) elements(left domain.Filter, op string, right domain.Filter, of map[string]column) (string, error) {
	l, err := c.element(left, of)
	if err != nil {
		return "", err
	}
	r, err := c.element(right, of)
	return "(" + l + op + r + ")", err
}

// onColumn compares a column that is folded already.
func (c *compiler) onColumn(col column, f domain.Compare) (string, error) {
	switch v := f.Value.(type) {
	case string:
		if col.key == nil {
			return "", unsupported(f.Ref.Path[0] + " as a text")
		}
		return c.text(col.name, col.name, col.key(v), f.Op)
	case time.Time:
		return c.text(col.name, col.name, formatTime(v), f.Op)
	}
	return c.on(col.name, f)
}

// on compares an expression that is read from JSON: numbers and booleans as they are, texts folded unless the attribute is case-exact.
func (c *compiler) on(expression string, f domain.Compare) (string, error) {
	switch v := f.Value.(type) {
	case nil:
		if f.Op == domain.Equal {
			return expression + " IS NULL", nil
		}
		return "ifnull(" + expression + ", '') <> ''", nil // pr, and ne null: a value that is not empty
	case bool:
		have := "ifnull(" + expression + ", 0)"
		if f.Op == domain.NotEqual {
			return have + " <> " + c.arg(v), nil
		}
		return have + " = " + c.arg(v), nil
	case json.Number:
		n, err := v.Float64()
		if err != nil {
			return "", unsupported("such a number")
		}
		if op, ok := orders[f.Op]; ok {
			return expression + op + c.arg(n), nil
		}
		return "", unsupported("a part of a number")
	case string:
		if leaf := f.Ref.Leaf(); leaf != nil && leaf.CaseExact {
			return c.text("("+expression+")", expression, v, f.Op)
		}
		return c.text("fold("+expression+")", expression, domain.FoldKey(v), f.Op)
	}
	return "", unsupported(domain.PathName(f.Ref.Path))
}

var orders = map[domain.Op]string{
	domain.Equal: " = ", domain.NotEqual: " IS NOT ", domain.Greater: " > ", domain.GreaterOrEqual: " >= ",
	domain.Less: " < ", domain.LessOrEqual: " <= ",
}

func (c *compiler) text(folded, raw, value string, op domain.Op) (string, error) {
	if sql, ok := orders[op]; ok {
		return folded + sql + c.arg(value), nil
	}
	if value == "" { // every text that is there contains the empty one
		return raw + " IS NOT NULL", nil
	}
	switch op {
	case domain.Contains:
		return "instr(" + folded + ", " + c.arg(value) + ") > 0", nil
	case domain.StartsWith:
		if folded == raw { // a column, perhaps with an index
			return "(" + folded + " >= " + c.arg(value) + " AND " + folded + " < " + c.arg(value+"\U0010FFFF") + ")", nil
		}
		return "substr(" + folded + ", 1, " + c.arg(utf8.RuneCountInString(value)) + ") = " + c.arg(value), nil
	}
	return "substr(" + folded + ", -" + c.arg(utf8.RuneCountInString(value)) + ") = " + c.arg(value), nil
}

// jsonPath quotes each name; names come from the schema or from a parsed filter and hold no quote.
func jsonPath(path []string) string {
	return `$."` + strings.Join(path, `"."`) + `"`
}
