package projections

import (
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/domain"
)

// held are the statements that the only connection of a pool has, and how often they were prepared anew.
func held(t *testing.T, pool *sql.DB) (statements, again int) {
	t.Helper()
	c, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.Raw(func(raw any) error {
		for s := range raw.(interface {
			sqldriver.Conn
			Raw() *sqlite3.Conn
		}).Raw().Stmts() {
			statements++
			again += s.Status(sqlite3.STMTSTATUS_REPREPARE, false)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return statements, again
}

// lonely is a pool of one connection that keeps statements.
func lonely(t *testing.T) *sql.DB {
	t.Helper()
	d, err := openDatabase(filepath.Join(t.TempDir(), "x.db"), readModelSchema, "a log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.close() })
	d.read.SetMaxOpenConns(1)
	return d.read
}

// A query is prepared once, and not anew for other values, though a partial index could be used for some.
func TestAQueryIsPreparedOnce(t *testing.T) {
	pool := lonely(t)
	before, _ := held(t, pool)
	ref, _ := domain.UserType.Resolve("userName")
	for i := range 10 {
		condition, args, err := compile(KindUser, "d", domain.Compare{Ref: ref, Op: domain.Equal, Value: fmt.Sprint("user", i)})
		if err != nil {
			t.Fatal(err)
		}
		query := `SELECT ` + userColumns + ` FROM users r WHERE r.directory = ? AND ` + condition + ` AND r.place > ? ORDER BY r.place LIMIT ? OFFSET ?`
		if _, err := rowsOf(t.Context(), pool, scanUser, query, append(append([]any{"d"}, args...), int64(0), 100, 0)...); err != nil {
			t.Fatal(err)
		}
	}
	if after, again := held(t, pool); after != before+1 || again != 0 {
		t.Errorf("10 queries of one text left %d statements, and prepared one anew %d times", after-before, again)
	}
}

// However many texts there are, a connection keeps few statements, and each query answers what it asks.
func TestFewStatementsAreKept(t *testing.T) {
	pool := lonely(t)
	for round := range 3 {
		for i := range 2 * keptStatements {
			got, err := rowsOf(t.Context(), pool, number, fmt.Sprintf(`SELECT %d + ?`, i), round)
			if err != nil || len(got) != 1 || got[0] != i+round {
				t.Fatalf("%d + %d = %v, %v", i, round, got, err)
			}
		}
	}
	if n, _ := held(t, pool); n != keptStatements {
		t.Errorf("%d statements are kept, not %d", n, keptStatements)
	}
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	outer, err := tx.QueryContext(t.Context(), `SELECT value FROM json_each(?) ORDER BY value`, `[1,2,3]`)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for outer.Next() { // the same text while it is in use, and so many others that it is kept no more
		var n int
		if err := outer.Scan(&n); err != nil {
			t.Fatal(err)
		}
		inner, err := rowsOf(t.Context(), tx, number, `SELECT value FROM json_each(?) ORDER BY value`, `[10]`)
		if err != nil || len(inner) != 1 {
			t.Fatal(inner, err)
		}
		for i := range 2 * keptStatements {
			if _, err := rowsOf(t.Context(), tx, number, fmt.Sprintf(`SELECT %d`, 1000*n+i)); err != nil {
				t.Fatal(err)
			}
		}
		sum += n + inner[0]
	}
	if err := outer.Err(); err != nil || sum != 36 {
		t.Errorf("%d, %v", sum, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if n, _ := held(t, pool); n != keptStatements {
		t.Errorf("%d statements are kept afterwards, not %d", n, keptStatements)
	}
}
