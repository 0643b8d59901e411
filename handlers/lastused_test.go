package handlers_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-sync/rollcall/handlers"
)

// TestLastUsedIsWrittenOnceAMinute: requests cost no writes, what was used survives a kill a minute later, and nothing is written while nothing
// is used.
func TestLastUsedIsWrittenOnceAMinute(t *testing.T) {
	path := filepath.Join(t.TempDir(), handlers.LastUsedFile)
	var lines bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&lines, nil))
	synctest.Test(t, func(t *testing.T) {
		u := handlers.OpenLastUsed(path, logger)
		for range 1000 {
			u.Use("acme", "t1", time.Now())
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a use is written at once")
		}
		time.Sleep(59 * time.Second)
		u.Use("globex", "t2", time.Now())
		last := time.Now()
		time.Sleep(time.Second)
		synctest.Wait()
		killed := handlers.OpenLastUsed(path, logger)
		if got := killed.At("globex", "t2"); !got.Equal(last) {
			t.Errorf("after a kill it was last used at %s, want %s", got, last)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if _, err := os.Stat(path); err == nil {
			t.Error("it is written though nothing was used")
		}
		u.Use("acme", "t1", time.Now())
		u.Close()
		if got := handlers.OpenLastUsed(path, logger).At("acme", "t1"); !got.Equal(time.Now().Truncate(time.Millisecond)) {
			t.Errorf("after Close it was last used at %s", got)
		}
		u.Close()
	})
	if lines.Len() > 0 {
		t.Errorf("logged: %s", &lines)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file: %v %v", info, err)
	}
}

func TestLastUsedOfAnotherToken(t *testing.T) {
	u := handlers.OpenLastUsed("", nil)
	u.Use("acme", "old", time.Now())
	if at := u.At("acme", "new"); !at.IsZero() {
		t.Errorf("a token that was never used was used at %s", at)
	}
	u.Close()
}

// TestLastUsedDamaged: nothing depends on the file, so that a damaged one stops nobody.
func TestLastUsedDamaged(t *testing.T) {
	for _, text := range []string{"", "{", "null", `[]`, `{"acme":7}`} {
		path := filepath.Join(t.TempDir(), handlers.LastUsedFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var lines bytes.Buffer
		u := handlers.OpenLastUsed(path, slog.New(slog.NewTextHandler(&lines, nil)))
		if warned := strings.Contains(lines.String(), "not known any more"); warned == (text == "null") {
			t.Errorf("%q: logged %q", text, &lines)
		}
		u.Use("acme", "t", time.Now())
		u.Close()
		if handlers.OpenLastUsed(path, nil).At("acme", "t").IsZero() {
			t.Errorf("%q is not begun anew", text)
		}
	}
}
