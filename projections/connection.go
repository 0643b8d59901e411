package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/ncruces/go-sqlite3"
)

// keptStatements bounds the statements that one connection keeps: most queries have one of a few texts, but filters make texts of their own.
const keptStatements = 128

// connection is one connection to a file, with the statements that it has prepared: to prepare a query takes SQLite longer than to find one row by
// it. One goroutine at a time uses it. It speaks to SQLite itself and not through database/sql, which costs as much as the query that finds one row.
type connection struct {
	*sqlite3.Conn
	kept *simplelru.LRU[string, *statement]
}

// connect opens a file by its name, which says how SQLite is to open it.
func connect(name string) (*connection, error) {
	opened, err := sqlite3.Open(name)
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: opened}
	// Otherwise SQLite prepares a statement anew where a partial index might suit another value better.
	_, err = c.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true)
	if err := errors.Join(err, addFold(opened)); err != nil {
		return nil, closeAfter(err, opened)
	}
	c.kept, err = simplelru.NewLRU(keptStatements, func(_ string, s *statement) { s.dismiss() })
	return c, err
}

// Close closes the connection and its statements.
func (c *connection) Close() error {
	c.kept.Purge()
	return c.Conn.Close()
}

// rows runs a query and answers its rows; a row may be scanned until the next is asked for. A context that ends stops it.
func (c *connection) rows(ctx context.Context, query string, args ...any) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		s, err := c.statement(query, args)
		if err != nil {
			yield(nil, err)
			return
		}
		defer s.done()
		defer c.SetInterrupt(c.SetInterrupt(ctx))
		for s.Step() {
			if !yield(s, nil) {
				return
			}
		}
		if err := s.Err(); err != nil {
			yield(nil, interrupted(ctx, err))
		}
	}
}

// exec runs a query that answers nothing.
func (c *connection) exec(ctx context.Context, query string, args ...any) error {
	s, err := c.statement(query, args)
	if err != nil {
		return err
	}
	defer s.done()
	defer c.SetInterrupt(c.SetInterrupt(ctx))
	return interrupted(ctx, s.Exec())
}

// interrupted is the context's error where it was the context that stopped SQLite.
func interrupted(ctx context.Context, err error) error {
	if errors.Is(err, sqlite3.INTERRUPT) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// view lets f see one state of the file.
func (c *connection) view(ctx context.Context, f func() error) (err error) {
	if err := c.exec(ctx, `BEGIN`); err != nil {
		return err
	}
	defer func() {
		if ended := c.exec(context.Background(), `ROLLBACK`); err == nil { // nothing was written
			err = ended
		}
	}()
	return f()
}

// statement is the one for a text, bound to values. Its user tells when it is done.
func (c *connection) statement(query string, args []any) (*statement, error) {
	s, known := c.kept.Get(query)
	if !known || s.used {
		prepared, _, err := c.PrepareFlags(query, sqlite3.PREPARE_PERSISTENT)
		if err != nil {
			return nil, err
		}
		s = &statement{Stmt: prepared, dismissed: known} // if known, the kept one is in use, by an outer query of the same text
		if !known {
			c.kept.Add(query, s)
		}
	}
	s.used = true
	if err := s.bindAll(args); err != nil {
		s.done()
		return nil, fmt.Errorf("%q: %w", query, err)
	}
	return s, nil
}

// statement is prepared, and closed when it is neither used nor kept any more.
type statement struct {
	*sqlite3.Stmt
	used, dismissed bool
}

// done is called when its user has no more use for it.
func (s *statement) done() {
	s.used = false
	s.Reset() // its error is that of the last step, told there
	s.ClearBindings()
	if s.dismissed {
		s.Close()
	}
}

// dismiss is called when it is kept no more.
func (s *statement) dismiss() {
	s.dismissed = true
	if !s.used {
		s.Close()
	}
}
