package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

//go:embed docs.html
var docsPage string

//go:embed docs.css
var docsStyle string

// docs is the document as a page for people. It is made once, needs nothing from elsewhere and runs no script.
type docs struct {
	page   []byte
	policy string // what the page may do: have its own style, and nothing else
}

func renderDocs(d *document) (docs, error) {
	t, err := template.New("docs").Funcs(template.FuncMap{
		"prose": prose, "paragraphs": func(s string) []string { return strings.Split(strings.TrimSpace(s), "\n\n") },
		"needs": needs, "lower": strings.ToLower, "example": example, "required": slices.Contains[[]string],
		"operations": d.operations, "body": d.body, "response": d.response, "kind": d.kind, "says": d.says,
	}).Parse(docsPage)
	if err != nil {
		return docs{}, fmt.Errorf("read docs.html: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, struct {
		*document
		Style template.CSS
	}{d, template.CSS(docsStyle)}); err != nil {
		return docs{}, fmt.Errorf("render the document: %w", err)
	}
	sum := sha256.Sum256([]byte(docsStyle))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return docs{b.Bytes(), policy}, nil
}

// described is an operation with its place.
type described struct {
	Method, Path string
	*operation
}

// operations are those of a tag.
func (d *document) operations(tag string) []described {
	var out []described
	for _, p := range d.Paths {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if o := d.operation(method, p.Name); o != nil && slices.Contains(o.Tags, tag) {
				out = append(out, described{method, p.Name, o})
			}
		}
	}
	return out
}

// body is the JSON that an operation takes.
func (d *document) body(o described) media {
	if o.Body == nil {
		return media{}
	}
	content := o.Body.Content
	if o.Body.Ref != "" {
		content = d.Components.RequestBodies.named(refersTo(o.Body.Ref)).Content
	}
	m := content.named("application/json")
	if m.Schema.Ref != "" {
		m.Schema = d.Components.Schemas.named(refersTo(m.Schema.Ref))
	}
	return m
}

func (d *document) response(r response) response {
	if r.Ref != "" {
		return d.Components.Responses.named(refersTo(r.Ref))
	}
	return r
}

// needs is what an operation needs of the key, "" for none at all.
func needs(o described) string {
	for _, requirement := range o.Security {
		return strings.Join(requirement["key"], " ")
	}
	return ""
}

func example(v any) (string, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return string(text), err
}

var code = regexp.MustCompile("`[^`]+`")

// prose is a description with what stands between backticks as code.
func prose(s string) template.HTML {
	return template.HTML(code.ReplaceAllStringFunc(template.HTMLEscapeString(strings.TrimSpace(s)), func(quoted string) string {
		return "<code>" + strings.Trim(quoted, "`") + "</code>"
	}))
}

// plain is what a reference stands for, unless that is an object, which has its own place on the page.
func (d *document) plain(s schema) schema {
	if s.Ref == "" {
		return s
	}
	if target := d.Components.Schemas.named(refersTo(s.Ref)); len(target.Properties) == 0 {
		return target
	}
	return s
}

// says is the description of a field.
func (d *document) says(s schema) template.HTML { return prose(d.plain(s).Description) }

// kind says in a few words what a field takes.
func (d *document) kind(s schema) template.HTML {
	s = d.plain(s)
	if s.Ref != "" {
		name := template.HTMLEscapeString(refersTo(s.Ref))
		return template.HTML(`<a href="#schema-` + name + `">` + name + `</a>`)
	}
	var words []string
	null := ""
	for _, choice := range s.AnyOf {
		if choice.Type == "null" {
			null = "or null"
			continue
		}
		words = append(words, string(d.kind(choice)))
	}
	types, several := s.Type.([]any)
	if !several {
		types = []any{s.Type}
	}
	for _, kind := range types {
		switch {
		case kind == "null":
			null = "or null"
		case kind == "array":
			words = append(words, "list of", string(d.kind(*s.Items)))
		case s.Format != "":
			words = append(words, s.Format)
		case s.Const == nil && s.Enum == nil && kind != nil:
			words = append(words, fmt.Sprint(kind))
		}
	}
	for _, value := range append(s.Enum, s.Const) {
		if value != nil {
			words = append(words, "<code>"+template.HTMLEscapeString(fmt.Sprint(value))+"</code>")
		}
	}
	if s.Minimum != nil && s.Maximum != nil {
		words = append(words, fmt.Sprintf("from %d to %d", *s.Minimum, *s.Maximum))
	}
	if s.Default != nil {
		words = append(words, "("+template.HTMLEscapeString(fmt.Sprint(s.Default))+" unless given)")
	}
	return template.HTML(strings.TrimSpace(strings.Join(append(words, null), " ")))
}

func (a *API) showDocument(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	_, _ = w.Write(openAPI)                            // the client is gone if this fails
	return nil
}

func (a *API) showDocs(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", a.docs.policy)
	_, _ = w.Write(a.docs.page) // the client is gone if this fails
	return nil
}
