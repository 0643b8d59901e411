package api

import (
	"context"
	"sync"

	"github.com/rollcall-sync/rollcall/domain"
)

// Limits on imports at a time.
const (
	importsOfOne    = 2  // of one organization, from the arrival of the first byte to that of the report
	importsKept     = 64 // of all: each may keep maxImport bytes
	importsTogether = 4  // that are worked on
)

// importing are the imports under way. A body that arrives slowly, or a report that is read slowly, takes no place from those that are worked on, and no
// organization takes all of them. Its methods may be called concurrently.
type importing struct {
	mu     sync.Mutex
	all    int
	of     map[string]int // by organization's id
	worked chan struct{}  // a place for each
}

func newImporting() *importing {
	return &importing{of: map[string]int{}, worked: make(chan struct{}, importsTogether)}
}

// enter lets an organization's import in until leave is called, or refuses it.
func (i *importing) enter(organization string) (leave func(), err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.of[organization] >= importsOfOne {
		return nil, domain.Refuse(domain.RateLimited, "%d imports of this organization are under way; send this one when one of them has ended", importsOfOne)
	}
	if i.all >= importsKept {
		return nil, domain.Refuse(domain.RateLimited, "too many imports are under way; send this one again in a moment")
	}
	i.all++
	i.of[organization]++
	return func() { i.leave(organization) }, nil
}

func (i *importing) leave(organization string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.all--
	if i.of[organization]--; i.of[organization] == 0 {
		delete(i.of, organization)
	}
}

var errStopping = domain.Refuse(domain.Unavailable, "the server is about to stop; send the import again, with another Idempotency-Key if it had one: it goes on where this one ended")

// work waits for a place for some work, which ends with done, unless the context ends or the server is about to stop.
func (i *importing) work(ctx context.Context, stopping <-chan struct{}) (done func(), err error) {
	select {
	case <-stopping:
		return nil, errStopping
	default:
	}
	select {
	case i.worked <- struct{}{}:
		return func() { <-i.worked }, nil
	case <-stopping:
		return nil, errStopping
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
