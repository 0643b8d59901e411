package domain

import "encoding/json"

// Limits on what one resource may hold. No provider comes near them, and without them one could be as large as all bodies together that
// ever came for it.
const (
	maxValues = 1000    // of one multi-valued attribute
	maxSize   = 1 << 20 // of all attributes together, as size counts them
)

// bearable holds what a resource becomes against what one may hold. What it held before it may keep.
func bearable(before, next Attributes) error {
	is := size(map[string]any(next))
	if is <= maxValues*leastSize {
		return nil
	}
	for _, d := range Diff(before, next) {
		if list, _ := d.After.([]any); len(list) > maxValues {
			return RefuseFor(TooLarge, TooMany, "attribute %s has more than %d values", d.Name(), maxValues)
		}
	}
	if is > maxSize && is > size(map[string]any(before)) {
		return RefuseFor(TooLarge, TooMany, "the resource is larger than %d bytes; send fewer or shorter values", maxSize)
	}
	return nil
}

// leastSize is the size of the smallest value, a digit.
const leastSize = len(`0,`)

// size is about how many bytes a value takes as JSON.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) + len(`"",`)
	case json.Number:
		return len(v) + len(`,`)
	case map[string]any:
		n := len(`{},`)
		for name, e := range v {
			n += len(name) + len(`"":`) + size(e)
		}
		return n
	case []any:
		n := len(`[],`)
		for _, e := range v {
			n += size(e)
		}
		return n
	}
	return len(`false,`)
}
