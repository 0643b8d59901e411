package domain

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// ParseFilter is Dialect.ParseFilter of the lenient dialect.
func (t *ResourceType) ParseFilter(text string) (Filter, error) {
	return Dialect{}.ParseFilter(t, text)
}

// ParseFilter reads a filter over resources of a type; not binds before and, and before or. What it cannot read
// or does not know is an invalidFilter error; in a strict dialect also a value that is not written as its attribute's type has it.
func (d Dialect) ParseFilter(t *ResourceType, text string) (Filter, error) {
	if len(text) > MaxFilterLength {
		return nil, RefuseFor(Invalid, InvalidFilter, "the filter is longer than %d bytes", MaxFilterLength)
	}
	p := &parser{text: text, reason: InvalidFilter, dialect: d, resources: t}
	f, err := p.or(1)
	if err != nil {
		return nil, err
	}
	if !p.ended() {
		return nil, p.refuse("something follows it")
	}
	return f, nil
}

// parser reads filters and paths by recursive descent.
type parser struct {
	text      string
	at        int
	token     int // where the token began that was read last: errors name this place
	terms     int
	reason    Reason
	dialect   Dialect
	resources *ResourceType // names are those of this type …
	within    *Attribute    // … or, between brackets, of this attribute's sub-attributes
}

func (p *parser) refuse(what string) error {
	thing := "filter"
	if p.reason == InvalidPath {
		thing = "path"
	}
	at := utf8.RuneCountInString(p.text[:p.token]) + 1
	return RefuseFor(Invalid, p.reason, "the %s cannot be read at character %d: %s", thing, at, what)
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
	p.token = p.at
}

func (p *parser) ended() bool {
	p.space()
	return p.at == len(p.text)
}

// skip takes a symbol, after any space.
func (p *parser) skip(symbol byte) bool {
	p.space()
	return p.next(symbol)
}

// next takes a symbol that follows at once.
func (p *parser) next(symbol byte) bool {
	if p.at == len(p.text) || p.text[p.at] != symbol {
		return false
	}
	p.token = p.at
	p.at++
	return true
}

func (p *parser) word() string {
	p.space()
	for p.at < len(p.text) && strings.IndexByte(" \t()[]\"", p.text[p.at]) < 0 {
		p.at++
	}
	return p.text[p.token:p.at]
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
	p.space()
	if depth > MaxFilterDepth {
		return nil, p.refuse("it nests too deep")
	}
	if p.terms++; p.terms > MaxFilterTerms {
		return nil, p.refuse("it has too many terms")
	}
	if p.keyword("not") {
		if !p.skip('(') {
			return nil, p.refuse("a ( must follow not")
		}
		f, err := p.closed(depth)
		return Not{f}, err
	}
	if p.skip('(') {
		return p.closed(depth)
	}
	return p.comparison(depth)
}

func (p *parser) closed(depth int) (Filter, error) {
	f, err := p.or(depth + 1)
	if err == nil && !p.skip(')') {
		err = p.refuse("a ) is missing")
	}
	return f, err
}

func (p *parser) comparison(depth int) (Filter, error) {
	ref, err := p.attribute()
	if err != nil {
		return nil, err
	}
	if p.within == nil && p.next('[') {
		return p.has(ref, depth)
	}
	return p.compare(ref)
}

func (p *parser) attribute() (Ref, error) {
	name := p.word()
	if name == "" {
		return Ref{}, p.refuse("an attribute's name is missing")
	}
	ref, known := p.resolve(name)
	if !known {
		return Ref{}, p.refuse("there is no attribute of this name")
	}
	if leaf := ref.Leaf(); leaf != nil && leaf.Never { // no oracle for what is never returned
		return Ref{}, p.refuse("this attribute cannot be filtered")
	}
	return ref, nil
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
	if ref.Attribute == nil || ref.Sub != nil || ref.Attribute.Type != Complex || !ref.Attribute.MultiValued {
		return nil, p.refuse("only a complex multi-valued attribute takes a filter in brackets")
	}
	f, err := p.bracketed(ref.Attribute, depth)
	if err != nil || !p.next('.') {
		return Has{ref, f}, err
	}
	p.within = ref.Attribute
	defer func() { p.within = nil }()
	sub, err := p.attribute()
	if err != nil {
		return nil, err
	}
	compared, err := p.compare(sub)
	return Has{ref, And{f, compared}}, err
}

// bracketed reads a filter over the sub-attributes of an attribute, and the bracket that closes it.
func (p *parser) bracketed(of *Attribute, depth int) (Filter, error) {
	reason := p.reason
	p.within, p.reason = of, InvalidFilter // RFC 7644 table 9, also within the path of a PATCH
	f, err := p.or(depth + 1)
	if err == nil && !p.skip(']') {
		err = p.refuse("a ] is missing")
	}
	p.within, p.reason = nil, reason
	return f, err
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
			return nil, p.refuse("this attribute has no value of its own; name a sub-attribute")
		}
		ref.Path = append(slices.Clip(ref.Path), ref.Sub.Name)
	}
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	value, ok := typed(p.dialect, ref.Leaf(), op, value)
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
		if word != "" && word[0] != '{' && json.Valid([]byte(word)) { // of what a word can be only a number is left
			return json.Number(word), nil
		}
		return nil, p.refuse("a value must follow: a text in double quotes, a number, true, false or null")
	}
}

// typed is the value as the attribute's type has it, false if operator or value do not fit it.
func typed(d Dialect, a *Attribute, op Op, value any) (any, bool) {
	if value == nil {
		return nil, op == Equal || op == NotEqual
	}
	if a == nil {
		return value, true
	}
	text, isText := value.(string)
	if n, ok := value.(json.Number); ok && a.Type == String && !d.Strict { // without quotes: employeeNumber eq 701984
		text, isText = n.String(), true
	}
	switch a.Type {
	case Boolean:
		value, err := a.one(d, value)
		return value, err == nil && value != nil && (op == Equal || op == NotEqual)
	case Binary: // equal or not; there is no order (RFC 7644 §3.4.2.2)
		return text, isText && (op == Equal || op == NotEqual)
	case DateTime:
		when, err := parseDateTime(text)
		return when, err == nil && op != Contains && op != StartsWith && op != EndsWith
	case Integer:
		_, ok := value.(json.Number)
		return value, ok && op != Contains && op != StartsWith && op != EndsWith
	}
	return text, isText
}
