package projections

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/domain"
)

// held are the statements that a connection has, and how often they were prepared anew.
func held(c *connection) (statements, again int) {
	for s := range c.Stmts() {
		statements++
		again += s.Status(sqlite3.STMTSTATUS_REPREPARE, false)
	}
	return statements, again
}

// lonely is a connection to a file of its own.
func lonely(t *testing.T) *connection {
	t.Helper()
	d, err := openDatabase(filepath.Join(t.TempDir(), "x.db"), readModelSchema, "a log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.close() })
	return alone(t, d.read)
}

// A query is prepared once, and not anew for other values, though a partial index could be used for some.
func TestAQueryIsPreparedOnce(t *testing.T) {
	c := lonely(t)
	before, _ := held(c)
	ref, _ := domain.UserType.Resolve("userName")
	for i := range 10 {
		condition, args, err := compile(KindUser, "d", domain.Compare{Ref: ref, Op: domain.Equal, Value: fmt.Sprint("user", i)})
		if err != nil {
			t.Fatal(err)
		}
		query := `SELECT ` + userColumns + ` FROM users r WHERE r.directory = ? AND ` + condition + ` AND r.place > ? ORDER BY r.place LIMIT ? OFFSET ?`
		if _, err := rowsOf(t.Context(), c, scanUser, query, append(append([]any{"d"}, args...), int64(0), 100, 0)...); err != nil {
			t.Fatal(err)
		}
	}
	if after, again := held(c); after != before+1 || again != 0 {
		t.Errorf("10 queries of one text left %d statements, and prepared one anew %d times", after-before, again)
	}
}

// However many texts there are, a connection keeps few statements, and each query answers what it asks.
func TestFewStatementsAreKept(t *testing.T) {
	c := lonely(t)
	for round := range 3 {
		for i := range 2 * keptStatements {
			got, err := rowsOf(t.Context(), c, number, fmt.Sprintf(`SELECT %d + ?`, i), round)
			if err != nil || len(got) != 1 || got[0] != i+round {
				t.Fatalf("%d + %d = %v, %v", i, round, got, err)
			}
		}
	}
	if n, _ := held(c); n != keptStatements {
		t.Errorf("%d statements are kept, not %d", n, keptStatements)
	}
	sum := 0
	for r, err := range c.rows(t.Context(), `SELECT value FROM json_each(?) ORDER BY value`, `[1,2,3]`) { // the same text while it is in use, and so many others that it is kept no more
		if err != nil {
			t.Fatal(err)
		}
		n, err := number(r)
		if err != nil {
			t.Fatal(err)
		}
		inner, err := rowsOf(t.Context(), c, number, `SELECT value FROM json_each(?) ORDER BY value`, `[10]`)
		if err != nil || len(inner) != 1 {
			t.Fatal(inner, err)
		}
		for i := range 2 * keptStatements {
			if _, err := rowsOf(t.Context(), c, number, fmt.Sprintf(`SELECT %d`, 1000*n+i)); err != nil {
				t.Fatal(err)
			}
		}
		sum += n + inner[0]
	}
	if sum != 36 {
		t.Error(sum)
	}
	if n, _ := held(c); n != keptStatements {
		t.Errorf("%d statements are kept afterwards, not %d", n, keptStatements)
	}
}
