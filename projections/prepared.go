package projections

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// keptStatements bounds the statements that one connection keeps: most queries have one of a few texts, but filters make texts of their own.
const keptStatements = 64

// openKeeping opens a pool of connections that keep the statements they have prepared: to prepare a query takes SQLite longer than to find
// one row by it. prepare makes each connection ready.
func openKeeping(name string, prepare func(*sqlite3.Conn) error) (*sql.DB, error) {
	connector, err := (&driver.SQLite{}).OpenConnector(name)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(keeping{connector, prepare}), nil
}

// keeping connects.
type keeping struct {
	sqldriver.Connector
	prepare func(*sqlite3.Conn) error
}

// Connect implements driver.Connector.
func (k keeping) Connect(ctx context.Context) (sqldriver.Conn, error) {
	opened, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &keeper{connection: opened.(connection)}
	// Otherwise SQLite prepares a statement anew where a partial index might suit another value better.
	_, err = c.Raw().Config(sqlite3.DBCONFIG_ENABLE_QPSG, true)
	if err := errors.Join(err, k.prepare(c.Raw())); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	c.kept, err = simplelru.NewLRU(keptStatements, func(_ string, s *keptStatement) { s.dismiss() })
	return c, err
}

// connection is what the driver's connections can do, all of which database/sql asks for.
type connection interface {
	driver.Conn
	sqldriver.ExecerContext
	sqldriver.NamedValueChecker
}

// keeper is a connection with its statements. database/sql lets one goroutine at a time use it.
type keeper struct {
	connection
	kept *simplelru.LRU[string, *keptStatement]
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *keeper) PrepareContext(ctx context.Context, query string) (sqldriver.Stmt, error) {
	s, known := c.kept.Get(query)
	if known && !s.used {
		s.used = true
		return s, nil
	}
	prepared, err := c.connection.PrepareContext(ctx, query)
	if err != nil || known { // the other one is in use, by an outer query of the same text
		return prepared, err
	}
	s = &keptStatement{statement: prepared.(statement), used: true}
	c.kept.Add(query, s)
	return s, nil
}

// Close implements driver.Conn.
func (c *keeper) Close() error {
	c.kept.Purge()
	return c.connection.Close()
}

// statement is what the driver's statements can do.
type statement interface {
	sqldriver.Stmt
	sqldriver.StmtExecContext
	sqldriver.StmtQueryContext
	sqldriver.NamedValueChecker
}

// keptStatement is closed when it is neither used nor kept any more.
type keptStatement struct {
	statement
	used, dismissed bool
}

// Close implements driver.Stmt: the user has no more use for it.
func (s *keptStatement) Close() error {
	s.used = false
	if s.dismissed {
		return s.statement.Close()
	}
	return nil
}

// dismiss is called when it is kept no more.
func (s *keptStatement) dismiss() {
	s.dismissed = true
	if !s.used {
		s.statement.Close() // its error is that of its last step, told there
	}
}
