package projections

import (
	"github.com/rollcall-sync/rollcall/domain"
)

// Sort is the attribute that a list is sorted by (RFC 7644 §3.4.2.3).
type Sort struct {
	By         domain.Ref
	Descending bool
}

// orderBy makes the ORDER BY of a list: rows without a value come last, first if it descends; equal ones in the order of creation. Of a
// multi-valued attribute the primary value counts, else the first.
func orderBy(kind Kind, s *Sort) (string, []any, error) {
	if s == nil {
		return "r.place", nil, nil
	}
	key, args, err := sortKey(kind, s.By)
	if err != nil {
		return "", nil, err
	}
	direction := ""
	if s.Descending {
		direction = " DESC"
	}
	return "(" + key + ") IS NULL" + direction + ", (" + key + ")" + direction + ", r.place", append(args, args...), nil
}

func sortKey(kind Kind, by domain.Ref) (string, []any, error) {
	if col, ok := columns[kind][domain.PathName(by.Path)]; ok {
		return col.name, nil, nil
	}
	a := by.Attribute
	if a == nil || by.Path[0] == "meta" || by.Path[0] == "members" || by.Path[0] == "groups" {
		return "", nil, unsortable(by)
	}
	path := by.Path
	if leaf := by.Leaf(); leaf.Type == domain.Complex {
		path = append(append([]string{}, path...), "value") // the value of each, as in a filter
	}
	if !a.MultiValued {
		return "fold(json_extract(r.attributes, ?))", []any{jsonPath(path)}, nil
	}
	return "(SELECT fold(json_extract(v.value, ?)) FROM json_each(r.attributes, ?) v ORDER BY ifnull(json_extract(v.value, '$.primary'), 0) DESC, v.key LIMIT 1)",
		[]any{jsonPath(path[1:]), jsonPath(path[:1])}, nil
}

func unsortable(by domain.Ref) error {
	return domain.RefuseFor(domain.Invalid, domain.InvalidPath, "resources cannot be sorted by %s", domain.PathName(by.Path))
}
