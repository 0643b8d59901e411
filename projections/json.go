package projections

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/rollcall-sync/rollcall/domain"
)

// JSON is the attributes of a user or a group as they are kept: one object, its members in the order of their names. Most of what reads
// attributes only sends them on, and needs them in no other form.
type JSON []byte

// JSONOf is the JSON of attributes.
func JSONOf(a domain.Attributes) JSON {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(a); err != nil {
		panic(fmt.Errorf("encode attributes: %w", err)) // they came as JSON
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (j JSON) attributes() domain.Attributes {
	d := json.NewDecoder(bytes.NewReader(j))
	d.UseNumber()
	var a domain.Attributes
	if err := d.Decode(&a); err != nil {
		panic(fmt.Errorf("decode attributes: %w", err)) // JSONOf made it
	}
	return a
}
