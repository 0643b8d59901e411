package local

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// holdFolder is a child that writes one record and keeps the folder until its input ends.
func holdFolder(dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	if _, err := s.Append(context.Background(), one("held", 0)); err != nil {
		return err
	}
	fmt.Println("open")
	bufio.NewScanner(os.Stdin).Scan()
	return s.Close()
}

// TestSecondWriter refuses a folder that another process, or this one, writes to, and names both.
func TestSecondWriter(t *testing.T) {
	dir := t.TempDir()
	cmd, in, lines := command(t, "hold", dir)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("the first writer says %q", lines.Text())
	}
	refused(t, dir, cmd.Process.Pid)

	// A reader is welcome beside it.
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if p, err := r.Head(t.Context()); err != nil || p != eventstore.At(1, 1) {
		t.Errorf("the reader's head is %s, %v", p, err)
	}

	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatalf("after the first writer ended: %v", err)
	}
	defer s.Close()
	refused(t, dir, os.Getpid())

	other, _, lines := command(t, "hold", dir)
	if !lines.Scan() || !strings.Contains(lines.Text(), dir) || !strings.Contains(lines.Text(), fmt.Sprint(os.Getpid())) {
		t.Errorf("the second writer says %q", lines.Text())
	}
	if err := other.Wait(); err == nil {
		t.Error("the second writer succeeded")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir); err != nil {
		t.Fatalf("after Close: %v", err)
	}
	s.Close()
}

func refused(t *testing.T, dir string, holder int) {
	t.Helper()
	_, err := Open(dir)
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), fmt.Sprint("process ", holder)) {
		t.Errorf("a second writer gets %v", err)
	}
}

// TestModes asks that nobody but the owner can read the log.
func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder with space, ?, &, + and %41")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Append(t.Context(), one("a", 0)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{
		"": 0o700 | os.ModeDir, "../": 0o700 | os.ModeDir, "lock": 0o600, "log.db": 0o600, "log.db-wal": 0o600, "log.db-shm": 0o600,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode() != want {
			t.Errorf("%q has mode %s, want %s", name, info.Mode(), want)
		}
	}
}
