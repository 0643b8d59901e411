package handlers

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/rollcall-sync/rollcall/domain"
)

// Failures is how many wrong tokens an address may send at once; then one a second.
const Failures = 10

// addressesKept bounds the memory of a Throttle to a few megabytes. Who has more addresses than that to guess from is not
// slowed down, and still does not guess 256 bits.
const addressesKept = 10_000

// Throttle slows down who sends wrong tokens, by the address that the connection comes from. A request with a valid token never
// asks it: identity providers share addresses, also with strangers.
type Throttle struct {
	failures int
	now      func() time.Time

	mu        sync.Mutex
	addresses *lru.Cache[netip.Prefix, *rate.Limiter]
}

// NewThrottle lets an address fail so often at once, and then once a second; now is time.Now if nil.
func NewThrottle(failures int, now func() time.Time) *Throttle {
	if now == nil {
		now = time.Now
	}
	addresses, err := lru.New[netip.Prefix, *rate.Limiter](addressesKept)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Throttle{failures: failures, now: now, addresses: addresses}
}

// Failed counts a wrong token, and answers the refusal given, or RateLimited from an address that has failed too often.
func (t *Throttle) Failed(r *http.Request, refusal error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := addressOf(r)
	limiter, known := t.addresses.Get(from)
	if !known {
		limiter = rate.NewLimiter(1, t.failures)
		t.addresses.Add(from, limiter)
	}
	if limiter.AllowN(t.now(), 1) {
		return refusal
	}
	return domain.Refuse(domain.RateLimited, "too many requests with a wrong token come from this address; wait a second before the next")
}

// addressOf is the address of the connection. A network of IPv6 counts as one: its owner may take any address of 2^64. Headers that
// proxies set are not read, since anybody may send them.
func addressOf(r *http.Request) netip.Prefix {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{} // all who have none together
	}
	address := from.Addr().Unmap().WithZone("")
	bits := 32
	if address.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(address, bits).Masked()
}
