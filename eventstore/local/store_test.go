package local

import (
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/storetest"
)

func TestStore(t *testing.T) {
	var folders sync.Map // of the stores that are open
	open := func(t *testing.T, dir string) eventstore.Store {
		t.Helper()
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		folders.Store(s, dir)
		return s
	}
	storetest.Run(t, storetest.Config{
		Open: func(t *testing.T) eventstore.Store { return open(t, t.TempDir()) },
		Reopen: func(t *testing.T, s eventstore.Store) eventstore.Store {
			t.Helper()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			dir, _ := folders.Load(s)
			return open(t, dir.(string))
		},
	})
}
