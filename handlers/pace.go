package handlers

import (
	"math"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// pacesKept bounds the memory of a Pace to a few megabytes. Who is pushed out by others begins anew.
const pacesKept = 10_000

// Pace bounds how often each may ask, by a name that it has proved. It is safe for concurrent use.
type Pace struct {
	limit rate.Limit
	burst int
	now   func() time.Time

	mu    sync.Mutex
	paces *lru.Cache[string, *rate.Limiter]
}

// NewPace lets each ask so often a second, and save up two seconds of that; 0 is any number. now is time.Now if nil.
func NewPace(perSecond float64, now func() time.Time) *Pace {
	if now == nil {
		now = time.Now
	}
	paces, err := lru.New[string, *rate.Limiter](pacesKept)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Pace{limit: rate.Limit(perSecond), burst: max(1, int(math.Ceil(2*perSecond))), now: now, paces: paces}
}

// Wait counts one that asks, and is 0 if it may; otherwise it counts nothing, and is how long to wait.
func (p *Pace) Wait(who string) time.Duration {
	if p.limit == 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter, known := p.paces.Get(who)
	if !known {
		limiter = rate.NewLimiter(p.limit, p.burst)
		p.paces.Add(who, limiter)
	}
	now := p.now()
	asked := limiter.ReserveN(now, 1)
	wait := asked.DelayFrom(now)
	if wait > 0 {
		asked.CancelAt(now)
	}
	return wait
}
