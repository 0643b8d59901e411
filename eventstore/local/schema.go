package local

import (
	_ "embed"
	"errors"
	"fmt"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// format is the version of what FORMAT.md describes. A higher one in a file is refused.
const format = 1

//go:embed schema.sql
var schema string

// initialize makes the tables in an empty database, and answers the log's id. It refuses what is not a log before it
// changes anything.
func initialize(c *sqlite3.Conn) (string, error) {
	tables, err := text(c, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return "", fmt.Errorf("read the log's schema: %w", err)
	}
	if tables != "0" {
		if _, err := identify(c); err != nil {
			return "", err
		}
	}
	mode, err := text(c, "PRAGMA journal_mode = WAL")
	if err != nil {
		return "", fmt.Errorf("switch the log to a WAL: %w", err)
	}
	if mode != "wal" {
		return "", fmt.Errorf("switch the log to a WAL: SQLite stays in mode %q; put the folder on a local file system", mode)
	}
	if tables == "0" {
		if err := makeTables(c); err != nil {
			return "", fmt.Errorf("create the log's tables: %w", err)
		}
	}
	return identify(c)
}

// makeTables makes the tables and their first rows in one transaction.
func makeTables(c *sqlite3.Conn) (err error) {
	tx, err := c.BeginImmediate()
	if err != nil {
		return err
	}
	defer tx.End(&err)
	return c.Exec(schema + fmt.Sprintf("INSERT INTO meta VALUES ('format', '%d'), ('id', '%s');", format, eventstore.RandomID()))
}

// identify answers the id of a log and refuses a file that is none, or one of a later format.
func identify(c *sqlite3.Conn) (string, error) {
	version, err := text(c, "SELECT value FROM meta WHERE key = 'format'")
	if err != nil {
		return "", fmt.Errorf("read the log's format: is this file a log of Rollcall? %w", err)
	}
	n, err := strconv.Atoi(version)
	if err != nil || n < 1 {
		return "", fmt.Errorf("the log's format is %q, which no version of Rollcall writes: restore the log from a backup", version)
	}
	if n > format {
		return "", fmt.Errorf("the log has format %d, this binary knows up to %d: use the version of Rollcall that wrote it, or a later one", n, format)
	}
	id, err := text(c, "SELECT value FROM meta WHERE key = 'id'")
	if err != nil {
		return "", fmt.Errorf("read the log's id: %w", err)
	}
	if id == "" {
		return "", errors.New("the log has no id: restore it from a backup")
	}
	return id, nil
}
