package esdb

import (
	"os"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
	"github.com/rollcall-sync/rollcall/eventstore/storetest"
)

// database is the connection string of a real server to run the suite against. Each run keeps to streams of its own there.
var database = os.Getenv("ROLLCALL_TEST_ESDB")

func open(t testing.TB, c Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	connection := func(t *testing.T) string {
		server := esdbtest.Start(t, esdbtest.Config{})
		server.Log().AddSystemAfter(3)
		return server.ConnectionString()
	}
	if database != "" {
		connection = func(*testing.T) string { return database }
	}
	storetest.Run(t, storetest.Config{
		Open: func(t *testing.T) eventstore.Store { return open(t, Config{ConnectionString: connection(t)}) },
		Reopen: func(t *testing.T, s eventstore.Store) eventstore.Store {
			t.Helper()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, Config{ConnectionString: s.(*Store).config.ConnectionString})
		},
		Prefix: true,
		Shared: true,
		Big:    600 << 10,
	})
}
