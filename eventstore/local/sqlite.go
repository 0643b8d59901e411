package local

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// settings are what the tests of this package change: the operating system under SQLite, and how much it syncs.
type settings struct {
	vfs         string                          // "" is the operating system's
	open        func(path string) (file, error) // for reading and writing; the file must be there
	synchronous string
}

// durable is what every user of the package gets: an fsync in each commit, before it returns.
var durable = settings{open: openFile, synchronous: "FULL"}

// connect opens one connection to the log of a folder, with further parameters of SQLite's file names. Its caller is its
// only user at a time.
func (s settings) connect(dir string, flags sqlite3.OpenFlag, parameters ...string) (*sqlite3.Conn, error) {
	path := filepath.Join(dir, fileName)
	// modeof gives log.db-wal the mode of log.db. SQLite reads %20 in a query, but not a plus.
	name := "file:" + url.PathEscape(filepath.ToSlash(path)) + "?modeof=" + strings.ReplaceAll(url.QueryEscape(path), "+", "%20")
	if s.vfs != "" {
		name += "&vfs=" + s.vfs
	}
	for _, p := range parameters {
		name += "&" + p
	}
	c, err := sqlite3.OpenFlags(name, flags|sqlite3.OPEN_URI)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	// A writer process and readers in others only meet for moments, at opening and at checkpoints. cell_size_check
	// finds a damaged page where it is read. Autocheckpoint stays on: a WAL that is overwritten in place needs no new
	// blocks from the file system at each fsync, one that keeps growing does. After a reader held it up, the file is
	// cut back to the limit.
	err = c.Exec(`
		PRAGMA busy_timeout = 10000;
		PRAGMA synchronous = ` + s.synchronous + `;
		PRAGMA wal_autocheckpoint = 1000;
		PRAGMA journal_size_limit = 67108864;
		PRAGMA cell_size_check = ON;
		PRAGMA trusted_schema = OFF;`)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", path, err), disconnect(c))
	}
	return c, nil
}

// disconnect closes a connection and its statements. Nil is fine.
func disconnect(c *sqlite3.Conn) error {
	if c == nil {
		return nil
	}
	for _, s := range slices.Collect(c.Stmts()) {
		s.Close() // an error of the last step, already answered there
	}
	if err := c.Close(); err != nil {
		return fmt.Errorf("close the log: %w", err)
	}
	return nil
}

// prepare compiles one statement.
func prepare(c *sqlite3.Conn, sql string) (*sqlite3.Stmt, error) {
	s, _, err := c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", sql, err)
	}
	return s, nil
}

// text runs a query that answers one text or nothing.
func text(c *sqlite3.Conn, sql string) (string, error) {
	s, err := prepare(c, sql)
	if err != nil {
		return "", err
	}
	defer s.Close()
	var answer string
	if s.Step() {
		answer = s.ColumnText(0)
	}
	return answer, s.Err()
}

// checkLibrary refuses a SQLite that can lose a WAL's frames when two connections write and checkpoint at once
// (3.7.0 to 3.51.2).
func checkLibrary(c *sqlite3.Conn) error {
	version, err := text(c, "SELECT sqlite_version()")
	if err != nil {
		return fmt.Errorf("ask SQLite for its version: %w", err)
	}
	if !atLeast(version, 3, 51, 3) {
		return fmt.Errorf("this binary holds SQLite %s, which can damage a log: build it with 3.51.3 or later", version)
	}
	return nil
}

// atLeast compares a dotted version with numbers.
func atLeast(version string, least ...int) bool {
	parts := strings.Split(version, ".")
	for i, want := range least {
		if i >= len(parts) {
			return false
		}
		got, err := strconv.Atoi(parts[i])
		if err != nil || got < want {
			return false
		}
		if got > want {
			return true
		}
	}
	return true
}

// located turns SQLite's word for damage into a DamagedError at the place where the next record was expected. It leaves
// other errors alone.
func located(err error, position uint64) error {
	if malformed(err) {
		return damaged(position, "SQLite says "+err.Error())
	}
	return err
}

func malformed(err error) bool {
	return errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB)
}

// notOpened says which folder it was, and what to do about a file that is no database any more.
func notOpened(dir string, err error) error {
	if malformed(err) {
		return fmt.Errorf("open the log in %s: restore it from a backup: %w", dir, err)
	}
	return fmt.Errorf("open the log in %s: %w", dir, err)
}

// trouble is what a reader answers to an error of SQLite: damage, or a store that cannot answer now.
func trouble(err error, position uint64) error {
	if err == nil {
		return nil
	}
	err = located(err, position)
	if _, ok := errors.AsType[*eventstore.DamagedError](err); ok {
		return err
	}
	return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
}
