package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// child names the part that this test binary plays when another test starts it again; the folder stands behind it.
const child = "ROLLCALL_TEST_CHILD"

func TestMain(m *testing.M) {
	part, dir, isChild := strings.Cut(os.Getenv(child), ":")
	if !isChild {
		os.Exit(m.Run())
	}
	var err error
	switch part {
	case "append":
		err = appendForEver(dir)
	case "hold":
		err = holdFolder(dir)
	case "read":
		err = readFolder(dir)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// command starts this binary again in another part. Its standard input is a pipe that ends with the test.
func command(t *testing.T, part, dir string) (*exec.Cmd, io.WriteCloser, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), child+"="+part+":"+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, in, bufio.NewScanner(out)
}

const crashWriters = 8

// appendForEver is the child that gets killed: it reports each acknowledged record in a line of its own.
func appendForEver(dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	var writers sync.WaitGroup
	failed := make([]error, crashWriters)
	for i := range crashWriters {
		writers.Go(func() { failed[i] = appendAndReport(s, fmt.Sprint("s-", i)) })
	}
	writers.Wait()
	return errors.Join(failed...)
}

func appendAndReport(s *Store, stream string) error {
	ctx := context.Background()
	version := eventstore.NoStream
	for _, err := range s.Read(ctx, stream, 0) {
		if err != nil {
			return err
		}
		version++
	}
	for {
		write := eventstore.Write{Stream: stream, Expected: version, Entries: entries(1)}
		p, err := s.Append(ctx, write)
		if err != nil {
			return err
		}
		version++
		// One system call a line: it is whole or not there.
		if _, err := os.Stdout.WriteString(fmt.Sprintf("%s %d %s %s\n", stream, version, write.Entries[0].ID, p)); err != nil {
			return err
		}
	}
}

// TestKill kills a process that appends, at any moment from its first system call on, and finds every record that it
// reported, in order and exactly once.
func TestKill(t *testing.T) {
	const kills = 60 / patience
	dir := t.TempDir()
	reported := map[string][]string{} // by stream, in the order of versions
	count := 0
	for range kills {
		cmd, _, lines := command(t, "append", dir)
		left := rand.IntN(1 << rand.IntN(9)) // lines until it is killed; the pipe may hold more
		for ; left > 0 && lines.Scan(); left-- {
			count++
			report(t, reported, lines.Text())
		}
		cmd.Process.Kill()
		for lines.Scan() {
			count++
			report(t, reported, lines.Text())
		}
		cmd.Wait()
		verify(t, dir, reported)
	}
	t.Logf("%d kills, %d acknowledged records", kills, count)
	if count == 0 {
		t.Error("no child came to append anything")
	}
}

func report(t *testing.T, reported map[string][]string, line string) {
	t.Helper()
	var stream, id, position string
	var version int
	if _, err := fmt.Sscan(line, &stream, &version, &id, &position); err != nil {
		t.Fatalf("the child says %q", line)
	}
	for len(reported[stream]) < version {
		reported[stream] = append(reported[stream], "") // was written, but not reported
	}
	if before := reported[stream][version-1]; before != "" {
		t.Fatalf("%s/%d was acknowledged twice", stream, version)
	}
	reported[stream][version-1] = id + " " + position
}

// verify reads the log as the next process finds it.
func verify(t *testing.T, dir string, reported map[string][]string) {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	found := map[string][]string{}
	seen := map[eventstore.ID]bool{}
	for r, err := range s.All(t.Context(), eventstore.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[r.ID] {
			t.Fatalf("record %s stands in the log twice", r.ID)
		}
		seen[r.ID] = true
		found[r.Stream] = append(found[r.Stream], fmt.Sprint(r.ID, " ", r.Position))
		if int(r.Version) != len(found[r.Stream]) {
			t.Fatalf("%s has version %d where %d was due", r.Stream, r.Version, len(found[r.Stream]))
		}
	}
	for stream, records := range reported {
		if len(found[stream]) < len(records) {
			t.Fatalf("%s has %d records, %d were acknowledged", stream, len(found[stream]), len(records))
		}
		for i, record := range records {
			if record != "" && record != found[stream][i] {
				t.Fatalf("%s/%d is %q, %q was acknowledged", stream, i+1, found[stream][i], record)
			}
		}
	}
}
