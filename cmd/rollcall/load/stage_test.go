package load

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// At a fixed rate a server that stalls once is charged with all that would have come meanwhile: coordinated omission would show one slow request.
func TestAStallIsChargedToAllThatWereDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeasures()
		var s stage
		took, unsent := s.each(t.Context(), "x", 100, pace{connections: 1, rate: 10}, func(i int, due time.Time) {
			if i == 0 {
				time.Sleep(5 * time.Second)
			}
			m.add("x", time.Since(due), nil)
		})
		if unsent != 0 || took != 9900*time.Millisecond {
			t.Errorf("it took %s, and %d were not sent", took, unsent)
		}
		got := m.rows()[0]
		if got.Requests != 100 || got.Latency.Max < 4990 || got.Latency.P95 < 4400 || got.Latency.P50 > 100 {
			t.Errorf("%+v", got)
		}
	})
}

// In a closed loop the next is sent when one is answered, and the duration ends it.
func TestAClosedLoopEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		sent, busy, most := 0, 0, 0
		var s stage
		took, unsent := s.each(t.Context(), "x", 1000, pace{connections: 4, limit: 10 * time.Second}, func(_ int, due time.Time) {
			if since := time.Since(due); since != 0 {
				t.Errorf("an item was due %s before it began", since)
			}
			mu.Lock()
			sent, busy = sent+1, busy+1
			most = max(most, busy)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			busy--
			mu.Unlock()
		})
		if took != 10*time.Second || sent != 40 || most != 4 || unsent != 0 {
			t.Errorf("%d were sent in %s, %d at a time", sent, took, most)
		}
	})
}

// What a server is too slow for is counted, not left out.
func TestWhatCannotBeSentInTimeIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		var s stage
		_, unsent := s.each(t.Context(), "x", 1000, pace{connections: 1, rate: 10, limit: 10 * time.Second}, func(int, time.Time) {
			sent++
			time.Sleep(time.Second)
		})
		if sent+unsent != 100 || sent < 40 || sent > 41 {
			t.Errorf("%d of 100 were sent, %d were not", sent, unsent)
		}
		m := newMeasures()
		m.phase("x", time.Second, unsent)
		report := &Report{Operations: m.rows()}
		if report.Failed() == nil {
			t.Error("such a run is well")
		}
	})
}

// A context that ends lets nothing more be sent.
func TestAStageEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		sent := 0
		var s stage
		took, _ := s.each(ctx, "x", 1000, pace{connections: 1, rate: 1}, func(int, time.Time) { sent++ })
		if sent != 3 || took != 2500*time.Millisecond {
			t.Errorf("%d were sent in %s", sent, took)
		}
		if what, done := s.now(); what != "x" || done != 0.003 {
			t.Errorf("%s is done to %v", what, done)
		}
	})
}
