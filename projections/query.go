package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// row is one row of a query's answer, to be scanned.
type row interface{ Scan(...any) error }

// queries runs SQL: the pool of the read model, or one transaction on it.
type queries interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// one answers the first row of a query, ErrNotFound if there is none.
func one[T any](ctx context.Context, m *ReadModel, in scope, scan func(row) (T, error), query string, args ...any) (T, error) {
	var none T
	if err := m.fresh(ctx, in); err != nil {
		return none, err
	}
	v, err := scan(m.db.read.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return none, ErrNotFound
	}
	if err != nil {
		return none, fmt.Errorf("query the read model: %w", err)
	}
	return v, nil
}

// all answers every row of a query.
func all[T any](ctx context.Context, m *ReadModel, in scope, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	if err := m.fresh(ctx, in); err != nil {
		return nil, err
	}
	return rowsOf(ctx, m.db.read, scan, query, args...)
}

func rowsOf[T any](ctx context.Context, q queries, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query the read model: %w", err)
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("query the read model: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("query the read model: %w", err)
	}
	return out, nil
}

// together runs several queries over one state of the model, so that a page and its total agree.
func together[T any](ctx context.Context, m *ReadModel, in scope, f func(queries) (T, error)) (T, error) {
	var none T
	if err := m.fresh(ctx, in); err != nil {
		return none, err
	}
	tx, err := m.db.read.BeginTx(ctx, nil)
	if err != nil {
		return none, fmt.Errorf("query the read model: %w", err)
	}
	defer tx.Rollback() // nothing was written
	return f(tx)
}

func number(r row) (int, error) {
	var n int
	err := r.Scan(&n)
	return n, err
}

// counted answers the number that a query counts.
func counted(ctx context.Context, q queries, query string, args ...any) (int, error) {
	n, err := rowsOf(ctx, q, number, query, args...)
	if err != nil {
		return 0, err
	}
	return n[0], nil
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
