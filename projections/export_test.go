package projections

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// NewProgress lets tests make projections of their own.
func NewProgress(at eventstore.Position) *Progress { return newProgress(at) }

// Reach tells queries that the model is as far as that, though nothing was applied.
func (m *ReadModel) Reach(at eventstore.Position) { m.progress.reach(at) }

// settle waits for all that is expected of any scope: what follows looks at every directory.
func (m *ReadModel) settle(t testing.TB) {
	t.Helper()
	m.expected.mu.Lock()
	scopes := slices.Collect(maps.Keys(m.expected.scopes))
	m.expected.mu.Unlock()
	for _, s := range scopes {
		if err := m.fresh(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

// Scopes is how many scopes are remembered.
func (m *ReadModel) Scopes() int {
	m.expected.mu.Lock()
	defer m.expected.mu.Unlock()
	return len(m.expected.scopes)
}

// PanicWhileWriting panics within a transaction, and recovers.
func (m *ReadModel) PanicWhileWriting(t testing.TB) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_ = m.db.update(t.Context(), func(b *batch) error {
		if err := b.exec(`DELETE FROM users`); err != nil {
			t.Error(err)
		}
		panic("a bug")
	})
}

// Bound bounds the file to so many pages, or to those that it has if they are more: SQLite then finds the disk full.
func (m *ReadModel) Bound(t testing.TB, pages int) {
	t.Helper()
	m.db.writing.Lock()
	defer m.db.writing.Unlock()
	if err := m.db.write.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
		t.Fatal(err)
	}
}

// Passes is what a Runner asks of an error.
func Passes(err error) bool { return passes(err) }

// Tables is every row of the read model as text.
func (m *ReadModel) Tables(t testing.TB) string {
	t.Helper()
	text := func(r row) (string, error) {
		var s string
		return s, r.Scan(&s)
	}
	m.settle(t)
	all, err := together(t.Context(), m, rest, func(q queries) (string, error) {
		var out strings.Builder
		names, err := rowsOf(t.Context(), q, text, `SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
		for _, name := range names {
			columns, err := rowsOf(t.Context(), q, text, `SELECT name FROM pragma_table_info(?)`, name)
			if err != nil {
				return "", err
			}
			rows, err := rowsOf(t.Context(), q, text, `SELECT json_array(`+strings.Join(columns, ", ")+`) FROM `+name+` ORDER BY 1`)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&out, "%s\n%s\n", name, strings.Join(rows, "\n"))
		}
		return out.String(), err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// MemberRows is how many rows name somebody as a member.
func (m *ReadModel) MemberRows(t testing.TB, member string) int {
	t.Helper()
	m.settle(t)
	n, err := one(t.Context(), m, rest, number, `SELECT count(*) FROM members WHERE member = ?`, member)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Plans are how SQLite finds what the queries of f ask for. Nobody else may query meanwhile.
func (m *ReadModel) Plans(t testing.TB, f func()) string {
	t.Helper()
	return plans(t, f, m.db.read, m.searches.pool)
}

// plans are how SQLite finds what the queries of f ask of the pools, of which the first is asked for them.
func plans(t testing.TB, f func(), pools ...*pool) string {
	t.Helper()
	var asked []string
	traceReads(t, func(s *sqlite3.Stmt) { asked = append(asked, s.ExpandedSQL()) }, pools...)
	f()
	traceReads(t, func(*sqlite3.Stmt) {}, pools...)
	var plans []string
	for _, query := range asked {
		if !strings.HasPrefix(query, "SELECT") {
			continue
		}
		steps, err := rowsOf(t.Context(), pools[0], planned, `EXPLAIN QUERY PLAN `+query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		plans = append(plans, strings.Join(steps, "\n"))
	}
	return strings.Join(plans, "\n")
}

// planned is a step of a plan.
func planned(r row) (detail string, err error) {
	var id, parent, unused int
	return detail, r.Scan(&id, &parent, &unused, &detail)
}

// traceReads lets every query of a pool run on one connection, and tells of each when it ends.
func traceReads(t testing.TB, ended func(*sqlite3.Stmt), pools ...*pool) {
	t.Helper()
	for _, pool := range pools {
		trace(t, alone(t, pool), ended)
	}
}

// alone lets every query of a pool run on one connection.
func alone(t testing.TB, pool *pool) *connection {
	t.Helper()
	pool.turns = make(chan struct{}, 1)
	c, err := pool.take(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	pool.give(c)
	for _, other := range pool.idle[:len(pool.idle)-1] {
		other.Close()
	}
	pool.idle = []*connection{c}
	return c
}

// SearchTime is how long a search may take.
func (m *ReadModel) SearchTime(d time.Duration) { m.searches.time = d }

// SearchWait is how long a search may wait for its turn.
func (m *ReadModel) SearchWait(d time.Duration) { m.searches.wait = d }

// Searching occupies every turn of a directory for searches.
func (m *ReadModel) Searching(t testing.TB, directory string) (done func()) {
	t.Helper()
	var ended []func()
	for range searchesPerDirectory {
		begun, end := make(chan struct{}), make(chan struct{})
		go func() {
			_, err := search(context.Background(), m, directory, func(context.Context, queries) (int, error) { close(begun); <-end; return 0, nil })
			if err != nil {
				t.Error(err)
			}
		}()
		<-begun
		ended = append(ended, func() { close(end) })
	}
	return func() {
		for _, end := range ended {
			end()
		}
	}
}

// Work is what SQLite did: statements run, and steps of its virtual machine, which follow the rows that it looked at.
type Work struct{ Statements, Steps int }

func (w *Work) add(s *sqlite3.Stmt) {
	w.Statements++
	w.Steps += s.Status(sqlite3.STMTSTATUS_VM_STEP, true)
}

// ReadWork measures the queries that f makes. Nobody else may query meanwhile.
func (m *ReadModel) ReadWork(t testing.TB, f func()) Work {
	t.Helper()
	var work Work
	traceReads(t, work.add, m.db.read, m.searches.pool)
	f()
	return work
}

// WriteWork counts into the Work what is written from now on.
func (m *ReadModel) WriteWork(t testing.TB) *Work {
	t.Helper()
	m.db.writing.Lock()
	defer m.db.writing.Unlock()
	var work Work
	trace(t, m.db.write, work.add)
	return &work
}

func trace(t testing.TB, c *connection, ended func(*sqlite3.Stmt)) {
	t.Helper()
	err := c.Trace(sqlite3.TRACE_PROFILE, func(_ sqlite3.TraceEvent, statement, _ any) error {
		if s, ok := statement.(*sqlite3.Stmt); ok {
			ended(s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// InsertAgain inserts every row of the read model into the same tables of a new file, a thousand in a transaction, and tells how many and how long that takes.
func (m *ReadModel) InsertAgain(t testing.TB) (int, time.Duration) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	to, err := openDatabase(filepath.Join(t.TempDir(), "again.db"), readModelSchema, "a log")
	must(err)
	defer to.close()
	c, err := m.db.read.take(t.Context())
	must(err)
	defer m.db.read.give(c)
	n, took := 0, time.Duration(0)
	for _, table := range []string{"places", "counts", "users", "user_emails", "groups", "members"} {
		s, _, err := c.Prepare(`SELECT * FROM ` + table)
		must(err)
		insert := `INSERT INTO ` + table + ` VALUES (?` + strings.Repeat(", ?", s.ColumnCount()-1) + `)`
		for more := true; more; {
			var rows [][]any
			for len(rows) < 1000 {
				if more = s.Step(); !more {
					break
				}
				row := make([]any, s.ColumnCount())
				must(s.Columns(row...))
				rows = append(rows, row)
			}
			began := time.Now()
			must(to.update(t.Context(), func(b *batch) error {
				for _, row := range rows {
					if err := b.exec(insert, row...); err != nil {
						return err
					}
				}
				return nil
			}))
			took, n = took+time.Since(began), n+len(rows)
		}
		must(s.Err())
		must(s.Close())
	}
	return n, took
}
