package projections

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A rest takes its time while nobody waits, and ends at once when somebody does.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgress(eventstore.Position{})
		p.pause = time.Second
		rest := func(want time.Duration) {
			t.Helper()
			began := time.Now()
			if p.rest(); time.Since(began) != want {
				t.Errorf("a rest of %s, want %s", time.Since(began), want)
			}
		}
		waits := func(after time.Duration) (ended func()) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				time.Sleep(after)
				if err := p.Wait(t.Context(), eventstore.At(1, 1)); err != nil {
					t.Error(err)
				}
			}()
			return func() { <-done }
		}
		rest(time.Second)
		ended := waits(300 * time.Millisecond)
		rest(300 * time.Millisecond)
		rest(0) // he waits still
		p.reach(eventstore.At(1, 1))
		ended()
		rest(time.Second)
		waits(0)() // for what is reached
		rest(time.Second)
		p.pause = 0
		rest(0)
	})
}
