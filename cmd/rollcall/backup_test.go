package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/eventstore/local"
	"github.com/rollcall-sync/rollcall/projections"
)

// succeeds runs a command, and answers what it says.
func succeeds(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := runIn(t, environment(), args...)
	if code != 0 {
		t.Fatalf("%q: status %d, %s\n%s", args, code, out, errs)
	}
	return out
}

// filesIn are the names of what is in a folder.
func filesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Backups of a server that works are taken one after the other. Each, restored, is a server that has all that was acknowledged before it was begun, and
// delivers on.
func TestBackupOfAServerThatWorks(t *testing.T) {
	h := newHousehold(t)
	b := newInbox(t)
	h.hook(b, "")
	data := filepath.Join(h.dir, "rollcall-data")
	var made sync.Map // the users that were acknowledged
	var stop atomic.Bool
	var working sync.WaitGroup
	for i := range 4 {
		working.Go(func() {
			for n := 0; !stop.Load() && !t.Failed(); n++ {
				made.Store(h.user(fmt.Sprintf("u%d-%d", i, n), 2), true)
			}
		})
	}
	type taken struct {
		folder string
		users  []string
	}
	var backups []taken
	for i := range 3 {
		b.messages(t, 60*(i+1))
		folder := filepath.Join(t.TempDir(), "backup")
		users := []string{}
		made.Range(func(id, _ any) bool { users = append(users, id.(string)); return true })
		args := []string{"backup", "--data", data, "--to", folder}
		if i == 2 {
			args = append(args, "--with-master-key")
		}
		if out := succeeds(t, args...); strings.Contains(out, "the master key is not in it") != (i < 2) || !strings.Contains(out, "read them again") {
			t.Errorf("it says %s", out)
		}
		backups = append(backups, taken{folder, users})
	}
	stop.Store(true)
	working.Wait()
	h.stop()
	for i, taken := range backups {
		want := []string{"deliveries.db", "log.db", "replies.db"}
		if i == 2 {
			want = slices.Insert(want, 2, keys.FileName)
		}
		if names := filesIn(t, taken.folder); !slices.Equal(names, want) {
			t.Errorf("the backup is %q", names)
		}
		restored := filepath.Join(t.TempDir(), "new", "data")
		out := succeeds(t, "restore", "--from", taken.folder, "--data", restored)
		if strings.Contains(out, "now put the master key") != (i < 2) || !strings.Contains(out, "is delivered again") {
			t.Errorf("it says %s", out)
		}
		if i < 2 {
			key, err := os.ReadFile(filepath.Join(data, keys.FileName))
			if err == nil {
				err = os.WriteFile(filepath.Join(restored, keys.FileName), key, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		again := h.inhabit(t.TempDir(), "ROLLCALL_DATA="+restored)
		for _, id := range taken.users {
			var user struct{ Title string }
			if again.provider.must("GET", h.base+"/Users/"+id, "", &user); user.Title != "2" {
				t.Errorf("of user %s backup %d has %q", id, i, user.Title)
			}
		}
		id := again.user(fmt.Sprint("new", i), 1)
		b.until(t, "what is new is delivered", func(came []arrival) bool {
			return slices.ContainsFunc(came, func(a arrival) bool { return a.message.Data.Subject.ID == id })
		})
		again.stop()
	}
}

// A backup and a restore that are killed leave nothing under their name, and the same command succeeds.
func TestBackupIsKilled(t *testing.T) {
	folder, away := filled(t, 40_000), t.TempDir()
	for _, c := range []struct{ command, from, to string }{{"backup", folder, filepath.Join(away, "backup")}, {"restore", filepath.Join(away, "backup"), filepath.Join(away, "data")}} {
		args := []string{c.command, "--data", c.from, "--to", c.to}
		if c.command == "restore" {
			args = []string{c.command, "--from", c.from, "--data", c.to}
		}
		for !killed(t, func() bool { _, err := os.Stat(filepath.Join(c.to+partialSuffix, "log.db")); return err == nil }, args...) {
			if err := os.RemoveAll(c.to); err != nil { // it was at its end before it was seen
				t.Fatal(err)
			}
		}
		if _, err := os.Stat(c.to); err == nil {
			t.Errorf("%s left something", c.command)
		}
		succeeds(t, args...)
		if _, err := os.Stat(c.to + partialSuffix); err == nil {
			t.Errorf("%s left what was killed", c.command)
		}
		if want, got := logOf(t, folder), logOf(t, c.to); !slices.Equal(want, got) {
			t.Errorf("%s: %d records are %d", c.command, len(want), len(got))
		}
	}
}

// What would not be whole is refused, leaves nothing, and says what to do.
func TestBackupRefuses(t *testing.T) {
	refused := func(what, want, leaves string, args ...string) {
		t.Helper()
		code, out, errs := runIn(t, environment(), args...)
		if code == 0 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: status %d, %q, %q lacks %q", what, code, out, errs, want)
		}
		if rest, _ := filepath.Glob(leaves + "*"); len(rest) > 0 {
			t.Errorf("%s left %q", what, rest)
		}
	}
	folder, to := filled(t, 1000), filepath.Join(t.TempDir(), "to")
	for _, command := range []string{"backup", "restore"} {
		from, into := "--data", "--to"
		if command == "restore" {
			from, into = "--from", "--data"
		}
		refused(command+" of nothing", "there is none in", to, command, from, t.TempDir(), into, to)
		refused(command+" to what is there", "holds something already", to, command, from, folder, into, folder)
		refused(command+" with --store", "rollcall move", to, command, from, folder, into, to, "--store", "esdb://localhost")

		damaged := filled(t, 1000)
		file, err := os.ReadFile(filepath.Join(damaged, "log.db"))
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(file, []byte(`{"n":777}`))
		file[at+5]++
		if err := os.WriteFile(filepath.Join(damaged, "log.db"), file, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(command+" of damage", "position 778 is damaged", to, command, from, damaged, into, to)
	}
	// Files that were put together by hand from different times, or logs.
	begin := func(folder, file string, at eventstore.Position) {
		t.Helper()
		log, err := local.Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		if file == projections.OutboxFile {
			outbox, err := projections.OpenOutbox(folder, log, log.ID())
			if err == nil {
				err = outbox.Begin(t.Context(), log.All(t.Context(), eventstore.Position{}), at)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer outbox.Close()
			return
		}
		f, err := projections.OpenRelayFile(t.Context(), folder, strings.TrimSuffix(file, ".db"), log, log.ID(), eventstore.Position{})
		if err == nil {
			err = f.Keep(t.Context(), at)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	for _, file := range []string{projections.OutboxFile, "publish-nats-1.db"} {
		ahead := filled(t, 10)
		begin(ahead, file, eventstore.At(11, 11))
		refused(file+" ahead", "is ahead of the log", to, "restore", "--from", ahead, "--data", to)
		mixed := filled(t, 20)
		text, err := os.ReadFile(filepath.Join(ahead, file))
		if err == nil {
			err = os.WriteFile(filepath.Join(mixed, file), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		refused(file+" of another log", "another log", to, "restore", "--from", mixed, "--data", to)
	}
	// Without what was delivered there is something to say.
	if out := succeeds(t, "restore", "--from", folder, "--data", to); !strings.Contains(out, "start the server with --deliveries-from") {
		t.Errorf("it says %s", out)
	}
}
