package command

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
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
	mine    atomic.Bool // while it is this server that delivers

	mu         sync.Mutex
	stream     string
	at         eventstore.Version
	unanswered []eventstore.ID // of appends that may be written
	settled    time.Time       // when that was last told
}

// settledEvery is how often it is told where a server that is new may begin.
const settledEvery = 10 * time.Second

// taking bounds how long the outbox may take to show what was written; a server that stops does not wait for ever.
const taking = 10 * time.Second

// NewTenure makes a Tenure that has not begun.
func (s *Service) NewTenure(outbox *projections.Outbox) *Tenure {
	return &Tenure{Outbox: outbox, service: s}
}

// Begin begins a tenure, with a number that no other has had: from then on nobody takes what an earlier one still tells. The outbox must have
// come to the head of the log.
func (t *Tenure) Begin(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	number, err := t.Outbox.Tenure(ctx)
	if err != nil {
		return err
	}
	t.stream, t.at, t.unanswered, t.settled = projections.KindDeliveries.Stream(strconv.FormatUint(number+1, 10)), eventstore.NoStream, nil, time.Time{}
	if err := t.record(ctx, nil); err != nil {
		return err
	}
	t.mine.Store(true)
	return nil
}

// End ends it.
func (t *Tenure) End() { t.mine.Store(false) }

// recordTogether bounds the outcomes in one event, since a log takes only so many bytes at once.
const recordTogether = 64

// Record writes outcomes into the log and returns when the outbox shows them.
func (t *Tenure) Record(ctx context.Context, outcomes ...projections.Outcome) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for part := range slices.Chunk(outcomes, recordTogether) {
		if err := t.record(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tenure) record(ctx context.Context, outcomes []projections.Outcome) error {
	e := domain.DeliveriesAttempted{Attempts: []domain.DeliveryAttempt{}}
	for _, o := range outcomes {
		e.Attempts = append(e.Attempts, projections.AttemptOf(o))
	}
	identity := e // what is settled may be told otherwise when the same outcomes come again
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

// Backlogs are told by the server that delivers alone, so that nobody counts them twice.
func (t *Tenure) Backlogs(ctx context.Context) ([]projections.Backlog, error) {
	if !t.mine.Load() {
		return nil, nil
	}
	return t.Outbox.Backlogs(ctx)
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
	return t.append(ctx, e, e)
}

// append writes one event. Its id follows from the identity, so that a repeated append is recognised.
func (t *Tenure) append(ctx context.Context, identity, e domain.Event) error {
	name, told, err := domain.Encode(identity)
	if err != nil {
		return err
	}
	if err := t.Progress().Failure(); err != nil {
		return err // nobody would take it from the log
	}
	for {
		w, err := write(t.stream, t.at, t.service.meta(Caller{Actor: "system", Source: domain.SourceSystem}, ""), e)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(append(fmt.Append(nil, t.stream, " ", t.at, " ", name, " "), told...))
		id := eventstore.ID(sum[:16])
		w.Entries[0].ID = id
		position, err := t.service.Log.Append(ctx, w)
		var conflict *eventstore.ConflictError
		switch {
		case err == nil:
			t.at, t.unanswered = t.at+1, nil
			bounded, cancel := context.WithTimeout(ctx, taking)
			defer cancel()
			return t.Progress().Wait(bounded, position)
		case !errors.As(err, &conflict):
			t.unanswered = append(t.unanswered, id)
			return fmt.Errorf("keep what was delivered: %w", err)
		}
		if err := t.passOver(ctx, conflict); err != nil {
			return err
		}
	}
}

// passOver goes on behind what this tenure wrote without knowing.
func (t *Tenure) passOver(ctx context.Context, conflict *eventstore.ConflictError) error {
	before := t.at
	for r, err := range t.service.Log.Read(ctx, t.stream, t.at) {
		if err != nil {
			return fmt.Errorf("keep what was delivered: %w", err)
		}
		if !slices.Contains(t.unanswered, r.ID) {
			return fmt.Errorf("keep what was delivered: another server writes %s: %w", t.stream, conflict)
		}
		t.at = r.Version
	}
	if t.at == before {
		return fmt.Errorf("keep what was delivered: %w", conflict)
	}
	return nil
}
