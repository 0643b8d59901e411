package domain

import (
	"bytes"
	"encoding/json"
)

// ReadObject reads one JSON object and keeps its numbers as they are written. Anything after it, nesting deeper than
// maxDepth, a name that stands twice in one object and anything that is not an object is invalidSyntax. A byte order mark before it,
// as Windows writes it, is passed over.
func ReadObject(data []byte, maxDepth int) (map[string]any, error) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	deepest, names := structure(data)
	if deepest > maxDepth {
		return nil, RefuseFor(Invalid, InvalidSyntax, "the body is nested deeper than %d", maxDepth)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil || object == nil {
		return nil, RefuseFor(Invalid, InvalidSyntax, "the body is not a JSON object")
	}
	if len(bytes.Trim(data[d.InputOffset():], " \t\r\n")) > 0 {
		return nil, RefuseFor(Invalid, InvalidSyntax, "something follows the JSON object in the body")
	}
	if namesIn(object) < names { // the decoder keeps the last value of a name, and which one is meant nobody knows
		return nil, RefuseFor(Invalid, InvalidSyntax, "a name stands twice in one object of the body")
	}
	return object, nil
}

// namesIn is how many names the objects in a value have.
func namesIn(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		n = len(v)
		for _, e := range v {
			n += namesIn(e)
		}
	case []any:
		for _, e := range v {
			n += namesIn(e)
		}
	}
	return n
}

// structure counts how deep brackets nest outside strings, and how many names are given there a value, so that a hostile body costs one
// pass and no memory. Of what is not JSON it may say anything: the decoder stops there.
func structure(data []byte) (deepest, names int) {
	now, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		case c == ':':
			names++
		}
	}
	return deepest, names
}
