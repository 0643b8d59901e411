package api_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// bounds tells whether a schema takes some values only, of which none is empty.
func bounds(s *openapi3.Schema) bool {
	return s.Enum != nil || s.Pattern != "" || s.MinLength > 0 || s.Type.Is("integer") || s.Type.Is("boolean")
}

// TestEveryParameterIsHeldToItsSchema: a value that the document does not allow is refused by its name, the empty one too, wherever it stands among others.
func TestEveryParameterIsHeldToItsSchema(t *testing.T) {
	w := newWorld(t)
	acme := w.estate("Acme")
	before, looked := w.head(), 0
	for _, o := range table(t) {
		for _, p := range o.Parameters {
			if p.Value.In != "query" || !bounds(p.Value.Schema.Value) {
				continue
			}
			looked++
			name, query := p.Value.Name, url.QueryEscape(p.Value.Name)
			queries := []string{query + "=", query, query + "=1&" + query + "=1"}
			if p.Value.Schema.Value.MinLength == 0 {
				queries = append(queries, query+"=none+of+these")
			}
			for _, allowed := range p.Value.Schema.Value.Enum {
				queries = append(queries, fmt.Sprintf("%s=%v&%[1]s=", query, allowed), fmt.Sprintf("%s=%v+", query, allowed))
			}
			if least := p.Value.Schema.Value.Min; least != nil {
				queries = append(queries, fmt.Sprintf("%s=%v", query, *least-1))
			}
			if most := p.Value.Schema.Value.Max; most != nil {
				queries = append(queries, fmt.Sprintf("%s=%.0f", query, *most+1))
			}
			for _, q := range queries {
				if a := w.do(o.method, o.at(t, acme.domain, acme.objects)+"?"+q, o.body(t, acme)); a.status != 422 || a.text("error", "fields", name) == "" {
					t.Errorf("%s?%s = %d %s", o, q, a.status, a.body)
				}
			}
		}
	}
	if w.head() != before || looked < 40 {
		t.Errorf("%d parameters, %v", looked, w.head())
	}
}
