package scim

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
)

// readResource reads the JSON object of a body, or of an operation that a bulk request holds.
func readResource(w http.ResponseWriter, r *request) (map[string]any, error) {
	if r.object != nil {
		return r.object, nil
	}
	return readObject(w, r, maxDepth)
}

func readObject(w http.ResponseWriter, r *request, depth int) (map[string]any, error) {
	body, err := handlers.ReadBody(w, r.Request, r.limit, "application/scim+json", "application/json")
	if err != nil {
		return nil, err
	}
	return domain.ReadObject(body, depth)
}

// take removes a member of an object by its name without regard to case, and answers its value and whether it was there.
func take(object map[string]any, name string) (any, bool) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if strings.EqualFold(key, name) {
			value := object[key]
			delete(object, key)
			return value, true
		}
	}
	return nil, false
}

// readPatch reads the operations of a PATCH (RFC 7644 §3.5.2); what they mean is the domain's to say.
func readPatch(w http.ResponseWriter, r *request) ([]domain.PatchOp, error) {
	object, err := readResource(w, r)
	if err != nil {
		return nil, err
	}
	if r.directory.Strict {
		if err := isPatch(object); err != nil {
			return nil, err
		}
	}
	value, _ := take(object, "Operations")
	list, ok := value.([]any)
	if !ok {
		return nil, domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "a PATCH has a list of Operations")
	}
	operations := make([]domain.PatchOp, len(list))
	for i, e := range list {
		if operations[i], err = readOperation(e); err != nil {
			return nil, err
		}
	}
	return operations, nil
}

// isPatch wants the message to say that it is a PATCH (RFC 7644 §3.5.2).
func isPatch(object map[string]any) error {
	schemas, _ := take(object, "schemas")
	if list, _ := schemas.([]any); len(list) != 1 || list[0] != patchOp {
		return domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "schemas of a PATCH is [%q]", patchOp)
	}
	return nil
}

const patchOp = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

func readOperation(v any) (domain.PatchOp, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return domain.PatchOp{}, domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "each of Operations is an object")
	}
	op, _ := take(object, "op")
	path, _ := take(object, "path")
	value, _ := take(object, "value")
	name, isText := op.(string)
	where, pathIsText := path.(string)
	if !isText || !pathIsText && path != nil {
		return domain.PatchOp{}, domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "op and path are strings")
	}
	return domain.PatchOp{Op: name, Path: where, Value: value}, nil
}
