package projections_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

func TestRunnerTriesAgainWhatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := eventstore.NewMemory()
		fill(t, log, 1, 5)
		d := newDiary("diary", eventstore.Position{})
		var tried []time.Duration
		began := time.Now()
		d.onBatch = func(eventstore.Batch) error {
			if tried = append(tried, time.Since(began)); len(tried) < 11 {
				return fmt.Errorf("apply: %w", errors.Join(sqlite3.FULL, errors.New("and more")))
			}
			return nil
		}
		r, end := run(t, log, d)
		synctest.Wait()
		if s := r.States()[0]; s.Failure != nil || !errors.Is(s.Trouble, sqlite3.FULL) || s.Position != (eventstore.Position{}) {
			t.Errorf("in trouble its state is %+v", s)
		}
		if err := r.CaughtUp(t.Context(), at(5)); err != nil {
			t.Fatal(err)
		}
		if s := r.States()[0]; s.Failure != nil || s.Trouble != nil || s.Position != at(5) {
			t.Errorf("afterwards its state is %+v", s)
		}
		fill(t, log, 6, 6)
		if err := r.CaughtUp(t.Context(), at(6)); err != nil {
			t.Fatal(err)
		}
		end()
		want := []time.Duration{0, 100, 300, 700, 1500, 3100, 6300, 12700, 22700, 32700, 42700, 42700}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if !slices.Equal(tried, want) {
			t.Errorf("tried after %v", tried)
		}
		if got := d.records(); !slices.Equal(got, upTo(1, 6)) {
			t.Errorf("applied %v", got)
		}
		lines := r.lines.list()
		if len(lines) != 10 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[9], "projection=diary after_position=0 pause=10s") {
			t.Errorf("%d lines: %q", len(lines), lines)
		}
	})
}

// What is in the way need not pass before the end: the batch comes again with the next start.
func TestRunnerEndsWhileItTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := eventstore.NewMemory()
		fill(t, log, 1, 5)
		d := newDiary("diary", eventstore.Position{})
		d.onBatch = func(eventstore.Batch) error { return sqlite3.IOERR_WRITE }
		r, end := run(t, log, d)
		synctest.Wait()
		began := time.Now()
		end()
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %s", took)
		}
		if s := r.States()[0]; s.Failure != nil || s.Position != (eventstore.Position{}) || len(d.tries) != 1 {
			t.Errorf("%+v after %d tries", s, len(d.tries))
		}
		if lines := r.lines.list(); len(lines) != 1 || strings.Contains(lines[0], "level=ERROR") {
			t.Errorf("logged %q", lines)
		}
	})
}

func TestRunnerStopsAtWhatFollowsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := eventstore.NewMemory()
		fill(t, log, 1, 1)
		d := newDiary("diary", eventstore.Position{})
		d.onBatch = func(eventstore.Batch) error {
			if len(d.tries) == 1 {
				return sqlite3.BUSY
			}
			return sqlite3.CORRUPT
		}
		r, _ := run(t, log, d)
		if err := r.CaughtUp(t.Context(), at(1)); !errors.Is(err, sqlite3.CORRUPT) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if len(d.tries) != 2 {
			t.Errorf("%d tries", len(d.tries))
		}
	})
}

// SQLite itself: the disk is full, and then it is not.
func TestModelGoesOnOnceTheDiskHasRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := eventstore.NewMemory()
		read, err := projections.OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		name, data, err := domain.Encode(domain.UserProvisioned{Directory: "d", Attributes: domain.Attributes{"userName": strings.Repeat("ada", 10_000)}})
		if err != nil {
			t.Fatal(err)
		}
		read.Bound(t, 1)
		if _, err := log.Append(t.Context(), eventstore.Write{Stream: "user-u", Entries: []eventstore.Entry{{ID: eventstore.ID{1}, Type: name, Data: data, Meta: []byte("{}")}}}); err != nil {
			t.Fatal(err)
		}
		r, end := run(t, log, read)
		defer end()
		short, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.CaughtUp(short, at(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("without room: %v", err)
		}
		if s := r.States()[0]; !errors.Is(s.Trouble, sqlite3.FULL) || s.Failure != nil {
			t.Errorf("without room its state is %+v", s)
		}
		if lines := strings.Join(r.lines.list(), ""); strings.Contains(lines, "ROLLBACK") {
			t.Errorf("it logs what is of no interest: %s", lines)
		}
		read.Bound(t, 1_000_000)
		if err := r.CaughtUp(t.Context(), at(1)); err != nil {
			t.Fatal(err)
		}
		if u, err := read.User(t.Context(), "d", "u"); err != nil || u.ID != "u" || r.States()[0].Trouble != nil {
			t.Errorf("with room: %+v, %v", u, err)
		}
	})
}

func TestWhatPasses(t *testing.T) {
	damage := &eventstore.DamagedError{Position: at(1), Reason: "its checksum is another"}
	for err, want := range map[error]bool{
		nil:                      false,
		sqlite3.BUSY:             true,
		sqlite3.BUSY_SNAPSHOT:    true,
		sqlite3.FULL:             true,
		sqlite3.IOERR:            true,
		sqlite3.IOERR_FSYNC:      true,
		sqlite3.CANTOPEN:         true,
		sqlite3.PROTOCOL:         true,
		sqlite3.IOERR_CORRUPTFS:  false,
		sqlite3.IOERR_DATA:       false,
		sqlite3.CORRUPT:          false,
		sqlite3.NOTADB:           false,
		sqlite3.CONSTRAINT:       false,
		sqlite3.ERROR:            false,
		sqlite3.MISUSE:           false,
		damage:                   false,
		errors.New("no such"):    false,
		context.DeadlineExceeded: false,
	} {
		if got := projections.Passes(err); got != want {
			t.Errorf("%v: %t", err, got)
		}
		if err != nil && projections.Passes(fmt.Errorf("apply: %w", err)) != want {
			t.Errorf("%v, wrapped: %t", err, !want)
		}
	}
	if projections.Passes(errors.Join(sqlite3.IOERR, damage)) {
		t.Error("damage passes")
	}
}
