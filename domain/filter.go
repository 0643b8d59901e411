package domain

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Filter is a parsed filter (RFC 7644 §3.4.2.2): And, Or, Not, Compare or Has. Every name in it is resolved.
type Filter interface{ filter() }

// And holds if both hold.
type And struct{ Left, Right Filter }

// Or holds if one holds.
type Or struct{ Left, Right Filter }

// Not holds if the other does not.
type Not struct{ Filter Filter }

// Compare compares one attribute with a value. For a multi-valued attribute one of its values must match.
type Compare struct {
	Ref   Ref
	Op    Op
	Value any // string, bool, json.Number, time.Time for a dateTime, nil for null and with Present
}

// Has holds if one value of a multi-valued attribute matches the filter: emails[type eq "work"]. Names in it are
// those of sub-attributes.
type Has struct {
	Ref    Ref
	Filter Filter
}

func (And) filter()     {}
func (Or) filter()      {}
func (Not) filter()     {}
func (Compare) filter() {}
func (Has) filter()     {}

// Op is a comparison (RFC 7644 table 3).
type Op string

// The comparisons.
const (
	Equal          Op = "eq"
	NotEqual       Op = "ne"
	Contains       Op = "co"
	StartsWith     Op = "sw"
	EndsWith       Op = "ew"
	Present        Op = "pr"
	Greater        Op = "gt"
	GreaterOrEqual Op = "ge"
	Less           Op = "lt"
	LessOrEqual    Op = "le"
)

var ops = []Op{Equal, NotEqual, Contains, StartsWith, EndsWith, Present, Greater, GreaterOrEqual, Less, LessOrEqual}

// ParseFilter reads a filter over resources of this type; not binds before and, and before or. What it cannot read
// or does not know is an invalidFilter error.
func (t *ResourceType) ParseFilter(text string) (Filter, error) {
	if len(text) > MaxFilterLength {
		return nil, RefuseFor(Invalid, InvalidFilter, "the filter is longer than %d bytes", MaxFilterLength)
	}
	p := &parser{text: text, reason: InvalidFilter, resources: t}
	f, err := p.or(1)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, p.refuse("something follows it")
	}
	return f, nil
}

// parser reads filters and paths by recursive descent.
type parser struct {
	text      string
	at        int
	terms     int
	reason    Reason
	resources *ResourceType // names are those of this type …
	within    *Attribute    // … or, between brackets, of this attribute's sub-attributes
}

