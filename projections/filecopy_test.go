package projections

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// beside are the files of a folder with their modes.
func beside(t *testing.T, folder string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(info.Mode(), " ", e.Name()))
	}
	return all
}

// A copy is the file at one moment, whether its server runs, was stopped or was killed, and leaves no trace beside it.
func TestCopyFile(t *testing.T) {
	for what, leave := range map[string]func(*sending){
		"runs":    func(*sending) {},
		"stopped": func(s *sending) { s.must(s.Outbox.Close()) },
		"killed": func(s *sending) {
			folder := s.TempDir()
			for _, suffix := range []string{"", "-wal"} {
				text, err := os.ReadFile(filepath.Join(s.folder, OutboxFile+suffix))
				s.must(err)
				s.must(os.WriteFile(filepath.Join(folder, OutboxFile+suffix), text, 0o600))
			}
			s.must(os.WriteFile(filepath.Join(folder, OutboxFile+"-shm"), nil, 0o600))
			s.folder = folder
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := newSending(t)
			s.endpoint("e", "all")
			for i := range 30 {
				s.change(fmt.Sprint(i))
			}
			want := s.left()
			leave(s)
			before := beside(t, s.folder)
			folder := filepath.Join(t.TempDir(), "with space, ?, & and %41")
			s.must(os.Mkdir(folder, 0o700))
			s.must(CopyFile(t.Context(), filepath.Join(s.folder, OutboxFile), filepath.Join(folder, OutboxFile)))
			if after := beside(t, s.folder); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("it leaves %q where there were %q", after, before)
			}
			if made := beside(t, folder); fmt.Sprint(made) != fmt.Sprint([]string{"-rw------- " + OutboxFile}) {
				t.Errorf("it makes %q", made)
			}
			if err := CopyFile(t.Context(), filepath.Join(s.folder, OutboxFile), filepath.Join(folder, OutboxFile)); !errors.Is(err, fs.ErrExist) {
				t.Errorf("a file is overwritten: %v", err)
			}
			// And a copy of the copy.
			second := t.TempDir()
			s.must(CopyFile(t.Context(), filepath.Join(folder, OutboxFile), filepath.Join(second, OutboxFile)))
			copied := &sending{TB: t, log: s.log, folder: second}
			copied.open()
			defer copied.Outbox.Close()
			if got := copied.left(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%d deliveries were copied as %d", len(want), len(got))
			}
		})
	}
}

// Copies that are made while it is written to are of one moment each.
func TestCopyFileBesideAWriter(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			s.change(fmt.Sprint(i % 500))
		}
	})
	var last eventstore.Position
	for range 8 {
		folder := t.TempDir()
		s.must(CopyFile(t.Context(), filepath.Join(s.folder, OutboxFile), filepath.Join(folder, OutboxFile)))
		copied := &sending{TB: t, log: s.log, folder: folder}
		copied.open()
		at := copied.Progress().Position()
		reached, _ := at.Numbers()
		if n := uint64(count(t, copied.db, "deliveries")); n != reached-1 || at.Before(last) { // the first record is the endpoint
			t.Errorf("at %s there are %d deliveries", at, n)
		}
		last = at
		s.must(copied.Outbox.Close())
	}
	stop()
	writing.Wait()
	ended, end := context.WithCancel(t.Context())
	end()
	if err := CopyFile(ended, filepath.Join(s.folder, OutboxFile), filepath.Join(t.TempDir(), OutboxFile)); !errors.Is(err, context.Canceled) {
		t.Errorf("told to end, it ends with %v", err)
	}
}
