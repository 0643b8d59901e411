package projections

import (
	"context"
	"fmt"
	"iter"
	"slices"
)

// queries runs SQL: on a file as it stands, or on one state of it.
type queries interface {
	rows(ctx context.Context, query string, args ...any) iter.Seq2[row, error]
}

// one answers the first row of a query, ErrNotFound if there is none.
func one[T any](ctx context.Context, m *ReadModel, in scope, scan func(row) (T, error), query string, args ...any) (T, error) {
	if err := m.fresh(ctx, in); err != nil {
		var none T
		return none, err
	}
	return first(ctx, m.db.read, scan, query, args...)
}

func first[T any](ctx context.Context, q queries, scan func(row) (T, error), query string, args ...any) (found T, err error) {
	for r, err := range q.rows(ctx, query, args...) {
		if err == nil {
			found, err = scan(r)
		}
		if err != nil {
			return found, fmt.Errorf("query: %w", err)
		}
		return found, nil
	}
	return found, ErrNotFound
}

// all answers every row of a query.
func all[T any](ctx context.Context, m *ReadModel, in scope, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	if err := m.fresh(ctx, in); err != nil {
		return nil, err
	}
	return rowsOf(ctx, m.db.read, scan, query, args...)
}

func rowsOf[T any](ctx context.Context, q queries, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	out := []T{}
	for r, err := range q.rows(ctx, query, args...) {
		var v T
		if err == nil {
			v, err = scan(r)
		}
		if err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
		out = append(out, v)
	}
	return out, nil
}

// together runs several queries over one state of the model, so that a page and its total agree.
func together[T any](ctx context.Context, m *ReadModel, in scope, f func(queries) (T, error)) (found T, err error) {
	if err := m.fresh(ctx, in); err != nil {
		return found, err
	}
	c, err := m.db.read.take(ctx)
	if err != nil {
		return found, fmt.Errorf("query: %w", err)
	}
	defer m.db.read.give(c)
	err = c.view(ctx, func() error {
		found, err = f(c)
		return err
	})
	return found, err
}

func number(r row) (int, error) {
	var n int
	err := r.Scan(&n)
	return n, err
}

// counted answers the number that a query counts.
func counted(ctx context.Context, q queries, query string, args ...any) (int, error) {
	return first(ctx, q, number, query, args...)
}

// paged lists one of the small tables: what an operator makes by hand. Both the rows that are counted and the query have the same arguments; a page
// counts from 1.
func paged[T any](ctx context.Context, m *ReadModel, scan func(row) (T, error), rows, query string, args []any, page, perPage int) ([]T, int, error) {
	p, err := together(ctx, m, rest, func(q queries) (p Page[T], err error) {
		limits := []any{max(perPage, 0), (max(page, 1) - 1) * max(perPage, 0)}
		if p.Items, err = rowsOf(ctx, q, scan, query+` LIMIT ? OFFSET ?`, slices.Concat(args, limits)...); err != nil {
			return p, err
		}
		p.Total, err = counted(ctx, q, `SELECT count(*) FROM `+rows, args...)
		return p, err
	})
	return p.Items, p.Total, err
}
