package scim

import (
	"context"
	"io"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// lightBody is how much of a body is read without asking; hardly any request of a provider has more.
const lightBody = 1 << 20

// heavyWait bounds how long a heavy body waits for its turn: while it does, a client that left is not noticed.
const heavyWait = 10 * time.Second

// body is a request's body. One that turns out to be heavy takes one of few slots before the rest of it is read, and keeps it until the request
// is answered: what JSON becomes in memory is many times its size, so that this bounds the memory of the server. Who sends
// slowly holds a slot no longer than the server lets any request take.
type body struct {
	io.ReadCloser
	ctx   context.Context
	slots chan struct{}
	read  int64
	held  bool
}

func (b *body) Read(p []byte) (int, error) {
	if !b.held {
		if b.read > lightBody {
			if err := b.hold(); err != nil {
				return 0, err
			}
		} else {
			p = p[:min(int64(len(p)), lightBody+1-b.read)]
		}
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, err
}

func (b *body) hold() error {
	ctx, cancel := context.WithTimeout(b.ctx, heavyWait)
	defer cancel()
	select {
	case b.slots <- struct{}{}:
		b.held = true
		return nil
	case <-ctx.Done():
		return domain.Refuse(domain.Unavailable, "too many large requests at once; send it again in a moment")
	}
}

// release gives the slot back.
func (b *body) release() {
	if b.held {
		<-b.slots
		b.held = false
	}
}
