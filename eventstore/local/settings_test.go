package local

import (
	"context"
	"errors"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// TestSettings asks the connections of a store that Open made, and of a reader, what SQLite will do: sync each commit,
// and wait for another process that holds a lock for a moment. The writer is asked again after it opened the file anew.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := reader(t, dir)
	asked := map[string]func() error{
		"a page of the store":  func() error { return s.pages.pool.use(context.Background(), askSession) },
		"a page of the reader": func() error { return r.pages.pool.use(context.Background(), askSession) },
		"the writer":           func() error { return askSettings(s.writer.conn) },
	}
	for who, ask := range asked {
		if err := ask(); err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	if err := s.writer.reopen(); err != nil {
		t.Fatal(err)
	}
	if err := askSettings(s.writer.conn); err != nil {
		t.Errorf("the writer, opened anew: %v", err)
	}
}

func askSession(s *session) error { return askSettings(s.conn) }

func askSettings(c *sqlite3.Conn) error {
	var wrong []error
	for pragma, want := range map[string]string{"synchronous": "2", "busy_timeout": "10000", "cell_size_check": "1", "trusted_schema": "0"} {
		got, err := text(c, "PRAGMA "+pragma)
		if err == nil && got != want {
			err = errors.New(pragma + " is " + got + ", want " + want)
		}
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}
