package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

const damagedRecords = 1200 // more than two pages of a reader

// written makes a closed log of records in two streams that take turns: odd positions in a, even ones in b.
func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var batch []eventstore.Write
	for i := range damagedRecords {
		e := entries(1)
		e[0].Data = fmt.Appendf(nil, `{"marker":"record-%04d-"}`, i+1)
		batch = append(batch, eventstore.Write{Stream: string('a' + rune(i%2)), Expected: eventstore.Version(i / 2), Entries: e})
	}
	if _, err := s.Append(t.Context(), batch...); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// copied makes a log of its own from a closed one.
func copied(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	file, err := os.ReadFile(filepath.Join(from, fileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// alter runs SQL behind the store's back.
func alter(t *testing.T, dir, sql string) {
	t.Helper()
	c, err := durable.connect(dir, sqlite3.OPEN_READWRITE)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Exec(sql), disconnect(c)); err != nil {
		t.Fatal(err)
	}
}

// TestDamage alters one record in every way that comes to mind. Each reader stops at it, with the records before it.
func TestDamage(t *testing.T) {
	const position = 777 // version 389 of stream a
	sound := written(t)
	for what, sql := range map[string]string{
		"data":           `UPDATE records SET data = CAST(replace(data, 'marker', 'marKer') AS BLOB) WHERE position = 777`,
		"a shorter data": `UPDATE records SET data = substr(data, 1, 5) WHERE position = 777`,
		"meta":           `UPDATE records SET meta = CAST('{"a":1}' AS BLOB) WHERE position = 777`,
		"data to meta":   `UPDATE records SET data = CAST('' AS BLOB), meta = CAST(data || meta AS BLOB) WHERE position = 777`,
		"type":           `UPDATE records SET type = 'test.other' WHERE position = 777`,
		"id":             `UPDATE records SET id = zeroblob(16) WHERE position = 777`,
		"a shorter id":   `UPDATE records SET id = zeroblob(15) WHERE position = 777`,
		"checksum":       `UPDATE records SET checksum = checksum + 1 WHERE position = 777`,
		"high checksum":  `UPDATE records SET checksum = checksum + (1 << 32) WHERE position = 777`,
		"row":            `DELETE FROM records WHERE position = 777`,
		"rows": `UPDATE records SET data = (SELECT data FROM records WHERE position = 779),
			id = (SELECT id FROM records WHERE position = 779), checksum = (SELECT checksum FROM records WHERE position = 779)
			WHERE position = 777`,
	} {
		t.Run(what, func(t *testing.T) {
			dir := copied(t, sound)
			alter(t, dir, sql)
			stopsAt(t, dir, position)
		})
	}
	t.Run("stream", func(t *testing.T) {
		dir := copied(t, sound)
		alter(t, dir, `UPDATE records SET stream = 'c' WHERE position = 777`)
		r := reader(t, dir)
		stops(t, r.All(t.Context(), eventstore.Position{}), position-1, position)
		stops(t, r.Read(t.Context(), "c", 0), 0, position)
	})
	t.Run("the first row", func(t *testing.T) {
		dir := copied(t, sound)
		alter(t, dir, `DELETE FROM records WHERE position = 1`)
		r := reader(t, dir)
		stops(t, r.All(t.Context(), eventstore.Position{}), 0, 1)
		stops(t, r.Read(t.Context(), "a", 0), 0, 1)
	})
}

// TestFlippedByte damages the bytes of the file.
func TestFlippedByte(t *testing.T) {
	dir := written(t)
	path := filepath.Join(dir, fileName)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(file, []byte("record-0777-"))
	if at < 0 {
		t.Fatal("the file does not show the record")
	}
	file[at] ^= 4
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	stopsAt(t, dir, 777)
}

// TestMalformed damages the structure of the file, which SQLite notices: all records come up to a place, then the
// error with that place.
func TestMalformed(t *testing.T) {
	dir := written(t)
	path := filepath.Join(dir, fileName)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := bytes.Index(file, []byte("record-0777-")) / 4096 * 4096
	for i := range 64 {
		file[page+i] = 0xff
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	r := reader(t, dir)
	n, last := 0, error(nil)
	for record, err := range r.All(t.Context(), eventstore.Position{}) {
		if last = err; err == nil {
			if n++; number(record.Position) != uint64(n) {
				t.Fatalf("record %d has position %s", n, record.Position)
			}
		}
	}
	var damage *eventstore.DamagedError
	if !errors.As(last, &damage) || number(damage.Position) != uint64(n+1) || n == 0 || n >= 777 {
		t.Errorf("after %d records: %v", n, last)
	}
	if err := end(r.Read(t.Context(), "a", 0)); !errors.As(err, &damage) {
		t.Errorf("the stream ends with %v", err)
	}
	if err := end(r.Read(t.Context(), "a", 388)); !errors.As(err, &damage) {
		t.Errorf("the stream ends with %v", err)
	}
}

func reader(t *testing.T, dir string) *Reader {
	t.Helper()
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// stopsAt asks every door of a log for the damage at a position of stream a.
func stopsAt(t *testing.T, dir string, position int) {
	t.Helper()
	ctx := t.Context()
	r := reader(t, dir)
	stops(t, r.All(ctx, eventstore.Position{}), position-1, position)
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	from := eventstore.At(uint64(position-3), uint64(position-3))
	stops(t, s.All(ctx, from), 2, position)
	stops(t, s.Read(ctx, "a", 0), position/2, position)
	stops(t, s.Read(ctx, "a", eventstore.Version(position/2)), 0, position)
	stops(t, s.Read(ctx, "b", 0), damagedRecords/2, 0)
	stops(t, records(s.Follow(ctx, from)), 2, position)
	// It does not go on behind the damage either, unless somebody asks for it.
	stops(t, s.All(ctx, eventstore.At(uint64(position), uint64(position))), damagedRecords-position, 0)
}

// stops asks for so many records and then the damage at a position; 0 is none.
func stops(t *testing.T, seq iter.Seq2[eventstore.Record, error], count, position int) {
	t.Helper()
	n, last := 0, error(nil)
	for _, err := range seq {
		if last != nil {
			t.Fatalf("the reader went on after %v", last)
		}
		if last = err; err == nil {
			n++
		}
	}
	if n != count {
		t.Errorf("%d records came, want %d", n, count)
	}
	if position == 0 {
		if last != nil {
			t.Errorf("the reader ended with %v", last)
		}
		return
	}
	var damage *eventstore.DamagedError
	if !errors.As(last, &damage) || number(damage.Position) != uint64(position) {
		t.Errorf("the reader ended with %v, want damage at %d", last, position)
	}
}

func end(seq iter.Seq2[eventstore.Record, error]) (last error) {
	for _, err := range seq {
		last = err
	}
	return last
}

// records are those of a follower's batches, up to the end of the log that written makes.
func records(batches iter.Seq2[eventstore.Batch, error]) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for b, err := range batches {
			for _, r := range b.Records {
				if !yield(r, nil) {
					return
				}
			}
			if err != nil && !yield(eventstore.Record{}, err) || number(b.Position) == damagedRecords {
				return
			}
		}
	}
}

// TestForeignFiles refuses what is not a log, or not one that this version understands, and leaves it as it is.
func TestForeignFiles(t *testing.T) {
	sound := written(t)
	for _, test := range []struct{ what, sql, says string }{
		{"a later format", `UPDATE meta SET value = '2' WHERE key = 'format'`, "format 2"},
		{"an unknown format", `UPDATE meta SET value = 'x' WHERE key = 'format'`, `format is "x"`},
		{"no id", `DELETE FROM meta WHERE key = 'id'`, "no id"},
		{"another database", `DROP TABLE meta; DROP TABLE records; CREATE TABLE other (x)`, "is this file a log"},
	} {
		t.Run(test.what, func(t *testing.T) {
			dir := copied(t, sound)
			alter(t, dir, test.sql)
			before, err := os.ReadFile(filepath.Join(dir, fileName))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), dir) {
					t.Errorf("open answers %v", err)
				}
				if _, err := OpenReader(dir); err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), dir) {
					t.Errorf("open for reading answers %v", err)
				}
			}
			if after, _ := os.ReadFile(filepath.Join(dir, fileName)); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
	t.Run("no database", func(t *testing.T) {
		dir := t.TempDir()
		text := bytes.Repeat([]byte("this is not a database\n"), 1000)
		if err := os.WriteFile(filepath.Join(dir, fileName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir+": restore it from a backup") {
			t.Errorf("open answers %v", err)
		}
		if after, _ := os.ReadFile(filepath.Join(dir, fileName)); !bytes.Equal(text, after) {
			t.Error("the file was changed")
		}
	})
	t.Run("a WAL without its log", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fileName+"-wal"), []byte("frames"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "put the log.db back") {
			t.Errorf("open answers %v", err)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := OpenReader(dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("open for reading answers %v", err)
		}
		if names, _ := os.ReadDir(dir); len(names) != 0 {
			t.Errorf("it left %v", names)
		}
	})
}

