package projections

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// NewProgress lets tests make projections of their own.
func NewProgress(at eventstore.Position) *Progress { return newProgress(at) }

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

// Tables is every row of the read model as text.
func (m *ReadModel) Tables(t testing.TB) string {
	t.Helper()
	var out strings.Builder
	text := func(r row) (string, error) {
		var s string
		return s, r.Scan(&s)
	}
	ctx := t.Context()
	names, err := rowsOf(ctx, m.db.read, text, `SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		columns, err := rowsOf(ctx, m.db.read, text, `SELECT name FROM pragma_table_info(?)`, name)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := rowsOf(ctx, m.db.read, text, `SELECT json_array(`+strings.Join(columns, ", ")+`) FROM `+name+` ORDER BY 1`)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n%s\n", name, strings.Join(rows, "\n"))
	}
	return out.String()
}

// Spans are the versions of a group from and to which somebody was its member.
func (m *ReadModel) Spans(t testing.TB, group, member string) string {
	t.Helper()
	spans, err := all(t.Context(), m, func(r row) (string, error) {
		var s string
		return s, r.Scan(&s)
	}, `SELECT from_version || '-' || ifnull(to_version, '') FROM members WHERE grp = ? AND member = ? ORDER BY from_version`, group, member)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(spans, " ")
}

// PlanOf is how SQLite finds what a filter asks for.
func (m *ReadModel) PlanOf(t testing.TB, kind Kind, directory string, f domain.Filter) string {
	t.Helper()
	where, args, err := compile(kind, directory, f)
	if err != nil {
		t.Fatal(err)
	}
	columns := map[Kind]string{KindUser: userColumns, KindGroup: groupColumns}[kind]
	args = slices.Concat([]any{directory}, args, []any{100, 0})
	return m.plan(t, columns+`WHERE r.directory = ? AND `+where+` ORDER BY r.place LIMIT ? OFFSET ?`, args...)
}

func (m *ReadModel) plan(t testing.TB, query string, args ...any) string {
	t.Helper()
	steps, err := rowsOf(t.Context(), m.db.read, func(r row) (string, error) {
		var id, parent, unused int
		var detail string
		return detail, r.Scan(&id, &parent, &unused, &detail)
	}, `EXPLAIN QUERY PLAN `+query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return strings.Join(steps, "\n")
}

// Work is what SQLite did: statements run, and steps of its virtual machine, which follow the rows that it looked at.
type Work struct{ Statements, Steps int }

// ReadWork measures the queries that f makes. Nobody else may query meanwhile.
func (m *ReadModel) ReadWork(t testing.TB, f func()) Work {
	t.Helper()
	m.db.read.SetMaxOpenConns(1)
	c, err := m.db.read.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var work Work
	trace(t, c, &work)
	if err := c.Close(); err != nil { // back into the pool, where f finds it
		t.Fatal(err)
	}
	f()
	return work
}

// WriteWork counts into the Work what is written from now on.
func (m *ReadModel) WriteWork(t testing.TB) *Work {
	t.Helper()
	m.db.writing.Lock()
	defer m.db.writing.Unlock()
	var work Work
	trace(t, m.db.write, &work)
	return &work
}

func trace(t testing.TB, c *sql.Conn, work *Work) {
	t.Helper()
	err := c.Raw(func(raw any) error {
		return raw.(interface {
			sqldriver.Conn
			driver.Conn
		}).Raw().Trace(sqlite3.TRACE_PROFILE, func(_ sqlite3.TraceEvent, statement, _ any) error {
			if s, ok := statement.(*sqlite3.Stmt); ok {
				work.Statements++
				work.Steps += s.Status(sqlite3.STMTSTATUS_VM_STEP, true)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}
