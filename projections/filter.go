package projections

import (
	"maps"

	"github.com/rollcall-sync/rollcall/domain"
)

// compile makes the condition of a WHERE clause from a filter over users or groups, over the row r. Indexed columns serve what identity
// providers ask for; the rest is read from the JSON of the attributes. What cannot be asked is an invalidFilter error.
//
// A comparison holds for a value that is there and matches; ne is that eq does not hold, so it holds where nothing is. Of a
// multi-valued attribute one value must match. pr wants a value that is not empty.
func compile(kind Kind, directory string, f domain.Filter) (string, []any, error) {
	c := &compiler{kind: kind, directory: directory}
	where, err := c.filter(f)
	return where, c.args, err
}

// compiler gathers the arguments in the order in which their question marks stand in the text.
type compiler struct {
	kind      Kind
	directory string
	args      []any
}

func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	return "?"
}

func unsupported(what string) error {
	return domain.RefuseFor(domain.Invalid, domain.InvalidFilter, "%s cannot be asked for in a filter", what)
}

func (c *compiler) filter(f domain.Filter) (string, error) {
	switch f := f.(type) {
	case domain.And:
		return pair(c.filter, f.Left, " AND ", f.Right)
	case domain.Or:
		return pair(c.filter, f.Left, " OR ", f.Right)
	case domain.Not:
		inner, err := c.filter(f.Filter)
		return not(inner), err
	case domain.Has:
		return c.has(f.Ref, f.Filter)
	case domain.Compare:
		return c.compare(f)
	}
	return "", unsupported("this filter")
}

func pair(compile func(domain.Filter) (string, error), left domain.Filter, op string, right domain.Filter) (string, error) {
	l, err := compile(left)
	if err != nil {
		return "", err
	}
	r, err := compile(right)
	return "(" + l + op + r + ")", err
}

// not holds also where the condition is NULL, for what is absent.
func not(condition string) string { return "NOT ifnull(" + condition + ", 0)" }

// column is where an attribute is kept apart from the JSON.
type column struct {
	name  string
	key   func(string) string // makes a text comparable with the column; nil if it holds no text
	whole bool                // only for whole values: the key of a part is not a part of the key
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
		"id": {name: "r.id", key: verbatim}, "externalId": {name: "r.external_id", key: verbatim},
		"userName": {name: "r.user_name_key", key: nameKey, whole: true}, "displayName": {name: "r.display_name_key", key: domain.FoldKey},
		"active": {name: "r.active"}, "meta.created": {name: "r.created"}, "meta.lastModified": {name: "r.modified"},
		"meta.resourceType": {name: "'User'", key: verbatim},
	},
	KindGroup: {
		"id": {name: "r.id", key: verbatim}, "externalId": {name: "r.external_id", key: verbatim},
		"displayName":  {name: "r.display_name_key", key: domain.FoldKey},
		"meta.created": {name: "r.created"}, "meta.lastModified": {name: "r.modified"},
		"meta.resourceType": {name: "'Group'", key: verbatim},
	},
}

func (c *compiler) compare(f domain.Compare) (string, error) {
	switch a := f.Ref.Attribute; {
	case a == nil:
		return c.undefined(f)
	case a.MultiValued:
		return c.any(f)
	}
	name := domain.PathName(f.Ref.Path)
	if col, ok := columns[c.kind][name]; ok && !(col.whole && ofParts(f.Op)) {
		return c.onColumn(col, f)
	}
	if f.Ref.Path[0] == "meta" {
		return "", unsupported(name)
	}
	return c.onJSON("r.attributes", f)
}

// ofParts tells whether an operator looks at less than the whole value, or at its order.
func ofParts(op domain.Op) bool {
	return op != domain.Equal && op != domain.NotEqual && op != domain.Present
}

// any compares the values of a multi-valued attribute: one must match, and for ne none may be equal.
func (c *compiler) any(f domain.Compare) (string, error) {
	of := domain.Ref{Path: f.Ref.Path[:1], Attribute: f.Ref.Attribute}
	sub := domain.Ref{Path: []string{"value"}, Attribute: f.Ref.Attribute} // of what has no sub-attributes, as schemas
	if f.Ref.Sub != nil {
		sub = domain.Ref{Path: []string{f.Ref.Sub.Name}, Attribute: f.Ref.Sub}
	} else if f.Op == domain.Present {
		return c.has(of, nil)
	}
	one := domain.Compare{Ref: sub, Op: f.Op, Value: f.Value}
	negated := false
	switch {
	case f.Value == nil && f.Op == domain.Equal:
		negated, one.Op = true, domain.NotEqual
	case f.Value != nil && f.Op == domain.NotEqual:
		negated, one.Op = true, domain.Equal
	}
	where, err := c.has(of, one)
	if negated {
		where = not(where)
	}
	return where, err
}

var (
	emailColumns = map[string]column{
		"value": {name: "e.value_key", key: domain.FoldKey}, "type": {name: "e.type_key", key: domain.FoldKey},
		"display": {name: "e.display_key", key: domain.FoldKey}, "primary": {name: "e.is_primary"},
	}
	schemaColumns = map[string]column{"value": {name: "fold(s.urn)", key: domain.FoldKey}}
	memberColumns = map[string]column{
		"value":   {name: "m.member", key: verbatim},
		"type":    {name: "iif(EXISTS (SELECT 1 FROM users WHERE id = m.member AND directory = g.directory), 'user', 'group')", key: domain.FoldKey},
		"display": {name: "fold(coalesce(" + memberDisplay + "))", key: domain.FoldKey},
	}
	groupsColumns = map[string]column{"value": {name: "g.id", key: verbatim}, "display": {name: "g.display_name_key", key: domain.FoldKey}}
)

