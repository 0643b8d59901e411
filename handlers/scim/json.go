package scim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// encode is JSON as SCIM sends it.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// writer writes JSON of which most is JSON already, and stays as it is.
type writer []byte

// next separates from what stands before.
func (w *writer) next() {
	if n := len(*w); n > 0 {
		switch (*w)[n-1] {
		case '{', '[', ':':
		default:
			*w = append(*w, ',')
		}
	}
}

// begin opens an object or a list.
func (w *writer) begin(c byte) {
	w.next()
	*w = append(*w, c)
}

// end closes one.
func (w *writer) end(c byte) { *w = append(*w, c) }

// name writes the name of an object's next member, which needs no escape.
func (w *writer) name(name string) {
	w.next()
	*w = append(append(append(*w, '"'), name...), '"', ':')
}

// text writes a text.
func (w *writer) text(text string) {
	w.next()
	*w = append(*w, '"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			*w = append(*w, '\\', c)
		case c < ' ' || c >= utf8.RuneSelf:
			rest, _ := encode(text[i:]) // a text is always encoded
			*w = append(*w, rest[1:]...)
			return
		default:
			*w = append(*w, c)
		}
	}
	*w = append(*w, '"')
}

// member writes one of an object, a text.
func (w *writer) member(name, text string) {
	w.name(name)
	w.text(text)
}

// time writes one of an object, a time.
func (w *writer) time(name string, t time.Time) {
	w.name(name)
	*w = append(t.UTC().AppendFormat(append(*w, '"'), "2006-01-02T15:04:05.000Z"), '"')
}

// number writes one of an object, a number.
func (w *writer) number(name string, n int) {
	w.name(name)
	*w = strconv.AppendInt(*w, int64(n), 10)
}

// json writes what is JSON.
func (w *writer) json(json []byte) {
	w.next()
	*w = append(*w, json...)
}

// inside writes what stands inside of an object that is JSON.
func (w *writer) inside(object []byte) {
	if len(object) > len(`{}`) {
		w.json(object[1 : len(object)-1])
	}
}

// names calls each with the names of an object's members, which are JSON texts themselves. The object is compact JSON.
func names(object []byte, each func(name []byte)) {
	for i, depth := 0, 0; i < len(object); i++ {
		switch object[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			begun := i
			for i++; object[i] != '"'; i++ {
				if object[i] == '\\' {
					i++
				}
			}
			if depth == 1 && object[i+1] == ':' {
				each(object[begun : i+1])
			}
		}
	}
}

// bodies lends the memory of answers that may be long.
var bodies = sync.Pool{New: func() any { return new(writer) }}

// bodyKept bounds what is kept for the next answer.
const bodyKept = 256 << 10

// giveBack lets the next answer have the memory of one that was sent.
func giveBack(body *writer) {
	if cap(*body) <= bodyKept {
		*body = (*body)[:0]
		bodies.Put(body)
	}
}
