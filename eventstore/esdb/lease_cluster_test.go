package esdb

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
)

// A witness sees who holds a lease. What it calls an error is one however late it came to look: of a context that has not ended
// yet it knows that the lease was held at every moment since hold was called.
type witness struct {
	mu      sync.Mutex
	holders map[uint64]context.Context // by epoch
	last    uint64                     // the highest epoch that was seen held
}

// sees looks at all holders in the name of one.
func (w *witness) sees(t *testing.T, held context.Context, epoch uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if other := w.holders[epoch]; other != nil && other != held {
		t.Errorf("epoch %d comes twice", epoch)
	}
	w.holders[epoch] = held
	for other, context := range w.holders {
		if other != epoch && context.Err() == nil && held.Err() == nil {
			t.Errorf("epochs %d and %d are held at the same time", other, epoch)
		}
	}
	if held.Err() == nil {
		if epoch < w.last {
			t.Errorf("epoch %d is held after %d", epoch, w.last)
		}
		w.last = epoch
	}
}

// TestOneHolder has five processes take turns on three nodes while everything goes wrong at once.
func TestOneHolder(t *testing.T) {
	const (
		term    = 250 * time.Millisecond
		tenures = 14
	)
	servers := cluster(t, 3)
	w := &witness{holders: map[uint64]context.Context{}}
	var mu sync.Mutex
	random := mathrand.New(mathrand.NewPCG(1, 2))
	upTo := func(d time.Duration) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(random.Int64N(int64(d)))
	}
	var faults sync.WaitGroup
	later := func(end func()) {
		d := upTo(2 * term)
		faults.Go(func() { <-time.After(d); end() })
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	hold := func(work, held context.Context, epoch uint64) error {
		w.sees(t, held, epoch)
		if epoch >= tenures {
			stop()
		}
		server := servers[upTo(3)]
		switch epoch % 7 {
		case 1:
			server.Lead()
		case 2:
			each(servers, func(s *esdbtest.Server) { s.LoseAnswers(2) })
		case 3:
			each(servers, func(s *esdbtest.Server) { s.Refuse(3) })
		case 4:
			each(servers, func(s *esdbtest.Server) { later(s.Hold()) })
		case 5:
			each(servers, func(s *esdbtest.Server) { s.Fill(true); later(func() { s.Fill(false) }) })
		case 6:
			each(servers, func(s *esdbtest.Server) { s.DropReads(0, 0) })
		}
		over := time.After(upTo(2 * term))
		for {
			w.sees(t, held, epoch)
			select {
			case <-over:
				w.sees(t, held, epoch)
				return nil
			case <-work.Done():
				w.sees(t, held, epoch)
				return work.Err()
			case <-time.After(term / 20):
			}
		}
	}
	var runs sync.WaitGroup
	for i := range 5 {
		l := lease(t, seeds(servers), fmt.Sprint("process ", i), term)
		runs.Go(func() {
			if err := l.Run(ctx, hold); !errors.Is(err, context.Canceled) {
				t.Errorf("Run ends with %v", err)
			}
		})
	}
	runs.Wait()
	faults.Wait()
	t.Logf("%d tenures by %d epochs", len(w.holders), w.last)
}

func each(servers []*esdbtest.Server, do func(*esdbtest.Server)) {
	for _, s := range servers {
		do(s)
	}
}
