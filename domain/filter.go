package domain

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
