package scim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
)

// operation is one of a bulk request (RFC 7644 §3.7).
type operation struct {
	method, bulkID string
	version        string // as If-Match, "" for any
	kind           *domain.ResourceType
	id             string         // of the resource, "" for a POST; a reference before it is resolved
	data           map[string]any // nil for a DELETE
	wrong          error          // what its form is refused for; such a one is not run
}

// bulk is what a bulk request asks for.
type bulk struct {
	failOnErrors int // after how many failures to stop, 0 for never
	operations   []operation
}

// readBulk reads a bulk request. What is wrong with one operation is that operation's failure; what makes it unclear which
// operations are meant refuses them all.
func readBulk(object map[string]any, most int) (bulk, error) {
	var b bulk
	var err error
	given, _ := take(object, "failOnErrors")
	if b.failOnErrors, err = failOnErrors(given); err != nil {
		return b, err
	}
	value, _ := take(object, "Operations")
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return b, domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "a bulk request has a list of Operations")
	}
	if len(list) > most {
		return b, domain.Refuse(domain.TooLarge, "the bulk request has more operations than maxOperations (%d)", most)
	}
	taken := map[string]bool{}
	for _, e := range list {
		o := readBulkOperation(e)
		if o.method == http.MethodPost && taken[o.bulkID] && o.bulkID != "" {
			return b, domain.RefuseFor(domain.Invalid, domain.InvalidValue, "two operations have the bulkId %q", o.bulkID)
		}
		taken[o.bulkID] = taken[o.bulkID] || o.method == http.MethodPost
		b.operations = append(b.operations, o)
	}
	return b, nil
}

// failOnErrors is a positive number. Clients also write null and 0 for none.
func failOnErrors(value any) (int, error) {
	if value == nil {
		return 0, nil
	}
	if n, ok := value.(json.Number); ok {
		if i, err := n.Int64(); err == nil && i >= 0 {
			return int(min(i, 1<<30)), nil
		}
	}
	return 0, domain.RefuseFor(domain.Invalid, domain.InvalidValue, "failOnErrors is not a number of errors")
}

func readBulkOperation(v any) (o operation) {
	object, ok := v.(map[string]any)
	if !ok {
		o.wrong = syntax("an operation is an object with method and path")
		return o
	}
	path := ""
	for name, into := range map[string]*string{"method": &o.method, "bulkId": &o.bulkID, "version": &o.version, "path": &path} {
		value, _ := take(object, name)
		if *into, ok = value.(string); !ok && value != nil {
			o.wrong = syntax("method, path, bulkId and version of an operation are texts")
		}
	}
	o.method = strings.ToUpper(o.method)
	data, _ := take(object, "data")
	o.data, _ = data.(map[string]any)
	if o.wrong == nil {
		o.wrong = o.read(path)
	}
	return o
}

// read reads the path of an operation and tells what its method lacks.
func (o *operation) read(path string) error {
	known := false
	if o.kind, o.id, known = target(path); !known {
		return domain.Refuse(domain.NotFound, "there is nothing at this path; an operation is about /Users, /Groups or one of these")
	}
	switch o.method {
	case http.MethodPost:
		if o.id != "" {
			return domain.Refuse(domain.MethodNotAllowed, "a POST is to /Users or /Groups")
		}
		if o.bulkID == "" {
			return syntax("a POST has a bulkId")
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		if o.id == "" {
			return domain.Refuse(domain.MethodNotAllowed, "only a POST is to /Users or /Groups; name the resource")
		}
	default:
		return syntax("the method of an operation is POST, PUT, PATCH or DELETE")
	}
	if o.data == nil && o.method != http.MethodDelete {
		return syntax("an operation that is no DELETE has an object as its data")
	}
	return nil
}

// target is what a path names: a resource type, and perhaps one resource.
func target(path string) (*domain.ResourceType, string, bool) {
	for _, t := range []*domain.ResourceType{domain.UserType, domain.GroupType} {
		rest, below := strings.CutPrefix("/"+strings.TrimPrefix(path, "/"), t.Endpoint)
		if !below {
			continue
		}
		if rest == "" {
			return t, "", true
		}
		segment, below := strings.CutPrefix(rest, "/")
		id, err := url.PathUnescape(segment)
		return t, id, below && err == nil && id != "" && !strings.ContainsAny(segment, "/?#")
	}
	return nil, "", false
}

func syntax(message string) error {
	return domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "%s", message)
}
