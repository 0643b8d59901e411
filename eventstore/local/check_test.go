package local

import (
	"errors"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

func untold(uint64, uint64) {}

// forge adds a record behind the store's back, with a checksum that fits it.
func forge(t *testing.T, dir string, r eventstore.Record) {
	t.Helper()
	c, err := durable.connect(dir, sqlite3.OPEN_READWRITE)
	if err != nil {
		t.Fatal(err)
	}
	var w writer
	if err := errors.Join(w.use(c), w.write(&r), disconnect(c)); err != nil {
		t.Fatal(err)
	}
}

func TestCheck(t *testing.T) {
	sound := written(t)
	r := reader(t, sound)
	var last uint64
	if err := r.Check(t.Context(), func(done, all uint64) {
		if last++; done != last || all != damagedRecords {
			t.Errorf("%d of %d are read after %d", done, all, last-1)
		}
	}); err != nil || last != damagedRecords {
		t.Errorf("a sound log: %d records, %v", last, err)
	}
	for what, c := range map[string]struct{ sql, want string }{
		"a record":  {`UPDATE records SET checksum = checksum + 1 WHERE position = 777`, "position 777 is damaged"},
		"no record": {`DELETE FROM records WHERE position = 777`, "777"},
		"an index": {`DROP INDEX records_by_stream; CREATE UNIQUE INDEX records_by_stream ON records (stream, version) WHERE position <> 1199; PRAGMA writable_schema = ON;
			UPDATE sqlite_schema SET sql = 'CREATE UNIQUE INDEX records_by_stream ON records (stream, version)' WHERE name = 'records_by_stream'`, "index records_by_stream"},
		"no index at all": {`DROP INDEX records_by_stream`, ""},
	} {
		dir := copied(t, sound)
		alter(t, dir, c.sql)
		err := reader(t, dir).Check(t.Context(), untold)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	dir := copied(t, sound)
	e := entries(1)[0]
	forge(t, dir, eventstore.Record{Entry: e, Stream: "c", Version: 2, Position: eventstore.At(damagedRecords+1, damagedRecords+1)})
	if err := reader(t, dir).Check(t.Context(), untold); err == nil || !strings.Contains(err.Error(), "versions are missing of the stream c") {
		t.Errorf("a stream without its first version: %v", err)
	}
	if err := errors.Join(r.Close(), r.Check(t.Context(), untold)); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("a closed reader: %v", err)
	}
}
