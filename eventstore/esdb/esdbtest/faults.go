package esdbtest

import (
	"context"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// faults are what a server is asked to do wrong. The zero value does nothing wrong.
type faults struct {
	mu      sync.Mutex
	dead    bool
	refuse  int           // calls that are still to be refused
	lose    int           // appends whose answer is still to be lost
	drops   []int         // for each of the next reads: the number of records after which it breaks off
	gate    chan struct{} // closed when held calls may go on
	full    bool
	denied  []string // how the names of streams begin that the user may not write
	stale   int      // one more than the number of events that are shown, zero for all
	appends int
}

// LoseAnswers has the next n appends written and their answers lost.
func (s *Server) LoseAnswers(n int) { s.faults.set(func(f *faults) { f.lose = n }) }

// Refuse has the node answer "unavailable" to the next n calls.
func (s *Server) Refuse(n int) { s.faults.set(func(f *faults) { f.refuse = n }) }

// DropReads has each of the next reads and subscriptions break off after so many records: one read for each number.
func (s *Server) DropReads(after ...int) {
	s.faults.set(func(f *faults) { f.drops = append(f.drops, after...) })
}

// Fill has appends time out, as they do where a disk is full or a majority is missing, until it is called with false.
func (s *Server) Fill(full bool) { s.faults.set(func(f *faults) { f.full = full }) }

// Deny has the user lack the right to write streams whose names begin so, all of them for "". Without a name everything
// is allowed again.
func (s *Server) Deny(streams ...string) { s.faults.set(func(f *faults) { f.denied = streams }) }

// Hold has calls wait at the door, subscriptions under way excepted, until release is called or their context ends.
func (s *Server) Hold() (release func()) {
	gate := make(chan struct{})
	s.faults.set(func(f *faults) { f.gate = gate })
	return sync.OnceFunc(func() {
		s.faults.set(func(f *faults) { f.gate = nil })
		close(gate)
	})
}

// Freeze has the node show nothing that comes after this moment, as a follower that lags or is cut off, until it is
// called with false.
func (s *Server) Freeze(frozen bool) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	shown := 0
	if frozen {
		shown = len(s.log.events) + 1
	}
	s.faults.set(func(f *faults) { f.stale = shown })
	s.log.wake()
}

// Appends counts the appends that came in, refused and repeated ones too.
func (s *Server) Appends() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return s.faults.appends
}

func (f *faults) set(change func(*faults)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *faults) kill() { f.set(func(f *faults) { f.dead = true }) }

func (f *faults) killed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

// admit holds or refuses a call.
func (f *faults) admit(ctx context.Context) error {
	f.mu.Lock()
	gate, refused := f.gate, f.refuse > 0
	if refused {
		f.refuse--
	}
	f.mu.Unlock()
	if refused {
		return status.Error(codes.Unavailable, "Server Is Not Ready")
	}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	return nil
}

// append counts an append and tells whether it fails for want of room.
func (f *faults) append() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.appends++
	if f.full {
		return status.Error(codes.Aborted, "Prepare phase timeout.")
	}
	return nil
}

// denies tells whether the user may not write a stream.
func (f *faults) denies(stream string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.denied, func(begin string) bool { return strings.HasPrefix(stream, begin) })
}

// answer tells whether the answer of an append that was written gets lost.
func (f *faults) answer() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lose == 0 {
		return nil
	}
	f.lose--
	return status.Error(codes.Unavailable, "the connection broke before the answer came")
}

// drop is the number of records after which a read that begins now breaks off, negative for never.
func (f *faults) drop() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.drops) == 0 {
		return -1
	}
	after := f.drops[0]
	f.drops = f.drops[1:]
	return after
}

// shown is how many of the log's events the node shows.
func (f *faults) shown(events int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stale == 0 {
		return events
	}
	return min(events, f.stale-1)
}
