package mail

import (
	"net"
	"sync"
)

// line is the connection of one attempt. It closes whatever becomes of the attempt: the library leaves one open whose greeting, encryption or login
// went wrong. Safe for concurrent use.
type line struct {
	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func (l *line) open(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn = c; l.closed {
		_ = c.Close()
	}
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = true; l.conn != nil {
		_ = l.conn.Close()
	}
}
