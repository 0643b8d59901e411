package command

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// Tenure is the outbox of the server that delivers for all who share a log. What it does with deliveries goes into the log, from where every
// outbox takes it, its own first of all: whoever delivers next goes on there. Its methods may be called concurrently.
type Tenure struct {
	*projections.Outbox
	service *Service

	mu      sync.Mutex
	stream  string
	at      eventstore.Version
	settled time.Time // when that was last told
}

// settledEvery is how often it is told where a server that is new may begin.
const settledEvery = 10 * time.Second

// taking bounds how long the outbox may take to show what was written; a server that stops does not wait for ever.
const taking = 10 * time.Second

// NewTenure makes a Tenure that has not begun.
func (s *Service) NewTenure(outbox *projections.Outbox) *Tenure {
	return &Tenure{Outbox: outbox, service: s}
}

// Begin begins the tenure of this number, which nobody else ever has.
func (t *Tenure) Begin(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stream, t.at = projections.KindDeliveries.Stream(strconv.FormatUint(number, 10)), eventstore.NoStream
}

// Record writes outcomes into the log and returns when the outbox shows them. The same outcomes again, after an error, are written once.
func (t *Tenure) Record(ctx context.Context, outcomes ...projections.Outcome) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var e domain.DeliveriesAttempted
	for _, o := range outcomes {
		e.Attempts = append(e.Attempts, projections.AttemptOf(o))
	}
	identity, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode the outcomes: %w", err)
	}
	if now := t.service.Now(); now.Sub(t.settled) >= settledEvery {
		at, known, err := t.Settled(ctx)
		if err != nil {
			return err
		}
		if known {
			e.Settled, t.settled = at.String(), now
		}
	}
	return t.append(ctx, identity, e)
}

// Replayed writes into the log that the deliveries of a replay are to be made up to a position, and returns when the outbox has made them.
func (t *Tenure) Replayed(ctx context.Context, replay string, reached eventstore.Position) error {
	return t.tell(ctx, domain.DeliveriesReplayed{Replay: replay, Reached: reached.String()})
}

// Recovered writes a step of a recovery into the log, and returns when the outbox has taken it.
func (t *Tenure) Recovered(ctx context.Context, step domain.DeliveriesRecovered) error {
	return t.tell(ctx, step)
}

// Relayed writes into the log that a broker has all messages up to a position.
func (t *Tenure) Relayed(ctx context.Context, relay string, reached eventstore.Position) error {
	return t.tell(ctx, domain.DeliveriesRelayed{Relay: relay, Reached: reached.String()})
}

func (t *Tenure) tell(ctx context.Context, e domain.Event) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	identity, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode %s: %w", e.EventName(), err)
	}
	return t.append(ctx, identity, e)
}

// append writes one event. Its id follows from what it tells, so that a repeated append is recognised.
func (t *Tenure) append(ctx context.Context, identity []byte, e domain.Event) error {
	if err := t.Progress().Failure(); err != nil {
		return err // nobody would take it from the log
	}
	w, err := write(t.stream, t.at, t.service.meta(Caller{Actor: "system", Source: domain.SourceSystem}, ""), e)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(append(fmt.Append(nil, t.stream, " ", t.at, " "), identity...))
	w.Entries[0].ID = eventstore.ID(sum[:16])
	position, err := t.service.Log.Append(ctx, w)
	var conflict *eventstore.ConflictError
	if errors.As(err, &conflict) {
		t.at = conflict.Actual // an earlier one stands there whose answer was lost
	}
	if err != nil {
		return fmt.Errorf("keep what was delivered: %w", err)
	}
	t.at++
	bounded, cancel := context.WithTimeout(ctx, taking)
	defer cancel()
	return t.Progress().Wait(bounded, position)
}
