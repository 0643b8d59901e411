package esdb

import (
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
)

// TestOwnStreams has streams of the store and of the server among those of the log: nobody sees them, and their positions count.
func TestOwnStreams(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	s := open(t, patient(server.ConnectionString()))
	f := follow(t, s)
	ids := fill(t, s, "rollcall", 2)
	foreign(t, server, write(own+"x", 0, entry()))
	server.Log().AddSystem()
	foreign(t, server, write(own+"x", 1, entry()))
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string][]eventstore.Record{"all": all(t, s), "follow": f.until(head)} {
		intact(t, what, got, "rollcall", ids)
		if len(got) != 2 {
			t.Errorf("%s: %d records, want 2", what, len(got))
		}
	}
	for _, stream := range []string{own + "x", logStream, "$stats-127.0.0.1"} {
		for r, err := range s.Read(t.Context(), stream, 0) {
			t.Errorf("read %s: %v, %v", stream, r, err)
		}
		before := server.Appends()
		if _, err := s.Append(t.Context(), write("a", 0, entry()), write(stream, 0, entry())); err == nil {
			t.Errorf("an append to %s was taken", stream)
		}
		if n := server.Appends() - before; n != 0 {
			t.Errorf("%d appends of a refused batch reached the server", n)
		}
	}
}
