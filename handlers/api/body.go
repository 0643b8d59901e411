package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
)

// fields are those that a body may have, by name: where each goes, a *string, *int, *bool, *[]string or *map[string]string. A field that is absent or
// null leaves its place as it is.
type fields map[string]any

// read reads the JSON object of a body into its fields.
func (f fields) read(w http.ResponseWriter, r *request) error {
	object, err := readObject(w, r)
	if err != nil {
		return err
	}
	return f.take(object)
}

// readObject reads the JSON object of a body. A request without a body has no fields, and needs no media type.
func readObject(w http.ResponseWriter, r *request) (map[string]any, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	body, err := handlers.ReadBody(w, r.Request, maxBody, "application/json")
	if err != nil || len(body) == 0 {
		return nil, err
	}
	return domain.ReadObject(body, maxDepth)
}

// take takes the members of an object. All that are unknown or of another type are told at once.
func (f fields) take(object map[string]any) error {
	wrong := map[string]string{}
	for name, value := range object {
		if what := f.set(name, value); what != "" {
			wrong[name] = what
		}
	}
	return refuseFields(wrong)
}

// set puts a value in its place, or tells what is wrong with it.
func (f fields) set(name string, value any) string {
	place, known := f[name]
	if !known {
		return unknownHere(maps.Keys(f))
	}
	if value == nil {
		return ""
	}
	switch place := place.(type) {
	case *string:
		text, is := value.(string)
		if !is {
			return "is not a text"
		}
		*place = text
	case *int:
		number, is := value.(json.Number)
		n, err := strconv.Atoi(string(number))
		if !is || err != nil {
			return "is not a whole number"
		}
		*place = n
	case *bool:
		is := false
		if *place, is = value.(bool); !is {
			return "is neither true nor false"
		}
	case *[]string:
		list, is := value.([]any)
		if !is {
			return "is not a list of texts"
		}
		texts := make([]string, len(list))
		for i, v := range list {
			if texts[i], is = v.(string); !is {
				return "is not a list of texts"
			}
		}
		*place = texts
	case *map[string]string:
		object, is := value.(map[string]any)
		if !is {
			return "is not an object of texts"
		}
		texts := make(map[string]string, len(object))
		for name, v := range object {
			if texts[name], is = v.(string); !is {
				return "is not an object of texts"
			}
		}
		*place = texts
	}
	return ""
}

// refuseFields is one error about all of the fields, nil if there are none.
func refuseFields(wrong map[string]string) error {
	if len(wrong) == 0 {
		return nil
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(wrong)) {
		all = append(all, name+" "+wrong[name])
	}
	e := domain.RefuseFor(domain.Invalid, domain.InvalidValue, "%s", strings.Join(all, "; "))
	e.Fields = wrong
	return e
}
