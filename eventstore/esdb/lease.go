package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// The terms that a lease may have, and the longest name of a holder in bytes.
const (
	minTerm   = 10 * time.Millisecond
	maxTerm   = time.Hour
	maxHolder = 200
)

// leaseName is what a lease may be called.
var leaseName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// LeaseConfig says which lease, and for whom. Name and Holder are required.
type LeaseConfig struct {
	// Name of the lease, the same for all who take turns: at most 64 of a-z, 0-9 and -.
	Name string
	// Holder is this process: unique, and shown to people. At most 200 bytes.
	Holder string
	// Term is how long the lease is held after its last renewal: 10 ms to an hour, in whole milliseconds; 10 s by default.
	// It is renewed, and looked at by the others, five times in a term.
	Term time.Duration
}

// prepare sets the default and tells all that is wrong.
func (c *LeaseConfig) prepare() error {
	var errs []error
	if !leaseName.MatchString(c.Name) {
		errs = append(errs, fmt.Errorf("the name %q is not one to 64 of a-z, 0-9 and -", c.Name))
	}
	if c.Holder == "" || len(c.Holder) > maxHolder {
		errs = append(errs, fmt.Errorf("the holder has %d bytes, and needs 1 to %d", len(c.Holder), maxHolder))
	}
	if c.Term == 0 {
		c.Term = 10 * time.Second
	}
	if c.Term < minTerm || c.Term > maxTerm || c.Term%time.Millisecond != 0 {
		errs = append(errs, fmt.Errorf("the term is %s, and must be %s to %s in whole milliseconds", c.Term, minTerm, maxTerm))
	}
	return errors.Join(errs...)
}

// A Lease has one process of several act at a time. It is a stream on which the holder appends a record at each renewal, always
// at the exact version that it left: whoever took the lease in the meantime makes the holder's next record a conflict. No clock
// is compared between machines. The holder counts its term from the moment before it sent the record, the others from the
// moment at which they first saw it, and they wait a tenth longer.
//
// What it cannot prevent is that something the holder began arrives late. What must not be done by two belongs under the
// held context, checked just before, and should carry the epoch wherever the other side can compare it. A clock that stands still while
// the machine is suspended makes the holder believe longer than it should.
type Lease struct {
	store  *Store
	config LeaseConfig
	stream string
	every  time.Duration // between two renewals, and between two looks of the others
	log    *slog.Logger
	now    func() time.Time

	mu    sync.Mutex
	known sight   // outside of tenures
	mine  *tenure // nil outside of tenures
}

// LeaseState is who holds a lease.
type LeaseState struct {
	Holder string // empty if nobody does
	Epoch  uint64 // of the present tenure or the last one, zero if none is known
	Mine   bool   // this process is the holder
}

// NewLease prepares a lease. Nothing is asked of the server before Run.
func (s *Store) NewLease(c LeaseConfig) (*Lease, error) {
	if err := c.prepare(); err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	return &Lease{
		store:  s,
		config: c,
		stream: own + "lease-" + c.Name,
		every:  c.Term / 5,
		log:    s.config.Logger.With(slog.String("lease", c.Name)),
		now:    time.Now,
	}, nil
}

// State tells who holds the lease as far as this process knows.
func (l *Lease) State() LeaseState {
	l.mu.Lock()
	known, mine := l.known, l.mine
	l.mu.Unlock()
	if mine != nil {
		known = mine.sight()
	}
	s := LeaseState{Epoch: known.Epoch, Mine: mine != nil && mine.held.Err() == nil}
	if !known.free(l.now()) {
		s.Holder = known.Holder
	}
	return s
}

// Run waits for the lease and calls hold while it has it, again and again, until ctx ends or hold answers an error other
// than those of its contexts. One Run at a time is possible.
//
// work ends when hold shall finish what it has under way and return: with ctx, or when the lease was lost. held ends when the
// lease was lost: from then on nothing may be done that is the holder's alone. It outlives ctx, since the lease goes on
// being renewed until hold has returned, and is then given back, so that a successor need not wait. held.Err looks at the clock
// itself: a process that was stopped for longer than the term finds the lease lost before any timer has told so. Contexts made from held
// end by the timer. epoch counts the tenures of the lease, from 1; none has the epoch of another.
//
// While nobody answers Run waits. It ends with an error where the server refuses the user or the lease's stream holds what no lease has
// written, and with eventstore.ErrClosed.
func (l *Lease) Run(ctx context.Context, hold func(work, held context.Context, epoch uint64) error) error {
	for {
		t, err := l.acquire(ctx)
		if err != nil {
			return err
		}
		if err := t.run(ctx, hold); err != nil {
			return err
		}
		// It is the turn of others first.
		pause(ctx, l.store.ctx, l.every)
	}
}

// acquire waits for the lease.
func (l *Lease) acquire(ctx context.Context) (*tenure, error) {
	for {
		t, err := l.turn(ctx)
		switch {
		case t != nil:
			return t, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, err
		}
		pause(ctx, l.store.ctx, l.every)
	}
}

// turn looks whether the lease is free, and takes it if it is.
func (l *Lease) turn(ctx context.Context) (*tenure, error) {
	last, err := l.look(ctx)
	if err != nil || !l.see(last).free(l.now()) {
		return nil, err
	}
	return l.take(ctx, last)
}

// see notes the last record of the stream.
func (l *Lease) see(last leaseRecord) sight {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last == l.known.leaseRecord {
		return l.known
	}
	if last.Epoch > l.known.Epoch && last.kind != leaseReleased {
		l.log.Info("another process has the lease", slog.String("holder", last.Holder), slog.Uint64("epoch", last.Epoch))
	}
	l.known = sight{last, l.now()}
	return l.known
}

// take begins a tenure behind the last record of the stream. The answer is nil where another process was faster, and where nobody
// answered within the term: the record may then be there, and counts as that of anybody.
func (l *Lease) take(ctx context.Context, last leaseRecord) (*tenure, error) {
	taking, cancel := context.WithTimeout(ctx, l.config.Term)
	defer cancel()
	var err error
	if last.version == eventstore.NoStream {
		err = l.bound(taking)
	}
	taken := sight{l.record(leaseTaken, last.version+1, last.next()), l.now()}
	if err == nil {
		err = l.put(taking, taken.leaseRecord)
	}
	if err == nil && !l.now().Before(taken.until()) {
		err = unavailable(errExpired)
	}
	var conflict *eventstore.ConflictError
	switch {
	case err == nil:
		return l.begin(ctx, taken), nil
	case errors.As(err, &conflict):
		l.log.Info("another process took the lease first", slog.Any("error", err))
		return nil, nil
	case errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, errDeleted):
		l.log.Warn("the lease could not be taken", slog.Any("error", err))
		return nil, nil
	}
	return nil, fmt.Errorf("take the lease %s: %w", l.config.Name, err)
}

// record makes a record of this process.
func (l *Lease) record(kind string, version eventstore.Version, epoch uint64) leaseRecord {
	return leaseRecord{
		id: eventstore.RandomID(), kind: kind, version: version,
		Holder: l.config.Holder, Epoch: epoch, TermMS: l.config.Term.Milliseconds(),
	}
}