// TestReader reads beside a writer: it sees each acknowledged record, changes nothing, and knows the same id.
func TestReader(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := reader(t, dir)
	if r.ID() != s.ID() || len(s.ID()) != 36 {
		t.Errorf("the ids are %q and %q", r.ID(), s.ID())
	}
	for i := range 50 {
		p, err := s.Append(ctx, one("a", eventstore.Version(i)))
		if err != nil {
			t.Fatal(err)
		}
		if h, err := r.Head(ctx); err != nil || h != p {
			t.Fatalf("the head is %s, %v; want %s", h, err, p)
		}
		stops(t, r.All(ctx, eventstore.Position{}), i+1, 0)
		stops(t, r.Read(ctx, "a", 0), i+1, 0)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("close beside a reader: %v", err)
	}
	stops(t, r.All(ctx, eventstore.Position{}), 50, 0)
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := end(r.All(ctx, eventstore.Position{})); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	again := reader(t, dir)
	if again.ID() != s.ID() {
		t.Errorf("the id is %q, it was %q", again.ID(), s.ID())
	}
	stops(t, again.All(ctx, eventstore.Position{}), 50, 0)
}

// TestChecksum holds the definition in FORMAT.md: an answer that changes makes every log unreadable.
func TestChecksum(t *testing.T) {
	r := &eventstore.Record{
		Entry:  eventstore.Entry{ID: eventstore.ID([]byte("0123456789abcdef")), Type: "user.provisioned", Data: []byte(`{"a":1}`), Meta: []byte(`{}`)},
		Stream: "user-1", Version: 3,
	}
	if got, want := checksum(7, r), uint32(0x56726b2a); got != want {
		t.Errorf("checksum is %#x, want %#x", got, want)
	}
}

func TestAtLeast(t *testing.T) {
	for version, want := range map[string]bool{
		"3.51.3": true, "3.51.4": true, "3.52.0": true, "4.0.0": true, "3.51.2": false, "3.50.9": false, "2.99.99": false, "3.51": false, "": false, "x.y.z": false,
	} {
		if atLeast(version, 3, 51, 3) != want {
			t.Errorf("%q: got %v", version, !want)
		}
	}
}

func TestSettleFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := settleFile(path, openFile); err != nil {
		t.Errorf("a missing file: %v", err)
	}
	content := bytes.Repeat([]byte("0123456789"), 300_001)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := settleFile(path, openFile); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
		t.Errorf("the file changed: %v", err)
	}
}
