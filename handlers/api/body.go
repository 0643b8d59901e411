package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
)

// fields are those that a body may have, by name: where each goes, a *string or a *[]string. A field that is absent or null
// leaves its place as it is.
type fields map[string]any

// read reads the JSON object of a body. All fields that are unknown or of another type are told at once. A request without a
// body has no fields, and needs no media type.
func (f fields) read(w http.ResponseWriter, r *request) error {
	if r.ContentLength == 0 {
		return nil
	}
	body, err := handlers.ReadBody(w, r.Request, maxBody, "application/json")
	if err != nil {
		return err
	}
	object, err := domain.ReadObject(body, maxDepth)
	if err != nil {
		return err
	}
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
		return fmt.Sprintf("is unknown here; there are: %s", strings.Join(slices.Sorted(maps.Keys(f)), " "))
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
	case *[]string:
		list, is := value.([]any)
		if !is {
			return "is not a list of texts"
		}
		for _, v := range list {
			text, is := v.(string)
			if !is {
				return "is not a list of texts"
			}
			*place = append(*place, text)
		}
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
