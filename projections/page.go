package projections

import (
	"context"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
)

// Query selects resources of one directory. Start counts from 1 (RFC 7644 §3.4.2.4); a Count of 0 asks for the total only.
type Query struct {
	Filter       domain.Filter // nil for all
	Sort         *Sort         // nil for the order of creation
	Start, Count int
	After        int64 // only what stands behind this place (RFC 9865), 0 for all; for the order of creation, with Start 1
}

// Page is one page of a list and how many there are in all.
type Page[T any] struct {
	Items []T
	Total int
	Last  int64 // the place of the last item, for the After of the next page
}

// run is how many places are counted together.
const run = 256

// nextPlace gives a new row its place at the end of the directory.
func nextPlace(b *batch, directory string, kind Kind) (int64, error) {
	var place int64
	if _, err := b.row(`INSERT OR FAIL INTO places (directory, kind, last) VALUES (?, ?, 1) ON CONFLICT (directory, kind) DO UPDATE SET last = last + 1 RETURNING last`,
		[]any{directory, string(kind)}, &place); err != nil {
		return 0, err
	}
	return place, b.exec(`INSERT OR FAIL INTO counts (directory, kind, run, n) VALUES (?, ?, ?, 1) ON CONFLICT (directory, kind, run) DO UPDATE SET n = n + 1`,
		directory, string(kind), place/run)
}

func leavePlace(b *batch, directory string, kind Kind, place int64) error {
	return b.exec(`UPDATE counts SET n = n - 1 WHERE directory = ? AND kind = ? AND run = ?`, directory, string(kind), place/run)
}

// list answers a page of users or groups. Without a filter a page costs the same wherever it is; with one, rows before it are
// passed over in the filter's index.
func list[T any](ctx context.Context, m *ReadModel, kind Kind, scan func(row) (T, error), columns, directory string, q Query) (Page[T], error) {
	q.Start, q.Count = max(q.Start, 1), max(q.Count, 0)
	order, sorting, err := orderBy(kind, q.Sort)
	if err != nil {
		return Page[T]{}, err
	}
	where, args := `WHERE r.directory = ?`, []any{directory}
	if q.Filter != nil {
		condition, more, err := compile(kind, directory, q.Filter)
		if err != nil {
			return Page[T]{}, err
		}
		where, args = where+` AND `+condition, append(args, more...)
	} else if q.Sort == nil {
		return together(ctx, m, scope(directory), func(view queries) (Page[T], error) { return plainList(ctx, view, kind, scan, columns, directory, q) })
	}
	selected := func(ctx context.Context, view queries) (page Page[T], err error) {
		all := append(append(slices.Clone(args), q.After), sorting...)
		page, err = pageOf(ctx, view, kind, scan, columns, where+` AND r.place > ? ORDER BY `+order+` LIMIT ? OFFSET ?`, append(all, q.Count, q.Start-1)...)
		if whole := len(page.Items) < q.Count && q.After == 0 && (len(page.Items) > 0 || q.Start == 1); whole || err != nil {
			page.Total = q.Start - 1 + len(page.Items)
			return page, err
		}
		page.Total, err = counted(ctx, view, `SELECT count(*) FROM `+table(kind)+` r `+where, args...)
		return page, err
	}
	if finds("", q.Filter) {
		return together(ctx, m, scope(directory), func(view queries) (Page[T], error) { return selected(ctx, view) })
	}
	return search(ctx, m, directory, selected)
}

// pageOf reads the rows of a page, and the place of the last one.
func pageOf[T any](ctx context.Context, view queries, kind Kind, scan func(row) (T, error), columns, rest string, args ...any) (page Page[T], err error) {
	page.Items, err = rowsOf(ctx, view, func(r row) (T, error) { return scan(placed{r, &page.Last}) },
		`SELECT `+columns+`, r.place FROM `+table(kind)+` r `+rest, args...)
	return page, err
}

// placed is a row with its place behind the columns that are scanned.
type placed struct {
	row
	place *int64
}

func (p placed) Scan(into ...any) error { return p.row.Scan(append(into, p.place)...) }

func table(kind Kind) string { return string(kind) + "s" }

func plainList[T any](ctx context.Context, view queries, kind Kind, scan func(row) (T, error), columns, directory string, q Query) (Page[T], error) {
	type counted struct{ run, n int }
	runs, err := rowsOf(ctx, view, func(r row) (counted, error) {
		var c counted
		err := r.Scan(&c.run, &c.n)
		return c, err
	}, `SELECT run, n FROM counts WHERE directory = ? AND kind = ? AND n > 0 ORDER BY run`, directory, string(kind))
	if err != nil {
		return Page[T]{}, err
	}
	skip, from, total, found := q.Start-1, q.After+1, 0, q.After > 0
	for _, c := range runs {
		total += c.n
		if !found && skip < c.n {
			from, found = int64(c.run*run), true
		} else if !found {
			skip -= c.n
		}
	}
	if !found || q.Count == 0 {
		return Page[T]{Items: []T{}, Total: total}, nil
	}
	page, err := pageOf(ctx, view, kind, scan, columns, `WHERE r.directory = ? AND r.place >= ? ORDER BY r.place LIMIT ? OFFSET ?`, directory, from, q.Count, skip)
	page.Total = total
	return page, err
}
