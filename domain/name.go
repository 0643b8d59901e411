package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
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
// where that takes the name, as RFC 7644 §5 asks; else, for a name with a space or a sign, the same foldings without
// its refusals. Filters and uniqueness use the same key. What cannot be seen is refused: two names that look alike must not be two.
func NameKey(name string) (string, error) {
	if key, err := precis.UsernameCaseMapped.CompareKey(name); err == nil {
		return key, nil
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unseen) {
		return "", RefuseFor(Invalid, InvalidValue, "the name holds a character that cannot be seen")
	}
	folded := fold(norm.NFC.String(width.Fold.String(strings.Map(plain, name))))
	if strings.TrimSpace(folded) == "" {
		return "", RefuseFor(Invalid, InvalidValue, "the name is blank")
	}
	return min(folded, fold(folded)), nil // the library swaps the cases of a few letters, as of Cherokee, instead of mapping both to one
}

func fold(s string) string { return norm.NFC.String(cases.Fold().String(s)) }

// unseen tells whether a character shows nothing by itself: a control, a format character such as zero-width space, a
// filler.
func unseen(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) ||
		unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}

// plain makes all spaces one, and drops variation selectors: the emoji that they follow shows the same without.
func plain(r rune) rune {
	switch {
	case unicode.Is(unicode.Zs, r):
		return ' '
	case unicode.Is(unicode.Variation_Selector, r):
		return -1
	}
	return r
}

// FoldKey is the form in which texts are compared without regard to case (RFC 7643 §2.2, caseExact false) in filters.
func FoldKey(s string) string { return strings.ToLower(norm.NFC.String(s)) }
