package projections

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// A batch that cannot be written whole leaves nothing behind in the file, the checkpoint least of all: what it skipped would be skipped for ever.
func TestRowsAndCheckpointAreOneTransaction(t *testing.T) {
	for name, rows := range map[string]string{"readmodel": "users", "outbox": "deliveries"} {
		t.Run(name, func(t *testing.T) {
			s := newSending(t)
			s.endpoint("e", "all")
			var p Projection
			open := func() *database {
				t.Helper()
				if name == "outbox" {
					if p != nil {
						s.must(s.Outbox.Close())
						s.open()
					}
					p = s.Outbox
					return s.db
				}
				if p != nil {
					s.must(p.(*ReadModel).Close())
				}
				m, err := OpenReadModel(s.folder, "a log", eventstore.At(9, 9))
				s.must(err)
				t.Cleanup(func() { _ = m.Close() })
				p = m
				return m.db
			}
			db := open()
			if name == "readmodel" {
				s.at = eventstore.Position{}
				first := s.batch()
				s.must(p.Apply(t.Context(), first))
				s.at = first.Position
			}
			s.append("user-a", domain.UserProvisioned{Directory: "d", Attributes: domain.Attributes{"userName": "a"}})
			s.append("user-b", domain.UserProvisioned{Directory: "d", Attributes: domain.Attributes{"userName": "b"}})
			b := s.batch()
			s.must(db.update(t.Context(), func(b *batch) error {
				return b.exec(`CREATE TRIGGER full AFTER INSERT ON ` + rows + ` WHEN (SELECT count(*) FROM ` + rows + `) = 2 BEGIN SELECT RAISE(ABORT, 'no room'); END`)
			}))
			if err := p.Apply(t.Context(), b); err == nil {
				t.Fatal("it was applied")
			}
			db = open()
			at, err := db.checkpoint()
			s.must(err)
			if n := count(t, db, rows); n != 0 || at != s.at || p.Progress().Position() != s.at {
				t.Fatalf("half of it is there: %d rows, at %s", n, at)
			}
			s.must(db.update(t.Context(), func(b *batch) error { return b.exec(`DROP TRIGGER full`) }))
			s.must(p.Apply(t.Context(), b))
			if at, err := open().checkpoint(); err != nil || at != b.Position {
				t.Errorf("afterwards it is at %s, %v", at, err)
			}
		})
	}
}

// A loss of power takes the WAL, as far as it was not synced: where the outbox began is not among what may be lost.
func TestWhereTheOutboxBeganIsDurable(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	fresh := t.TempDir()
	o, err := OpenOutbox(fresh, s.log, "a log")
	s.must(err)
	s.must(o.Begin(t.Context(), s.log.All(t.Context(), eventstore.Position{}), s.at))
	text, err := os.ReadFile(filepath.Join(fresh, OutboxFile))
	s.must(err)
	s.must(o.Close())
	left := t.TempDir()
	s.must(os.WriteFile(filepath.Join(left, OutboxFile), text, 0o600))
	after, err := OpenOutbox(left, s.log, "a log")
	s.must(err)
	defer after.Close()
	begun, err := after.Begun(t.Context())
	if _, known := after.endpoints.target("e"); err != nil || !begun || !known || after.Progress().Position() != s.at {
		t.Errorf("begun %v at %s, the endpoint is known: %v, %v", begun, after.Progress().Position(), known, err)
	}
}

func count(t *testing.T, db *database, table string) int {
	t.Helper()
	n, err := counted(t.Context(), db.read, `SELECT count(*) FROM `+table)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
