package eventstore

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Position is a place in the order of the whole log. It is opaque and may have gaps: compare it, keep its text, never
// count with it. The zero Position stands before the first record.
type Position struct{ commit, prepare uint64 }

// At makes a Position from the two numbers of EventStoreDB; stores with one number give it twice.
func At(commit, prepare uint64) Position { return Position{commit, prepare} }

// Numbers gives back what At was given.
func (p Position) Numbers() (commit, prepare uint64) { return p.commit, p.prepare }

// Compare is negative if p stands before q, positive if it stands after it.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.commit, q.commit), cmp.Compare(p.prepare, q.prepare))
}

// Before tells whether p stands before q.
func (p Position) Before(q Position) bool { return p.Compare(q) < 0 }

// String is the text form: one number, or two with a slash where they differ.
func (p Position) String() string {
	if p.commit == p.prepare {
		return strconv.FormatUint(p.commit, 10)
	}
	return strconv.FormatUint(p.commit, 10) + "/" + strconv.FormatUint(p.prepare, 10)
}

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	commit, prepare, two := strings.Cut(s, "/")
	if !two {
		prepare = commit
	}
	c, err1 := strconv.ParseUint(commit, 10, 64)
	p, err2 := strconv.ParseUint(prepare, 10, 64)
	if err1 != nil || err2 != nil {
		return Position{}, fmt.Errorf("%q is not a position", s)
	}
	return Position{c, p}, nil
}
