// Package esdb is the event store on EventStoreDB or KurrentDB: for those who outgrow one machine. Servers from 22.6 on
// tell the positions that it needs. ../FORMAT.md says what stands there.
//
// It speaks the protocol by the generated stubs of the official client's module and reads connection strings by that
// client, but does not use its machine, which cannot be made safe from outside: a failed discovery ends its goroutine for
// good and leaves callers waiting that no context can reach, every (re)discovery makes all callers wait, the header
// that asks for the leader never gets on the wire (so that reads may be stale without a sign), Close may panic under
// an append, and an answer it does not know ends the process. Here a small manager of connections finds the leader for
// all who wait, each of them under its own context, and calls say that they need the leader: whoever no longer leads
// sends them on. So a read sees every append that was acknowledged before, whichever process wrote it.
//
// Appends name an exact revision and their own ids, which makes repeating one safe: what has no answer is asked again
// until the caller's context or Config.Patience ends. A version is the server's revision and one more. Streams with $ are the
// server's own and those with rollcall- this package's: readers pass over both, and their positions count.
//
// Several processes may write at the same time. What only one of them may do at a time it does under a Lease.
package esdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/cenkalti/backoff/v4"
	"google.golang.org/grpc/metadata"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A Store is a log in an EventStoreDB. All methods may be called concurrently.
type Store struct {
	config Config
	nodes  *nodes
	id     string          // of the log
	ctx    context.Context // ends when the store is closed
	stop   context.CancelFunc

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

var _ eventstore.Store = (*Store)(nil)

// Open connects to the database and reads the head and the id of its log, so that a wrong address, certificate or password shows
// here. A log that is opened for the first time gets its id, for which the user must be allowed to write. One that is still being moved here is refused. An error that wraps
// eventstore.ErrUnavailable tells that nobody answered within Config.Patience.
func Open(ctx context.Context, c Config) (*Store, error) {
	settings, err := c.prepare()
	if err != nil {
		return nil, fmt.Errorf("open the log in EventStoreDB: %w", err)
	}
	n, err := newNodes(settings, c.Logger)
	if err != nil {
		return nil, fmt.Errorf("open the log in EventStoreDB: %w", err)
	}
	s := &Store{config: c, nodes: n}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if _, err = s.Head(ctx); err == nil {
		s.id, err = s.identify(ctx)
	}
	if err == nil && !c.Moving {
		err = s.checkWhole(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the log in EventStoreDB: %w", err), s.Close())
	}
	return s, nil
}

// Close waits for the exchanges under way, ends everything else with ErrClosed, and disconnects. Twice is harmless.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.calls.Wait()
	s.nodes.close()
	return nil
}

// Reconnects counts the nodes that were replaced since Open, because they were lost or no longer led.
func (s *Store) Reconnects() uint64 { return s.nodes.replacements() }

// begin counts a call that Close waits for.
func (s *Store) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return eventstore.ErrClosed
	}
	s.calls.Add(1)
	return nil
}

// An exchange is one conversation with a node. It answers the trailer of what failed.
type exchange func(ctx context.Context, c streams.StreamsClient) (metadata.MD, error)

// call repeats an exchange until it succeeds or is refused, or until the context, the patience or the store ends.
func (s *Store) call(ctx context.Context, e exchange) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.calls.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(ctx, s.config.Patience)
	defer cancel()
	for pauses := newPauses(); ; {
		err := s.once(patient, s.config.Attempt, e)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, eventstore.ErrUnavailable):
			return err
		}
		if !pause(patient, s.ctx, pauses.NextBackOff()) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
}

// try has an exchange once.
func (s *Store) try(ctx context.Context, limit time.Duration, e exchange) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.calls.Done()
	return s.once(ctx, limit, e)
}

// once has the exchange with the leader, as far as it is known.
func (s *Store) once(ctx context.Context, limit time.Duration, e exchange) error {
	n, err := s.nodes.get(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer s.nodes.release(n)
	attempt, cancel := context.WithTimeout(needLeader(ctx), limit)
	defer cancel()
	trailer, err := e(attempt, n.streams)
	return s.judge(ctx, n, trailer, err)
}

// newPauses are those between two attempts: short, since a new leader is there within seconds, and never given up.
func newPauses() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(20*time.Millisecond), backoff.WithMaxInterval(2*time.Second),
		backoff.WithMultiplier(2), backoff.WithMaxElapsedTime(0))
}

// pause waits, and tells whether neither of the contexts ended.
func pause(one, other context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-one.Done():
	case <-other.Done():
	}
	return false
}

// needLeader says on the wire that only the leader may answer.
func needLeader(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "requires-leader", "true")
}
