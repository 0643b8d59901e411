package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// stage is what is being done just now.
type stage struct {
	mu    sync.Mutex
	what  string
	total int
	done  atomic.Int64
}

func (s *stage) begin(what string, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what, s.total = what, total
	s.done.Store(0)
}

func (s *stage) now() (what string, done float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.what, float64(s.done.Load()) / float64(max(s.total, 1))
}

// pace says how the items of a stage are sent.
type pace struct {
	connections int
	rate        float64       // items a second; 0 for a closed loop
	limit       time.Duration // 0 for none
}

// grace is how much longer than its duration a stage at a fixed rate may take to send what is due.
const grace = 30 * time.Second

// each does the items, of which at most so many are under way at a time. An item is told when it is due, which is when it begins in a
// closed loop. What is due and could not be sent within the duration and some grace is counted: to leave it out would flatter the server.
func (s *stage) each(ctx context.Context, what string, items int, p pace, item func(i int, due time.Time)) (took time.Duration, unsent int) {
	began := time.Now()
	if p.rate > 0 && p.limit > 0 {
		items = min(items, int(p.limit.Seconds()*p.rate))
	}
	s.begin(what, items)
	var next, late atomic.Int64
	work := func() {
		for ctx.Err() == nil {
			i := int(next.Add(1) - 1)
			if i >= items {
				return
			}
			since := time.Since(began)
			if p.rate == 0 && p.limit > 0 && since >= p.limit {
				return
			}
			due := time.Now()
			if p.rate > 0 {
				due = began.Add(time.Duration(float64(i) / p.rate * float64(time.Second)))
				if p.limit > 0 && since > p.limit+grace {
					late.Add(1)
					continue
				}
				if !until(ctx, due) {
					return
				}
			}
			item(i, due)
			s.done.Add(1)
		}
	}
	var workers sync.WaitGroup
	for range min(p.connections, items) {
		workers.Go(work)
	}
	workers.Wait()
	return time.Since(began), int(late.Load())
}

// until waits for a time; it tells whether that came before the context ended.
func until(ctx context.Context, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
