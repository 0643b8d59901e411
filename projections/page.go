package projections

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
)

// Query selects resources of one directory. Start counts from 1 (RFC 7644 §3.4.2.4); a Count of 0 asks for the total only.
type Query struct {
	Filter       domain.Filter // nil for all
	Start, Count int
}

// Page is one page of a list and how many there are in all.
type Page[T any] struct {
	Items []T
	Total int
}

// run is how many places are counted together.
const run = 256

// nextPlace gives a new row its place at the end of the directory.
func nextPlace(b *batch, directory string, kind Kind) (int64, error) {
	var place int64
	if _, err := b.row(`INSERT INTO places (directory, kind, last) VALUES (?, ?, 1) ON CONFLICT (directory, kind) DO UPDATE SET last = last + 1 RETURNING last`,
		[]any{directory, string(kind)}, &place); err != nil {
		return 0, err
	}
	return place, b.exec(`INSERT INTO counts (directory, kind, run, n) VALUES (?, ?, ?, 1) ON CONFLICT (directory, kind, run) DO UPDATE SET n = n + 1`,
		directory, string(kind), place/run)
}

func leavePlace(b *batch, directory string, kind Kind, place int64) error {
	return b.exec(`UPDATE counts SET n = n - 1 WHERE directory = ? AND kind = ? AND run = ?`, directory, string(kind), place/run)
}

// list answers a page of users or groups. Without a filter a page costs the same wherever it is; with one, rows before it are
// passed over in the filter's index.
func list[T any](ctx context.Context, m *ReadModel, kind Kind, scan func(row) (T, error), columns, directory string, q Query) (Page[T], error) {
	q.Start, q.Count = max(q.Start, 1), max(q.Count, 0)
	if q.Filter == nil {
		return together(ctx, m, func(view queries) (Page[T], error) { return plainList(ctx, view, kind, scan, columns, directory, q) })
	}
	where, args, err := compile(kind, directory, q.Filter)
	if err != nil {
		return Page[T]{}, err
	}
	args = append([]any{directory}, args...)
	where = `WHERE r.directory = ? AND ` + where
	return together(ctx, m, func(view queries) (Page[T], error) {
		items, err := rowsOf(ctx, view, scan, columns+where+` ORDER BY r.place LIMIT ? OFFSET ?`, append(args, q.Count, q.Start-1)...)
		if err != nil {
			return Page[T]{}, err
		}
		if whole := len(items) < q.Count && (len(items) > 0 || q.Start == 1); whole {
			return Page[T]{items, q.Start - 1 + len(items)}, nil
		}
		total, err := counted(ctx, view, `SELECT count(*) FROM `+table(kind)+` r `+where, args...)
		return Page[T]{items, total}, err
	})
}

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
	skip, from, total, found := q.Start-1, 0, 0, false
	for _, c := range runs {
		total += c.n
		if !found && skip < c.n {
			from, found = c.run*run, true
		} else if !found {
			skip -= c.n
		}
	}
	page := Page[T]{[]T{}, total}
	if !found || q.Count == 0 {
		return page, nil
	}
	page.Items, err = rowsOf(ctx, view, scan, columns+`WHERE r.directory = ? AND r.place >= ? ORDER BY r.place LIMIT ? OFFSET ?`, directory, from, q.Count, skip)
	return page, err
}
