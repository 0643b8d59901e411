package saml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of a document.
const (
	maxBytes      = 512 << 10
	maxDepth      = 32
	maxElements   = 10_000
	maxAttributes = 64 // of an element
)

// element is an element of a document with its names resolved. The standard library's own mapping to structs is not used, for it takes an
// attribute of any namespace for one of none.
type element struct {
	name     xml.Name
	attrs    []xml.Attr
	children []*element
	text     strings.Builder
	comment  bool // there is one in it
}

// attr is the value of an attribute without a namespace, "" if there is none.
func (e *element) attr(name string) string {
	for _, a := range e.attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// all are the children of a name, in order.
func (e *element) all(space, local string) []*element {
	var out []*element
	for _, c := range e.children {
		if c.name == (xml.Name{Space: space, Local: local}) {
			out = append(out, c)
		}
	}
	return out
}

// value is the text of an element that has nothing else. With a comment in it, others would read another text.
func (e *element) value() (string, error) {
	if e.comment || len(e.children) > 0 {
		return "", fmt.Errorf("a comment or an element stands within the text of %s", e.name.Local)
	}
	return strings.TrimSpace(e.text.String()), nil
}

// document reads the root of a document in which nothing is hidden: no DTD and no entities but the predefined ones, no processing instructions, every prefix
// declared, and each attribute and each ID once.
func document(text string) (*element, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("it is larger than %d bytes", maxBytes)
	}
	text = strings.TrimPrefix(text, "\uFEFF")
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is text already, whatever it was encoded as
	r := reader{ids: map[string]bool{}}
	for {
		at := d.InputOffset()
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && r.root != nil:
			return r.root, nil
		case errors.Is(err, io.EOF):
			return nil, errors.New("it is empty")
		case err != nil:
			return nil, notXML(err)
		}
		if err := r.take(token, at); err != nil {
			return nil, err
		}
	}
}

// notXML words an error of the decoder, which may quote what it read.
func notXML(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("it is not well-formed XML: see line %d", syntax.Line)
	}
	return errors.New("it is not well-formed XML")
}

// reader builds the tree.
type reader struct {
	root  *element
	open  []*element
	count int
	ids   map[string]bool
}

func (r *reader) take(token xml.Token, at int64) error {
	switch t := token.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		r.open = r.open[:len(r.open)-1]
	case xml.CharData:
		if len(r.open) > 0 {
			r.open[len(r.open)-1].text.Write(t)
		} else if strings.TrimSpace(string(t)) != "" {
			return errors.New("text stands outside of its root element")
		}
	case xml.Comment:
		if len(r.open) > 0 {
			r.open[len(r.open)-1].comment = true
		}
	case xml.ProcInst:
		if t.Target != "xml" || at != 0 {
			return errors.New("it has a processing instruction")
		}
	case xml.Directive:
		return errors.New("it has a document type declaration; remove that, and write entities out")
	}
	return nil
}

func (r *reader) start(t xml.StartElement) error {
	r.count++
	switch {
	case len(r.open) == 0 && r.root != nil:
		return errors.New("it has several root elements")
	case len(r.open) == maxDepth:
		return fmt.Errorf("it is nested deeper than %d", maxDepth)
	case r.count > maxElements:
		return fmt.Errorf("it has more than %d elements", maxElements)
	case len(t.Attr) > maxAttributes:
		return fmt.Errorf("an element has more than %d attributes", maxAttributes)
	case undeclared(t.Name.Space):
		return fmt.Errorf("the prefix of an element %s is not declared", t.Name.Local)
	}
	seen := map[xml.Name]bool{}
	e := &element{name: t.Name}
	for _, a := range t.Attr {
		if seen[a.Name] {
			return fmt.Errorf("the attribute %s stands twice in one element", a.Name.Local)
		}
		seen[a.Name] = true
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		if undeclared(a.Name.Space) {
			return fmt.Errorf("the prefix of an attribute %s is not declared", a.Name.Local)
		}
		if strings.EqualFold(a.Name.Local, "ID") {
			if r.ids[a.Value] {
				return errors.New("two elements have one ID")
			}
			r.ids[a.Value] = true
		}
		e.attrs = append(e.attrs, a)
	}
	if len(r.open) == 0 {
		r.root = e
	} else {
		parent := r.open[len(r.open)-1]
		parent.children = append(parent.children, e)
	}
	r.open = append(r.open, e)
	return nil
}

// undeclared tells a prefix without a declaration, which the decoder leaves where the namespace belongs. Every namespace is a URI, and so has a colon.
func undeclared(space string) bool { return space != "" && !strings.Contains(space, ":") }
