package scim

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
)

// plan is the order in which to run operations: as they stand, but each after those that make what it refers to by bulkId
// (RFC 7644 §3.7.2).
type plan struct {
	order []int   // of indexes
	needs [][]int // for each operation, those that make what it refers to
	wrong []error // for each operation, why its references can never be resolved
}

// planOf finds the references, and refuses those that name nothing or go in a circle: a resource is made whole or not at all, so
// neither of two that hold each other could come first (RFC 7644 §3.7.1 lets a server refuse it).
func planOf(operations []operation) plan {
	n := len(operations)
	p := plan{needs: make([][]int, n), wrong: make([]error, n)}
	makes := map[string]int{}
	for i, o := range operations {
		if o.method == http.MethodPost && o.bulkID != "" {
			makes[o.bulkID] = i
		}
	}
	for i := range operations {
		for _, bulkID := range operations[i].references() {
			if at, known := makes[bulkID]; known {
				p.needs[i] = append(p.needs[i], at)
			} else if p.wrong[i] == nil {
				p.wrong[i] = domain.Refuse(domain.Conflict, "it refers to bulkId %q, which no operation of this request creates", bulkID)
			}
		}
	}
	walk := walk{plan: &p, seen: make([]int, n), lowest: make([]int, n), open: make([]bool, n)}
	for i := range operations {
		if walk.seen[i] == 0 {
			walk.visit(i)
		}
	}
	return p
}

// walk is Tarjan's: what operations need comes before them, and a circle comes out as one piece.
type walk struct {
	*plan
	steps        int
	seen, lowest []int // the step at which an operation was seen, 0 for not yet, and the earliest that it leads back to
	open         []bool
	stack        []int
}

func (w *walk) visit(i int) {
	w.steps++
	w.seen[i], w.lowest[i], w.open[i] = w.steps, w.steps, true
	w.stack = append(w.stack, i)
	for _, needed := range w.needs[i] {
		if w.seen[needed] == 0 {
			w.visit(needed)
			w.lowest[i] = min(w.lowest[i], w.lowest[needed])
		} else if w.open[needed] {
			w.lowest[i] = min(w.lowest[i], w.seen[needed])
		}
	}
	if w.lowest[i] != w.seen[i] {
		return
	}
	at := slices.Index(w.stack, i)
	piece := slices.Sorted(slices.Values(w.stack[at:]))
	w.stack = w.stack[:at]
	circle := len(piece) > 1 || slices.Contains(w.needs[i], i)
	for _, member := range piece {
		w.open[member] = false
		if circle {
			w.wrong[member] = domain.Refuse(domain.Conflict, "its references by bulkId go in a circle; create the resources first and link them by a PATCH of this request")
		}
	}
	w.order = append(w.order, piece...)
}

const bulkIDPrefix = "bulkId:"

// quoted is a reference in the path of a PATCH: members[value eq "bulkId:x"].
var quoted = regexp.MustCompile(`"` + bulkIDPrefix + `[^"\\]*"`)

// references are the bulkIds that an operation refers to, each once, in order.
func (o *operation) references() []string {
	found := map[string]bool{}
	o.resolve(func(bulkID string) string { found[bulkID] = true; return bulkIDPrefix + bulkID })
	return slices.Sorted(maps.Keys(found))
}

// resolve puts ids where the operation refers to bulkIds: in its path, and in its data where a text is a reference as a whole, ends a $ref or
// stands in quotes in a PATCH's path.
func (o *operation) resolve(id func(bulkID string) string) {
	if bulkID, is := strings.CutPrefix(o.id, bulkIDPrefix); is {
		o.id = id(bulkID)
	}
	if o.data != nil {
		resolved("", o.data, id)
	}
}

// resolved resolves what stands under a name, in place.
func resolved(name string, v any, id func(string) string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = resolved(k, e, id)
		}
	case []any:
		for i, e := range v {
			v[i] = resolved(name, e, id)
		}
	case string:
		return resolvedText(name, v, id)
	}
	return v
}

func resolvedText(name, text string, id func(string) string) string {
	if bulkID, is := strings.CutPrefix(text, bulkIDPrefix); is {
		return id(bulkID)
	}
	switch strings.ToLower(name) {
	case "$ref":
		if at := strings.LastIndex(text, "/"+bulkIDPrefix); at >= 0 {
			return text[:at+1] + id(text[at+1+len(bulkIDPrefix):])
		}
	case "path":
		return quoted.ReplaceAllStringFunc(text, func(match string) string {
			return `"` + id(match[1+len(bulkIDPrefix):len(match)-1]) + `"`
		})
	}
	return text
}
