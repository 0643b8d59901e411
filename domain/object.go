package domain

import (
	"bytes"
	"encoding/json"
)

// ReadObject reads one JSON object and keeps its numbers as they are written. Anything after it, nesting deeper than
// maxDepth and anything that is not an object is invalidSyntax.
func ReadObject(data []byte, maxDepth int) (map[string]any, error) {
	if depth(data) > maxDepth {
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
	return object, nil
}

// depth counts how deep brackets nest outside strings, so that a hostile body costs one pass and no memory. Of what is
// not JSON it may say anything: the decoder stops there.
func depth(data []byte) int {
	deepest, now, inString := 0, 0, false
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
		}
	}
	return deepest
}
