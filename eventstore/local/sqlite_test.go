package local

import (
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// TestOldLibrary has SQLite call itself a version that can damage a log: neither a writer nor a reader uses it.
func TestOldLibrary(t *testing.T) {
	dir := written(t)
	old := func() (*sqlite3.Conn, *footing, error) {
		c, f, err := durable.connectReader(dir)
		if err == nil {
			err = c.CreateFunction("sqlite_version", 0, 0, func(ctx sqlite3.Context, _ ...sqlite3.Value) { ctx.ResultText("3.51.2") })
		}
		return c, f, err
	}
	if _, err := describe(old); err == nil || !strings.Contains(err.Error(), "holds SQLite 3.51.2, which can damage a log") {
		t.Errorf("a reader begins with %v", err)
	}
	c, _, err := old()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prepareWriter(&writer{}, c); err == nil || !strings.Contains(err.Error(), "holds SQLite 3.51.2, which can damage a log") {
		t.Errorf("a writer begins with %v", err)
	}
	if err := disconnect(c); err != nil {
		t.Error(err)
	}
}
