package esdb

import (
	"errors"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
)

// A log that is being moved here is nobody's but the mover's until it is whole, whatever happens to answers.
func TestMoving(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	c := patient(server.ConnectionString())
	refused := func(want bool) {
		t.Helper()
		s, err := Open(t.Context(), c)
		if err == nil {
			s.Close()
		}
		if errors.Is(err, errMoving) != want || err != nil && !want {
			t.Errorf("opened with %v", err)
		}
	}
	refused(false)
	moving := c
	moving.Moving = true
	if s, before := open(t, c), server.Appends(); s.EndMove(t.Context()) != nil || server.Appends() > before {
		t.Error("the end of no move is noted")
	}
	for range 2 { // a log may be moved here, away, and here again
		for range 2 {
			server.LoseAnswers(1)
			s := open(t, moving)
			if err := s.BeginMove(t.Context()); err != nil {
				t.Fatal(err)
			}
			refused(true)
		}
		s := open(t, moving)
		for range 2 {
			server.LoseAnswers(1)
			if err := s.EndMove(t.Context()); err != nil {
				t.Fatal(err)
			}
			refused(false)
		}
		if got := all(t, s); len(got) > 0 {
			t.Errorf("readers see %v", got)
		}
	}
}