// memberDisplay are the names that a member m is shown by, as Members has them.
const memberDisplay = `(SELECT coalesce(attributes ->> '$.displayName', attributes ->> '$.userName') FROM users WHERE id = m.member AND directory = g.directory),
	(SELECT attributes ->> '$.displayName' FROM groups WHERE id = m.member AND directory = g.directory)`

// has asks for one value of a multi-valued attribute that satisfies the filter; any value for a nil filter.
func (c *compiler) has(of domain.Ref, f domain.Filter) (string, error) {
	switch name := of.Attribute.Name; name {
	case "emails":
		return c.among("r.seq IN (SELECT e.user FROM user_emails e WHERE e.directory = "+c.arg(c.directory), f, emailColumns)
	case "members":
		return c.among("r.seq IN (SELECT m.grp FROM groups g JOIN members m ON m.grp = g.seq WHERE g.directory = "+c.arg(c.directory)+" AND "+shown, f, memberColumns)
	case "groups":
		return c.inGroups(f)
	case "schemas": // as resources show them: their type's, and each extension that is there
		return c.among("EXISTS (SELECT 1 FROM (SELECT "+c.arg(schemas[c.kind])+" AS urn UNION ALL SELECT key FROM json_each(r.attributes) WHERE key LIKE 'urn:%') s WHERE true", f, schemaColumns)
	}
	return c.among("EXISTS (SELECT 1 FROM json_each(r.attributes, "+c.arg(jsonPath(of.Path))+") v WHERE true", f, nil)
}

var schemas = map[Kind]string{KindUser: domain.UserURN, KindGroup: domain.GroupURN}

// inGroups asks for one group of a user, found as Memberships finds it, but from the groups downwards: those that hold the user themselves, and
// those that hold it through others. Who is in any group is in one by itself. Only a filter that tells direct from indirect has to know
// which group each step began at; the others visit each group once.
func (c *compiler) inGroups(f domain.Filter) (string, error) {
	const itself = `SELECT m.member FROM groups g CROSS JOIN members m ON m.grp = g.seq WHERE g.directory = `
	if f == nil {
		return "r.id IN (" + itself + c.arg(c.directory) + ")", nil
	}
	// within are the groups i that are members of the group of a row.
	within := func(seq string) string {
		return ` CROSS JOIN members m ON m.grp = ` + seq + ` CROSS JOIN groups i ON i.id = m.member AND i.directory = ` + c.arg(c.directory)
	}
	if !saysType(f) {
		start, err := c.narrowed(`SELECT g.seq FROM groups g WHERE g.directory = `+c.arg(c.directory), f, groupsColumns)
		return `r.id IN (WITH RECURSIVE down (seq) AS (` + start + ` UNION SELECT i.seq FROM down` + within("down.seq") + `)
			SELECT m.member FROM down CROSS JOIN members m ON m.grp = down.seq)`, err
	}
	typed := func(kind string) map[string]column {
		of := maps.Clone(groupsColumns)
		of["type"] = column{name: kind, key: domain.FoldKey}
		return of
	}
	start, err := c.narrowed(`SELECT g.seq, i.seq FROM groups g`+within("g.seq")+` WHERE g.directory = `+c.arg(c.directory), f, typed("'indirect'"))
	if err != nil {
		return "", err
	}
	through := `WITH RECURSIVE down (grp, seq) AS (` + start + ` UNION SELECT down.grp, i.seq FROM down` + within("down.seq") + `)
		SELECT m.member FROM down CROSS JOIN members m ON m.grp = down.seq WHERE NOT EXISTS (SELECT 1 FROM members WHERE grp = down.grp AND member = m.member)`
	direct, err := c.narrowed(itself+c.arg(c.directory), f, typed("'direct'"))
	return "r.id IN (" + through + " UNION ALL " + direct + ")", err
}

// saysType tells whether a filter over a user's groups asks how the user is in them.
func saysType(f domain.Filter) bool {
	switch f := f.(type) {
	case domain.And:
		return saysType(f.Left) || saysType(f.Right)
	case domain.Or:
		return saysType(f.Left) || saysType(f.Right)
	case domain.Not:
		return saysType(f.Filter)
	case domain.Compare:
		return f.Ref.Path[0] == "type"
	}
	return false
}

// among completes a query for the values one by one.
func (c *compiler) among(query string, f domain.Filter, of map[string]column) (string, error) {
	query, err := c.narrowed(query, f, of)
	return query + ")", err
}

// narrowed adds to a query what the filter wants of a value.
func (c *compiler) narrowed(query string, f domain.Filter, of map[string]column) (string, error) {
	if f == nil {
		return query, nil
	}
	where, err := c.element(f, of)
	return query + " AND " + where, err
}

// element is the condition on one value of a multi-valued attribute: in the columns given, or in the JSON v.value.
func (c *compiler) element(f domain.Filter, of map[string]column) (string, error) {
	within := func(f domain.Filter) (string, error) { return c.element(f, of) }
	switch f := f.(type) {
	case domain.And:
		return pair(within, f.Left, " AND ", f.Right)
	case domain.Or:
		return pair(within, f.Left, " OR ", f.Right)
	case domain.Not:
		inner, err := within(f.Filter)
		return not(inner), err
	case domain.Compare:
		if of == nil {
			return c.onJSON("v.value", f)
		}
		if col, ok := of[f.Ref.Path[0]]; ok {
			return c.onColumn(col, f)
		}
		return "", unsupported(f.Ref.Path[0])
	}
	return "", unsupported("a filter within a filter's brackets")
}