func (p *parser) refuse(what string) error {
	thing := "filter"
	if p.reason == InvalidPath {
		thing = "path"
	}
	return RefuseFor(Invalid, p.reason, "the %s cannot be read at character %d: %s", thing, p.at+1, what)
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

func (p *parser) skip(symbol string) bool {
	p.space()
	if strings.HasPrefix(p.text[p.at:], symbol) {
		p.at += len(symbol)
		return true
	}
	return false
}

func (p *parser) word() string {
	p.space()
	start := p.at
	for p.at < len(p.text) && !strings.ContainsRune(" \t()[]\"", rune(p.text[p.at])) {
		p.at++
	}
	return p.text[start:p.at]
}

// keyword takes a word if it is the one wanted.
func (p *parser) keyword(want string) bool {
	before := p.at
	if strings.EqualFold(p.word(), want) {
		return true
	}
	p.at = before
	return false
}

func (p *parser) or(depth int) (Filter, error) {
	left, err := p.and(depth)
	for err == nil && p.keyword("or") {
		var right Filter
		right, err = p.and(depth)
		left = Or{left, right}
	}
	return left, err
}

func (p *parser) and(depth int) (Filter, error) {
	left, err := p.term(depth)
	for err == nil && p.keyword("and") {
		var right Filter
		right, err = p.term(depth)
		left = And{left, right}
	}
	return left, err
}

func (p *parser) term(depth int) (Filter, error) {
	if depth > MaxFilterDepth {
		return nil, p.refuse("it nests too deep")
	}
	if p.terms++; p.terms > MaxFilterTerms {
		return nil, p.refuse("it has too many terms")
	}
	if p.keyword("not") {
		if !p.skip("(") {
			return nil, p.refuse("a ( must follow not")
		}
		f, err := p.closed(depth)
		return Not{f}, err
	}
	if p.skip("(") {
		return p.closed(depth)
	}
	return p.comparison(depth)
}

func (p *parser) closed(depth int) (Filter, error) {
	f, err := p.or(depth + 1)
	if err == nil && !p.skip(")") {
		err = p.refuse("a ) is missing")
	}
	return f, err
}

func (p *parser) comparison(depth int) (Filter, error) {
	name := p.word()
	if name == "" {
		return nil, p.refuse("an attribute's name is missing")
	}
	ref, known := p.resolve(name)
	if !known {
		return nil, p.refuse("attribute " + name + " is not known")
	}
	if leaf := ref.Leaf(); leaf != nil && leaf.Never {
		return nil, p.refuse("attribute " + leaf.Name + " cannot be filtered")
	}
	if p.within == nil && strings.HasPrefix(p.text[p.at:], "[") {
		return p.has(ref, depth)
	}
	return p.compare(ref)
}

func (p *parser) resolve(name string) (Ref, bool) {
	if p.within == nil {
		return p.resources.Resolve(name)
	}
	sub := p.within.sub(name)
	if sub == nil {
		return Ref{}, false
	}
	return Ref{Path: []string{sub.Name}, Attribute: sub}, true
}

// has reads the brackets behind an attribute, and what Entra writes behind them: emails[type eq "work"].value eq "x".
func (p *parser) has(ref Ref, depth int) (Filter, error) {
	if ref.Attribute == nil || ref.Sub != nil || ref.Attribute.Type != Complex {
		return nil, p.refuse("only a complex attribute takes a filter in brackets")
	}
	p.at++
	p.within = ref.Attribute
	defer func() { p.within = nil }()
	f, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.skip("]") {
		return nil, p.refuse("a ] is missing")
	}
	if strings.HasPrefix(p.text[p.at:], ".") {
		p.at++
		sub, known := p.resolve(p.word())
		if !known {
			return nil, p.refuse("the sub-attribute behind ] is not known")
		}
		compared, err := p.compare(sub)
		if err != nil {
			return nil, err
		}
		f = And{f, compared}
	}
	return Has{ref, f}, nil
}

func (p *parser) compare(ref Ref) (Filter, error) {
	op := Op(strings.ToLower(p.word()))
	if !slices.Contains(ops, op) {
		return nil, p.refuse("an operator must follow the attribute: eq ne co sw ew pr gt ge lt le")
	}
	if op == Present {
		return Compare{ref, op, nil}, nil
	}
	if leaf := ref.Leaf(); leaf != nil && leaf.Type == Complex { // emails eq "x" is emails.value eq "x"
		if ref.Sub = leaf.sub("value"); ref.Sub == nil {
			return nil, p.refuse("attribute " + leaf.Name + " has no value of its own; name a sub-attribute")
		}
		ref.Path = append(slices.Clip(ref.Path), ref.Sub.Name)
	}
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	value, ok := typed(ref.Leaf(), op, value)
	if !ok {
		return nil, p.refuse("the operator or the value does not fit the attribute's type")
	}
	return Compare{ref, op, value}, nil
}

func (p *parser) value() (any, error) {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == '"' {
		d := json.NewDecoder(strings.NewReader(p.text[p.at:]))
		var s string
		if d.Decode(&s) != nil {
			return nil, p.refuse("the text is not closed or holds a wrong escape")
		}
		p.at += int(d.InputOffset())
		return s, nil
	}
	switch word := p.word(); strings.ToLower(word) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	default:
		if n := json.Number(word); json.Valid([]byte(word)) {
			return n, nil
		}
		return nil, p.refuse("a value must follow: a text in double quotes, a number, true, false or null")
	}
}

// typed is the value as the attribute's type has it, false if operator or value do not fit it.
func typed(a *Attribute, op Op, value any) (any, bool) {
	if a == nil || value == nil {
		return value, value != nil || op == Equal || op == NotEqual
	}
	text, isText := value.(string)
	switch a.Type {
	case Boolean:
		if isText {
			switch strings.ToLower(text) {
			case "true":
				value = true
			case "false":
				value = false
			}
		}
		_, ok := value.(bool)
		return value, ok && (op == Equal || op == NotEqual)
	case DateTime:
		when, err := time.Parse(time.RFC3339Nano, text)
		return when.UTC(), err == nil && op != Contains && op != StartsWith && op != EndsWith
	case Integer:
		_, ok := value.(json.Number)
		return value, ok
	}
	return value, isText
}

// Matches tells whether a value of a multi-valued attribute satisfies a filter over its sub-attributes.
func Matches(f Filter, element map[string]any) bool {
	switch f := f.(type) {
	case And:
		return Matches(f.Left, element) && Matches(f.Right, element)
	case Or:
		return Matches(f.Left, element) || Matches(f.Right, element)
	case Not:
		return !Matches(f.Filter, element)
	case Compare:
		return f.holds(lookup(element, f.Ref.Path))
	}
	return false
}

func (c Compare) holds(v any) bool {
	switch {
	case c.Op == Present:
		return !isEmpty(v) && v != ""
	case c.Value == nil:
		return isEmpty(v) == (c.Op == Equal)
	case v == nil:
		return c.Op == NotEqual || (c.Value == false && c.Op == Equal)
	}
	have, isText := v.(string)
	want, wantText := c.Value.(string)
	if !isText || !wantText {
		return equal(v, c.Value) == (c.Op == Equal)
	}
	if leaf := c.Ref.Leaf(); leaf == nil || !leaf.CaseExact {
		have, want = FoldKey(have), FoldKey(want)
	}
	order := cmp.Compare(have, want)
	switch c.Op {
	case Equal:
		return order == 0
	case NotEqual:
		return order != 0
	case Contains:
		return strings.Contains(have, want)
	case StartsWith:
		return strings.HasPrefix(have, want)
	case EndsWith:
		return strings.HasSuffix(have, want)
	case Greater:
		return order > 0
	case GreaterOrEqual:
		return order >= 0
	case Less:
		return order < 0
	}
	return order <= 0
}
