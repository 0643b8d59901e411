//go:build unix

package local

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user that owns nothing else here.
const nobody = 65534

func ownerOf(info fs.FileInfo) string {
	owner := info.Sys().(*syscall.Stat_t)
	return fmt.Sprint(owner.Uid, ":", owner.Gid)
}

// onlyRoot skips what only root can arrange: files of two users.
func onlyRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: files of another user; run this test as root")
	}
}

// give makes a folder and what is in it another user's, and lets that user reach it.
func give(t *testing.T, dir string) {
	t.Helper()
	for up := filepath.Dir(dir); up != filepath.Clean(os.TempDir()); up = filepath.Dir(up) {
		if err := os.Chmod(up, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// asNobody runs a part of this binary as another user and answers what it says. The user cannot reach the binary where
// `go test` puts it.
func asNobody(t *testing.T, part, dir string) string {
	t.Helper()
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	own := t.TempDir()
	path := filepath.Join(own, "local.test")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	give(t, own)
	cmd := exec.Command(path)
	cmd.Dir = own
	cmd.Env = append(os.Environ(), child+"="+part+":"+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, _ := cmd.CombinedOutput() // what it says tells how it went
	return string(out)
}

// TestReaderOfAnotherUser reads as root what belongs to somebody else, who then opens the log as before.
func TestReaderOfAnotherUser(t *testing.T) {
	onlyRoot(t)
	for what, dir := range map[string]string{"closed": written(t), "killed": left(t)} {
		t.Run(what, func(t *testing.T) {
			give(t, dir)
			r := reader(t, dir)
			if _, err := r.Head(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if now := listed(t, dir); strings.Contains(now, " 0:0 ") {
				t.Errorf("files of the reader's user are left:\n%s", now)
			}
			if says := asNobody(t, "hold", dir); says != "open\n" {
				t.Errorf("the owner of the log hears %q", says)
			}
		})
	}
}

// TestForeignIndex opens a log whose index belongs to somebody else.
func TestForeignIndex(t *testing.T) {
	onlyRoot(t)
	for what, dir := range map[string]string{"closed": written(t), "killed": left(t)} {
		t.Run(what, func(t *testing.T) {
			give(t, dir)
			if err := os.WriteFile(indexPath(dir), []byte("of root"), 0o600); err != nil {
				t.Fatal(err)
			}
			if says := asNobody(t, "hold", dir); says != "open\n" {
				t.Errorf("the owner of the log hears %q", says)
			}
		})
	}
}

// TestReadOnlyFolder reads a log in a folder in which its reader may not write. What a WAL holds beside it can only be read
// with an index: its lack is told.
func TestReadOnlyFolder(t *testing.T) {
	killed := left(t)
	indexed := left(t)
	if err := reader(t, indexed).Close(); err != nil { // leaves an index
		t.Fatal(err)
	}
	for what, test := range map[string]struct{ dir, says string }{
		"closed":                 {written(t), fmt.Sprintln(damagedRecords, "records")},
		"killed":                 {killed, "read a copy of the folder"},
		"killed, with its index": {indexed, "1 records\n"},
	} {
		t.Run(what, func(t *testing.T) {
			read := func() string {
				cmd, in, lines := command(t, "read", test.dir)
				in.Close()
				lines.Scan()
				cmd.Wait()
				return lines.Text() + "\n"
			}
			if os.Getuid() == 0 { // whom no mode keeps from writing
				give(t, test.dir)
				read = func() string { return asNobody(t, "read", test.dir) }
			}
			if err := os.Chmod(test.dir, 0o500); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(test.dir, 0o700) })
			before := listed(t, test.dir)
			if says := read(); !strings.Contains(says, test.says) {
				t.Errorf("the reader says %q, want %q", says, test.says)
			}
			if what != "killed, with its index" && listed(t, test.dir) != before {
				t.Errorf("the folder was\n%s and is\n%s", before, listed(t, test.dir))
			}
		})
	}
}
