package projections

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rollcall-sync/rollcall/domain"
)

var orders = map[domain.Op]string{
	domain.Equal: " = ", domain.NotEqual: " IS NOT ", domain.Greater: " > ", domain.GreaterOrEqual: " >= ",
	domain.Less: " < ", domain.LessOrEqual: " <= ",
}

// onColumn compares a column.
func (c *compiler) onColumn(col column, f domain.Compare) (string, error) {
	switch v := f.Value.(type) {
	case string:
		if col.key == nil {
			return "", unsupported(f.Ref.Path[0] + " as a text")
		}
		return c.text(col.name, true, col.key(v), f.Op), nil
	case time.Time:
		return c.time(col.name, v, f.Op), nil
	}
	return c.plain(col.name, f)
}

// onJSON compares an attribute in JSON: texts without regard to case unless the attribute is case-exact.
func (c *compiler) onJSON(in string, f domain.Compare) (string, error) {
	expression := "json_extract(" + in + ", " + c.arg(jsonPath(f.Ref.Path)) + ")"
	v, isText := f.Value.(string)
	switch {
	case !isText:
		return c.plain(expression, f)
	case f.Ref.Leaf().CaseExact:
		return c.text(expression, false, v, f.Op), nil
	}
	return c.text("fold("+expression+")", false, domain.FoldKey(v), f.Op), nil
}

// plain asks for presence, or for a boolean; one that is absent is false.
func (c *compiler) plain(expression string, f domain.Compare) (string, error) {
	want, isBool := f.Value.(bool)
	switch {
	case f.Op == domain.Present:
		return "ifnull(" + expression + ", '') <> ''", nil
	case f.Value == nil && f.Op == domain.Equal:
		return expression + " IS NULL", nil
	case f.Value == nil:
		return expression + " IS NOT NULL", nil
	case isBool:
		return "ifnull(" + expression + ", 0) = " + c.arg(want == (f.Op == domain.Equal)), nil
	}
	return "", unsupported(domain.PathName(f.Ref.Path))
}

// text compares a text with one that is folded in the same way.
func (c *compiler) text(expression string, column bool, value string, op domain.Op) string {
	if sql, ok := orders[op]; ok {
		return expression + sql + c.arg(value)
	}
	switch {
	case value == "": // it is part of every text
		return expression + " IS NOT NULL"
	case op == domain.Contains:
		return "instr(" + expression + ", " + c.arg(value) + ") > 0"
	case op == domain.EndsWith:
		return "substr(" + expression + ", " + c.arg(-utf8.RuneCountInString(value)) + ") = " + c.arg(value)
	case column: // perhaps with an index
		from := expression + " >= " + c.arg(value)
		if end, bounded := afterPrefix(value); bounded {
			return "(" + from + " AND " + expression + " < " + c.arg(end) + ")"
		}
		return from
	}
	return "substr(" + expression + ", 1, " + c.arg(utf8.RuneCountInString(value)) + ") = " + c.arg(value)
}

// afterPrefix is the first text in the order of bytes, which is that of characters, that is after all with the prefix.
func afterPrefix(prefix string) (string, bool) {
	runes := []rune(prefix)
	for i := len(runes) - 1; i >= 0; i-- {
		switch runes[i] {
		case utf8.MaxRune:
			continue
		case 0xD7FF: // what follows are halves of surrogate pairs, which no text holds
			runes[i] = 0xE000
		default:
			runes[i]++
		}
		return string(runes[:i+1]), true
	}
	return "", false
}

// time compares a column that has milliseconds with a time that may be finer.
func (c *compiler) time(column string, at time.Time, op domain.Op) string {
	ms := at.Truncate(time.Millisecond)
	if !ms.Equal(at) {
		switch op {
		case domain.Equal:
			return "false"
		case domain.NotEqual:
			return "true"
		case domain.GreaterOrEqual:
			op = domain.Greater
		case domain.Less:
			op = domain.LessOrEqual
		}
	}
	return column + orders[op] + c.arg(formatTime(ms))
}

// undefined compares an attribute that Rollcall has no definition of. Its names are found in any case, as the URN of its extension; each
// value of an array counts, but for null; what is of another type than the value asked for does not match it.
func (c *compiler) undefined(f domain.Compare) (string, error) {
	named := func(row, name string) string { return "fold(" + row + ".key) = " + c.arg(domain.FoldKey(name)) }
	if len(f.Ref.Path) == 1 { // an extension as a whole
		where := "EXISTS (SELECT 1 FROM json_each(r.attributes) x WHERE " + named("x", f.Ref.Path[0]) + ")"
		switch {
		case f.Value != nil:
			return "", unsupported(f.Ref.Path[0])
		case f.Op == domain.Equal:
			where = not(where)
		}
		return where, nil
	}
	from, where, in := "json_each(r.attributes) x", named("x", f.Ref.Path[0]), "x"
	for i, name := range f.Ref.Path[1:] {
		inner := "x" + strconv.Itoa(i)
		from += " CROSS JOIN json_each(iif(" + in + ".type = 'object', " + in + ".value, '{}')) " + inner
		where += " AND " + named(inner, name)
		if i == len(f.Ref.Path)-2 { // the values of this one, or itself
			from += " CROSS JOIN json_each(" + in + `.value, '$."' || replace(` + inner + `.key, '\', '\\') || '"') v`
		}
		in = inner
	}
	condition, err := c.undefinedValue(f)
	where = "EXISTS (SELECT 1 FROM " + from + " WHERE " + where + " AND v.type <> 'null' AND " + condition + ")"
	if f.Op == domain.Equal && f.Value == nil || f.Op == domain.NotEqual && f.Value != nil {
		where = not(where)
	}
	return where, err
}

// undefinedValue is the condition on one value v of such an attribute; for ne that it is equal, for eq null that it is there.
func (c *compiler) undefinedValue(f domain.Compare) (string, error) {
	op := f.Op
	if op == domain.NotEqual {
		op = domain.Equal
	}
	const scalar = "typeof(v.key) <> 'text' AND " // what an object holds is not its value
	switch v := f.Value.(type) {
	case nil:
		if f.Op == domain.Present {
			return "ifnull(v.atom, 0) <> ''", nil // what is no scalar is not empty either
		}
		return "true", nil
	case string:
		return scalar + "v.type = 'text' AND " + c.text("fold(v.atom)", false, domain.FoldKey(v), op), nil
	case bool:
		if op == domain.Equal {
			return scalar + "v.type = " + c.arg(map[bool]string{true: "true", false: "false"}[v]), nil
		}
	case json.Number:
		if sql, ok := orders[op]; ok {
			n, err := numberOf(v)
			return scalar + "v.type IN ('integer', 'real') AND v.atom" + sql + c.arg(n), err
		}
	}
	return "", unsupported("such a value of " + domain.PathName(f.Ref.Path))
}

// numberOf is a number as SQLite has it.
func numberOf(n json.Number) (any, error) {
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, unsupported("so large a number")
	}
	return f, nil
}

// jsonPath quotes each name. The parser lets no double quote into a name; a backslash would begin an escape.
func jsonPath(path []string) string {
	return `$."` + strings.ReplaceAll(strings.Join(path, `"."`), `\`, `\\`) + `"`
}
