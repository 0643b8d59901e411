package local

import "sync"

// head is the position of the last durable record as this process knows it, and the bell that wakes followers.
type head struct {
	mu       sync.Mutex
	position uint64
	moved    chan struct{} // closed and replaced when position rises
}

func newHead(position uint64) *head {
	return &head{position: position, moved: make(chan struct{})}
}

// get answers the position and a channel that is closed when it has risen.
func (h *head) get() (uint64, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.position, h.moved
}

// raise is called after the commit and before its appenders are answered.
func (h *head) raise(position uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if position <= h.position {
		return
	}
	h.position = position
	close(h.moved)
	h.moved = make(chan struct{})
}
