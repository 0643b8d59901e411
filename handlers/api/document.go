package api

import (
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// openAPI describes the API. It is the contract: a route that it does not describe does not start, and a query parameter that it does not name, or whose
// value is none of those that it lists, is refused.
//
//go:embed openapi.yaml
var openAPI []byte

// document is what the server reads of openapi.yaml.
type document struct {
	Info struct {
		Title       string
		Version     string
		Description string
	}
	Tags []struct {
		Name        string
		Description string
	}
	Paths      ordered[pathItem]
	Components struct {
		Parameters    ordered[parameter]
		RequestBodies ordered[body] `yaml:"requestBodies"`
		Responses     ordered[response]
		Schemas       ordered[schema]
	}
}

type pathItem struct {
	Parameters                    []parameter
	Get, Post, Put, Patch, Delete *operation
}

type operation struct {
	ID          string `yaml:"operationId"`
	Tags        []string
	Summary     string
	Description string
	Security    []map[string][]string
	Parameters  []parameter
	Body        *body `yaml:"requestBody"`
	Responses   ordered[response]
}

type parameter struct {
	Ref         string `yaml:"$ref"`
	Name        string
	In          string
	Required    bool
	Description string
	Schema      schema
}

type body struct {
	Ref      string `yaml:"$ref"`
	Required bool
	Content  ordered[media]
}

type response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Content     ordered[media]
}

type media struct {
	Schema  schema
	Example any
}

type schema struct {
	Ref              string `yaml:"$ref"`
	Type             any    // a name, or a list of them
	Description      string
	Format           string
	Enum             []any
	Const            any
	Default          any
	Minimum, Maximum *int
	MinLength        int `yaml:"minLength"`
	Required         []string
	Properties       ordered[schema]
	Items            *schema
	AnyOf            []schema `yaml:"anyOf"`
}

// ordered is a mapping in the order in which it is written.
type ordered[T any] []entry[T]

type entry[T any] struct {
	Name  string
	Value T
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (o *ordered[T]) UnmarshalYAML(n *yaml.Node) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		var e entry[T]
		if err := errors.Join(n.Content[i].Decode(&e.Name), n.Content[i+1].Decode(&e.Value)); err != nil {
			return err
		}
		*o = append(*o, e)
	}
	return nil
}

// named is the value of a name, the zero value if there is none.
func (o ordered[T]) named(name string) T {
	for _, e := range o {
		if e.Name == name {
			return e.Value
		}
	}
	var none T
	return none
}

func readDocument(text []byte) (*document, error) {
	var d document
	if err := yaml.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("read openapi.yaml: %w", err)
	}
	return &d, nil
}

// operation is that of a method on a path, with all of its parameters and what they may be; nil if it is not described.
func (d *document) operation(method, path string) *operation {
	item := d.Paths.named(path)
	found := map[string]*operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[method]
	if found == nil {
		return nil
	}
	whole := *found
	whole.Parameters = nil
	for _, p := range slices.Concat(item.Parameters, found.Parameters) {
		if p.Ref != "" {
			p = d.Components.Parameters.named(refersTo(p.Ref))
		}
		p.Schema = d.plain(p.Schema)
		whole.Parameters = append(whole.Parameters, p)
	}
	return &whole
}

// query are the query parameters, by their names.
func (o *operation) query() map[string]parameter {
	found := map[string]parameter{}
	for _, p := range o.Parameters {
		if p.In == "query" {
			found[p.Name] = p
		}
	}
	return found
}

// refuse says what is wrong with the values that a parameter has, "" if they may be meant. What a number, a duration or a filter says is for who reads it.
func (p parameter) refuse(values []string) string {
	text := p.Schema.Enum == nil && p.Schema.MinLength == 0
	switch {
	case len(values) > 1 && (!text || p.Schema.Type == "integer" || p.Schema.Type == "boolean"):
		return "is given more than once"
	case p.Schema.MinLength > 0 && values[0] == "":
		return "is empty; leave it out"
	case p.Schema.Enum != nil && !slices.Contains(p.Schema.Enum, any(values[0])):
		return "is none of: " + strings.Trim(fmt.Sprint(p.Schema.Enum), "[]")
	}
	return ""
}

// refersTo is the name that a reference ends with.
func refersTo(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }
