package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/rollcall-sync/rollcall/handlers/api"
)

// contract is openapi.yaml, to hold requests and answers against.
type contract struct {
	document *openapi3.T
	paths    *http.ServeMux // finds the operation of a request
}

// theContract is read once. Its objects are closed for the tests, so that an answer with a field that is not described fails; for others they stay open:
// an answer may gain fields.
var theContract = sync.OnceValues(func() (*contract, error) {
	d, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		return nil, err
	}
	if err := d.Validate(context.Background()); err != nil {
		return nil, err
	}
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		return eachLine(body), nil
	})
	c := &contract{d, http.NewServeMux()}
	for path, item := range d.Paths.Map() {
		for method, operation := range item.Operations() {
			operation.Parameters = append(slices.Clip(item.Parameters), operation.Parameters...)
			c.paths.Handle(method+" "+path, operationHandler{&routers.Route{Spec: d, Path: path, PathItem: item, Method: method, Operation: operation}})
			for _, answer := range operation.Responses.Map() {
				for _, m := range answer.Value.Content {
					shut(m.Schema, map[*openapi3.Schema]bool{})
				}
			}
		}
	}
	return c, nil
})

// eachLine is the values that stand on the lines of a body; what is none is shown as a text.
func eachLine(body io.Reader) []any {
	out := []any{}
	for in := bufio.NewScanner(body); in.Scan(); {
		var v any
		if json.Unmarshal(in.Bytes(), &v) != nil {
			v = in.Text()
		}
		out = append(out, v)
	}
	return out
}

// operationHandler is found for a request; it is never served.
type operationHandler struct{ *routers.Route }

func (operationHandler) ServeHTTP(http.ResponseWriter, *http.Request) { panic("only looked up") }

// shut closes an object that does not say whether it is open, and all in it.
func shut(s *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if s == nil || seen[s.Value] {
		return
	}
	seen[s.Value] = true
	if extra := &s.Value.AdditionalProperties; len(s.Value.Properties) > 0 && extra.Has == nil && extra.Schema == nil {
		extra.Has = new(false)
	}
	shut(s.Value.Items, seen)
	for _, p := range s.Value.Properties {
		shut(p, seen)
	}
	for _, choice := range s.Value.AnyOf {
		shut(choice, seen)
	}
}

// held is a handler of which every answer, and every request that it accepts, is held against openapi.yaml. What is wrong is told to the test that the
// world has at that time: a fuzzer keeps an input that its own case failed with.
func (w *world) held(next http.Handler) http.Handler {
	w.t.Helper()
	c, err := theContract()
	if err != nil {
		w.t.Fatalf("openapi.yaml: %v", err)
	}
	return http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		sent := &bytes.Buffer{}
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, sent), r.Body}
		answer := &copied{ResponseWriter: to}
		next.ServeHTTP(answer, r)
		if r.Context().Err() != nil {
			return // the client left, and nobody reads the answer
		}
		if err := c.hold(r, sent.Bytes(), answer); err != nil {
			w.t.Errorf("%s %s %.300s = %d %.500s: openapi.yaml: %.500s", r.Method, r.URL, sent, answer.status, answer.body.String(), err.Error())
		}
	})
}

// copied remembers an answer.
type copied struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (a *copied) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *copied) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.body.Write(b)
	return a.ResponseWriter.Write(b)
}

func (a *copied) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// general are the errors that any operation may answer; what else one answers is described with it.
var general = []int{400, 401, 403, 413, 415, 422, 429, 500, 503}

func (c *contract) hold(r *http.Request, sent []byte, a *copied) error {
	if err := hasHeaders(r, a); err != nil {
		return err
	}
	if r.Method == http.MethodOptions && a.status == http.StatusNoContent {
		return nil
	}
	found, _ := c.paths.Handler(r)
	operation, is := found.(operationHandler)
	if !is {
		return c.isError(r, a)
	}
	if operation.Operation.Responses.Status(a.status) == nil && !slices.Contains(general, a.status) {
		return fmt.Errorf("it does not say that it may answer %d", a.status)
	}
	again := r.Clone(context.Background())
	again.Body = io.NopCloser(bytes.NewReader(sent))
	if again.Header.Get("Content-Type") == "" && len(sent) > 0 {
		again.Header.Set("Content-Type", mediaOf(operation.Operation))
	}
	input := &openapi3filter.RequestValidationInput{Request: again, Route: operation.Route, PathParams: paramsOf(operation.Path, r.URL.Path),
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true}}
	if a.status < 400 {
		if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
			return err
		}
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{RequestValidationInput: input,
		Status: a.status, Header: a.Header(), Body: io.NopCloser(bytes.NewReader(a.body.Bytes())), Options: &openapi3filter.Options{IncludeResponseStatus: true}})
}

// hasHeaders holds every answer to the headers that each must have, and to those that none may have.
func hasHeaders(r *http.Request, a *copied) error {
	want := map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
	if r.URL.Path == "/api/v2/docs" && a.status == http.StatusOK {
		delete(want, "Content-Security-Policy") // it has one of its own
	}
	for name, value := range want {
		if got := a.Header().Get(name); got != value {
			return fmt.Errorf("the header %s is %q", name, got)
		}
	}
	if len(a.Header().Get("X-Request-Id")) != 24 {
		return fmt.Errorf("the request's id is %q", a.Header().Get("X-Request-Id"))
	}
	for name := range a.Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			return fmt.Errorf("it has the header %s", name)
		}
	}
	if a.status == http.StatusTooManyRequests && a.Header().Get("Retry-After") == "" {
		return fmt.Errorf("it does not say how long to wait")
	}
	return nil
}

// isError holds the answer of a path or method that there is not.
func (c *contract) isError(r *http.Request, a *copied) error {
	var v any
	if err := json.Unmarshal(a.body.Bytes(), &v); err != nil || a.status < 400 {
		return fmt.Errorf("it does not describe the path, and this is no error: %v", err)
	}
	form := "Error"
	if strings.HasPrefix(r.URL.Path, "/oauth/") {
		form = "OAuthError"
	}
	return c.document.Components.Schemas[form].Value.VisitJSON(v, openapi3.EnableJSONSchema2020())
}

// mediaOf is what a body without a media type is read as.
func mediaOf(o *openapi3.Operation) string {
	for _, kind := range []string{"application/x-www-form-urlencoded", "application/x-ndjson"} {
		if o.RequestBody != nil && o.RequestBody.Value.Content.Get(kind) != nil {
			return kind
		}
	}
	return "application/json"
}

// paramsOf are the values that a path has in the places of a pattern.
func paramsOf(pattern, path string) map[string]string {
	out := map[string]string{}
	values := strings.Split(path, "/")
	for i, step := range strings.Split(pattern, "/") {
		if name, is := strings.CutPrefix(step, "{"); is {
			out[strings.TrimSuffix(name, "}")] = values[i]
		}
	}
	return out
}

// TestContractDescribesTheRoutes: no route stands in one only.
func TestContractDescribesTheRoutes(t *testing.T) {
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for path, item := range c.document.Paths.Map() {
		for method := range item.Operations() {
			described[method+" "+path] = true
		}
	}
	for _, route := range api.Routes(newWorld(t).door) {
		if name := route.Method + " " + route.Path; !described[name] {
			t.Errorf("openapi.yaml does not describe %s", name)
		} else {
			delete(described, name)
		}
	}
	for name := range described {
		t.Errorf("openapi.yaml describes %s, which is no route", name)
	}
}
