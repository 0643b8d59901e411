package handlers_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/handlers"
)

func TestPace(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	pace := handlers.NewPace(0.5, func() time.Time { return now })
	expect := func(who string, want time.Duration) {
		t.Helper()
		if got := pace.Wait(who); got != want {
			t.Errorf("%s waits %s, want %s", who, got, want)
		}
	}
	expect("ada", 0)
	expect("ada", 2*time.Second)
	expect("ada", 2*time.Second) // who is told to wait has not asked
	expect("bob", 0)
	now = now.Add(500 * time.Millisecond)
	expect("ada", 1500*time.Millisecond)
	now = now.Add(1500 * time.Millisecond)
	expect("ada", 0)
	expect("ada", 2*time.Second)
}

// TestPaceSavesUp two seconds, however long nobody asks.
func TestPaceSavesUp(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	pace := handlers.NewPace(2.5, func() time.Time { return now })
	for range 2 {
		for i := range 5 {
			if wait := pace.Wait("ada"); wait != 0 {
				t.Errorf("number %d waits %s", i, wait)
			}
		}
		if wait := pace.Wait("ada"); wait != 400*time.Millisecond {
			t.Errorf("one more waits %s", wait)
		}
		now = now.Add(time.Hour)
	}
}

func TestPaceOfNone(t *testing.T) {
	pace := handlers.NewPace(0, nil)
	for range 10_000 {
		if wait := pace.Wait("ada"); wait != 0 {
			t.Fatalf("waits %s", wait)
		}
	}
}

// TestPaceForgets: more than are kept push the first out, so that memory is bounded.
func TestPaceForgets(t *testing.T) {
	pace := handlers.NewPace(0.5, func() time.Time { return time.Unix(0, 0) })
	pace.Wait("first")
	for i := range 10_000 {
		pace.Wait(fmt.Sprint(i))
	}
	if wait := pace.Wait("first"); wait != 0 {
		t.Errorf("the first is still known, and waits %s", wait)
	}
}
