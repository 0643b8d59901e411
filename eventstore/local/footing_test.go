package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// listed is what stands in a folder: names, modes, owners, sizes and times.
func listed(t *testing.T, dir string) string {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, name := range names {
		info, err := name.Info()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, name.Name(), info.Mode(), ownerOf(info), info.Size(), info.ModTime())
	}
	return out.String()
}

// left makes the log that a killed process leaves: acknowledged records stand in the WAL alone. There is no index.
func left(t *testing.T) string {
	t.Helper()
	running, dir := t.TempDir(), t.TempDir()
	s, err := Open(running)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Append(t.Context(), one("a", 0)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{fileName, fileName + "-wal"} {
		content, err := os.ReadFile(filepath.Join(running, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestReaderLeavesNoTrace reads a log that nobody writes to: the folder is afterwards as it was, and while it reads too.
func TestReaderLeavesNoTrace(t *testing.T) {
	dir := written(t)
	before := listed(t, dir)
	r := reader(t, dir)
	stops(t, r.All(t.Context(), eventstore.Position{}), damagedRecords, 0)
	stops(t, r.Read(t.Context(), "a", 0), damagedRecords/2, 0)
	if while := listed(t, dir); while != before {
		t.Errorf("the folder was\n%s and while it is read it is\n%s", before, while)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if after := listed(t, dir); after != before {
		t.Errorf("the folder was\n%s and is\n%s", before, after)
	}
}

// TestReaderOfKilledLog reads what only the WAL holds. It must make an index for that, which nobody else can read.
func TestReaderOfKilledLog(t *testing.T) {
	dir := left(t)
	before := listed(t, dir)
	r := reader(t, dir)
	stops(t, r.All(t.Context(), eventstore.Position{}), 1, 0)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(indexPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the index has mode %s", info.Mode())
	}
	if err := os.Remove(indexPath(dir)); err != nil {
		t.Fatal(err)
	}
	if after := listed(t, dir); after != before {
		t.Errorf("the folder was\n%s and is, but for the index,\n%s", before, after)
	}
}

// TestWriterComesToReader has a writer come and go between two pages of a reader, and within one: what the reader
// shows is whole, and then it shows the news.
func TestWriterComesToReader(t *testing.T) {
	dir := written(t)
	r := reader(t, dir)
	news := 0
	write := func() {
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		var batch []eventstore.Write
		for range damagedRecords {
			batch = append(batch, one(fmt.Sprint("between a and b ", news), 0))
			news++
		}
		if _, err := s.Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for record, err := range r.All(t.Context(), eventstore.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; number(record.Position) != uint64(n) {
			t.Fatalf("record %d has position %s", n, record.Position)
		}
		if n == 1 {
			write()
		}
	}
	stops(t, r.All(t.Context(), eventstore.Position{}), damagedRecords+news, 0)

	calls := 0
	err := r.pages.pool.use(t.Context(), func(s *session) error {
		if calls++; calls == 1 {
			write()
			return damaged(1, "the page is torn")
		}
		return nil
	})
	if err != nil || calls != 2 {
		t.Errorf("a page that a writer came into was read %d times: %v", calls, err)
	}
	stops(t, r.All(t.Context(), eventstore.Position{}), damagedRecords+news, 0)
	stops(t, r.Read(t.Context(), "b", 0), damagedRecords/2, 0)

	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := s.Append(t.Context(), one("in the WAL", 0))
	if err != nil {
		t.Fatal(err)
	}
	if head, err := r.Head(t.Context()); err != nil || head != p {
		t.Errorf("beside a writer that came later, the head is %s, %v; want %s", head, err, p)
	}
}

// TestPageIsReadAgain has the first connection read a page that breaks off, on a footing that is not there any more: the
// page comes from the second one, whole.
func TestPageIsReadAgain(t *testing.T) {
	dir := written(t)
	torn := copied(t, dir)
	alter(t, torn, `DELETE FROM records WHERE position = 777`) // version 389 of stream a
	for what, read := range map[string]func(p *pages) ([]eventstore.Record, error){
		"by position": func(p *pages) ([]eventstore.Record, error) { return p.afterPosition(t.Context(), 600, damagedRecords) },
		"by version": func(p *pages) ([]eventstore.Record, error) {
			records, _, err := p.afterVersion(t.Context(), "a", 88)
			return records, err
		},
	} {
		connections := 0
		p := newPool(func() (*sqlite3.Conn, *footing, error) {
			if connections++; connections > 1 {
				return durable.connectReader(dir)
			}
			c, f, err := durable.connectReader(torn)
			f.path += "-of-before"
			return c, f, err
		})
		if records, err := read(&pages{pool: p}); err != nil || len(records) != pageRows {
			t.Errorf("%s: a page has %d records: %v", what, len(records), err)
		}
		if err := p.close(); err != nil || connections != 2 {
			t.Errorf("%s: %d connections, %v", what, connections, err)
		}
	}
}

// readFolder is a child that counts the records of a log.
func readFolder(dir string) error {
	r, err := OpenReader(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	n := 0
	for _, err := range r.All(context.Background(), eventstore.Position{}) {
		if err != nil {
			return err
		}
		n++
	}
	fmt.Println(n, "records")
	return nil
}
