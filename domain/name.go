package domain

import (
	"strings"
	"unicode"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// NameClaimed reserves a unique name for its owner, a stream. The name stands in the claim's stream name, as a keyed hash.
type NameClaimed struct {
	Owner string `json:"owner"`
}

// NameReleased frees the name.
type NameReleased struct{}

func (NameClaimed) EventName() string  { return "name.claimed" }
func (NameReleased) EventName() string { return "name.released" }

// Claim is the state of a unique name: the stream that holds it, "" if it is free.
type Claim struct{ Owner string }

// Apply folds an event into the state.
func (c *Claim) Apply(e Event) {
	switch e := e.(type) {
	case NameClaimed:
		c.Owner = e.Owner
	case NameReleased:
		c.Owner = ""
	}
}

// NameKey is what two names share that differ only in case, width or composition: PRECIS UsernameCaseMapped (RFC 8265)
// where that takes the name, as RFC 7644 §5 asks, else NFC in lower case. Filters and uniqueness use the same key. Control and
// format characters are refused: two names that look alike must not be two.
func NameKey(name string) (string, error) {
	if key, err := precis.UsernameCaseMapped.CompareKey(name); err == nil {
		return key, nil
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return "", RefuseFor(Invalid, InvalidValue, "a name holds a control or format character")
		}
	}
	return norm.NFC.String(strings.ToLower(norm.NFC.String(name))), nil
}

// FoldKey is the form in which texts are compared without regard to case (RFC 7643 §2.2, caseExact false) in filters.
func FoldKey(s string) string { return strings.ToLower(norm.NFC.String(s)) }
