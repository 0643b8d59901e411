package esdb

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
)

// lease opens a store of its own for a holder, as each process has one.
func lease(t *testing.T, connection, holder string, term time.Duration) *Lease {
	t.Helper()
	return leaseWith(t, patient(connection), holder, term)
}

func leaseWith(t *testing.T, c Config, holder string, term time.Duration) *Lease {
	t.Helper()
	l, err := open(t, c).NewLease(LeaseConfig{Name: "test", Holder: holder, Term: term})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// handClock is a clock that stands still until it is moved.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func byHand(leases ...*Lease) *handClock {
	c := &handClock{now: time.Now()}
	for _, l := range leases {
		l.now = c.Now
	}
	return c
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A holding is one call of hold, which returns what it is told.
type holding struct {
	work, held context.Context
	epoch      uint64
	answer     chan error
}

// A process runs a lease until the test ends.
type process struct {
	stop     context.CancelFunc
	holdings chan *holding
	done     chan error
}

func run(t *testing.T, l *Lease) *process {
	ctx, stop := context.WithCancel(context.Background())
	p := &process{stop, make(chan *holding), make(chan error, 1)}
	over := make(chan struct{})
	var runs sync.WaitGroup
	runs.Go(func() {
		p.done <- l.Run(ctx, func(work, held context.Context, epoch uint64) error {
			h := &holding{work, held, epoch, make(chan error)}
			select {
			case p.holdings <- h:
			case <-work.Done():
				return work.Err()
			}
			select {
			case err := <-h.answer:
				return err
			case <-over:
				return nil
			}
		})
	})
	t.Cleanup(func() {
		stop()
		close(over)
		runs.Wait()
	})
	return p
}

// taken has a lease be taken that is free.
func taken(t *testing.T, l *Lease) *tenure {
	t.Helper()
	mine, err := l.turn(t.Context())
	if err != nil || mine == nil {
		t.Fatalf("the lease was not taken: %v", err)
	}
	t.Cleanup(mine.finish)
	return mine
}

// on answers the last record of a lease's stream.
func on(t *testing.T, l *Lease) leaseRecord {
	t.Helper()
	r, err := l.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLeaseConfig(t *testing.T) {
	s := open(t, patient(esdbtest.Start(t, esdbtest.Config{}).ConnectionString()))
	for what, c := range map[string]LeaseConfig{
		"nothing":           {},
		"no name":           {Holder: "a"},
		"no holder":         {Name: "a"},
		"a name with space": {Name: "a b", Holder: "a"},
		"a long name":       {Name: strings.Repeat("a", 65), Holder: "a"},
		"a long holder":     {Name: "a", Holder: strings.Repeat("a", 201)},
		"a negative term":   {Name: "a", Holder: "a", Term: -time.Second},
		"a short term":      {Name: "a", Holder: "a", Term: time.Millisecond},
		"a long term":       {Name: "a", Holder: "a", Term: 2 * time.Hour},
		"microseconds":      {Name: "a", Holder: "a", Term: time.Second + time.Microsecond},
	} {
		if _, err := s.NewLease(c); err == nil {
			t.Errorf("%s: %+v was taken", what, c)
		}
	}
	if l, err := s.NewLease(LeaseConfig{Name: "webhooks-2", Holder: "a"}); err != nil || l.config.Term != 10*time.Second {
		t.Errorf("the usual term is %v, %v", l, err)
	}
}

// TestLeaseIsGivenBack has a successor whose clock stands still: no term ends for it, so only a record can hand over.
func TestLeaseIsGivenBack(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	var given atomic.Pointer[holding]
	c := patient(server.ConnectionString())
	c.Logger = slog.New(hook(func(message string) {
		if message == "lease given back" && given.Load().held.Err() == nil {
			t.Error("the lease is held while it is given back")
		}
	}))
	a, b := leaseWith(t, c, "a", time.Second), lease(t, server.ConnectionString(), "b", time.Second)
	byHand(a, b)
	first := run(t, a)
	h := <-first.holdings
	given.Store(h)
	second := run(t, b)
	first.stop()
	<-h.work.Done()
	for renewed := on(t, b).version; on(t, b).version < renewed+2; {
		if err := h.held.Err(); err != nil {
			t.Fatalf("the lease was lost while its holder finished: %v", context.Cause(h.held))
		}
	}
	select {
	case <-second.holdings:
		t.Fatal("two hold the lease")
	default:
	}
	h.answer <- h.work.Err()
	if err := <-first.done; !errors.Is(err, context.Canceled) {
		t.Errorf("the first process ends with %v", err)
	}
	next := <-second.holdings
	if next.epoch != 2 {
		t.Errorf("the second tenure has epoch %d", next.epoch)
	}
}

// TestLeaseOfASilentHolder cuts a holder off: it must find the lease lost before anybody else has it.
func TestLeaseOfASilentHolder(t *testing.T) {
	log := esdbtest.NewLog()
	near, far := esdbtest.Start(t, esdbtest.Config{Log: log}), esdbtest.Start(t, esdbtest.Config{Log: log})
	const term = 300 * time.Millisecond
	first := run(t, lease(t, near.ConnectionString(), "a", term))
	h := <-first.holdings
	second := run(t, lease(t, far.ConnectionString(), "b", term))
	release := near.Hold()
	defer release()
	next := <-second.holdings
	if h.held.Err() == nil {
		t.Error("two hold the lease")
	}
	<-h.work.Done()
	if next.epoch <= h.epoch {
		t.Errorf("epoch %d comes after %d", next.epoch, h.epoch)
	}
	h.answer <- h.held.Err()
	release()
	second.stop()
	next.answer <- nil
	if again := <-first.holdings; again.epoch <= next.epoch {
		t.Errorf("epoch %d comes after %d", again.epoch, next.epoch)
	}
}

// TestLeaseWhileNobodyAnswers ends a tenure by the silence of the whole database, and goes on when that is over.
func TestLeaseWhileNobodyAnswers(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	failed := make(chan string)
	c := patient(server.ConnectionString())
	c.Logger = slog.New(hook(func(message string) {
		if message == "the lease could not be taken" {
			select {
			case failed <- message:
			case <-t.Context().Done():
			}
		}
	}))
	l := leaseWith(t, c, "a", 300*time.Millisecond)
	p := run(t, l)
	h := <-p.holdings
	for on(t, l).version < 2 {
		// Not renewed yet: the timer of its first term is not what ends it.
	}
	server.Fill(true)
	written := on(t, l)
	<-h.held.Done()
	h.answer <- nil
	for tries := 0; tries < 3; {
		select {
		case <-failed:
			tries++
		case h := <-p.holdings:
			if h.epoch > written.Epoch {
				t.Fatalf("epoch %d began in a database that could not write", h.epoch)
			}
			h.answer <- nil
		case err := <-p.done:
			t.Fatalf("Run ends with %v", err)
		}
	}
	server.Fill(false)
	for {
		select {
		case <-failed:
		case again := <-p.holdings:
			if again.epoch <= h.epoch {
				t.Errorf("epoch %d comes after %d", again.epoch, h.epoch)
			}
			// A tenure that was never renewed ends too.
			server.Fill(true)
			<-again.held.Done()
			return
		}
	}
}

func TestErrorsOfTheHolder(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	l := lease(t, server.ConnectionString(), "a", time.Second)
	failed := errors.New("failed")
	p := run(t, l)
	h := <-p.holdings
	h.answer <- failed
	if err := <-p.done; !errors.Is(err, failed) {
		t.Errorf("Run ends with %v", err)
	}
	if r := on(t, l); r.kind != leaseReleased || r.Epoch != h.epoch {
		t.Errorf("the last record is %+v", r)
	}
	// A context of its own that ended is an error of its own.
	p = run(t, l)
	h = <-p.holdings
	h.answer <- context.Canceled
	if err := <-p.done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ends with %v", err)
	}
	// Without an error it is another one's turn for a while, and then again this one's.
	begun := time.Now()
	p = run(t, l)
	for epoch := uint64(3); epoch < 6; epoch++ {
		if h := <-p.holdings; h.epoch != epoch {
			t.Errorf("the epoch is %d, want %d", h.epoch, epoch)
		} else {
			h.answer <- nil
		}
	}
	if d := time.Since(begun); d < 2*l.every {
		t.Errorf("three turns took %s", d)
	}
}

func TestStoreThatIsClosedUnderALease(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	l := lease(t, server.ConnectionString(), "a", time.Second)
	p := run(t, l)
	h := <-p.holdings
	if err := l.store.Close(); err != nil {
		t.Fatal(err)
	}
	<-h.work.Done()
	h.answer <- h.work.Err()
	if err := <-p.done; !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("Run ends with %v", err)
	}
}

func TestLeaseWithoutTheRightToWrite(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	l := lease(t, server.ConnectionString(), "a", time.Second)
	server.Deny(l.stream)
	if err := l.Run(t.Context(), nil); err == nil || errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("Run ends with %v", err)
	}
}

// TestShortStream looks at the metadata of the lease's stream, which is written once.
func TestShortStream(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	l := lease(t, server.ConnectionString(), "a", time.Hour)
	mine := taken(t, l)
	for range 20 {
		mine.renew()
	}
	mine.release()
	mine.finish()
	taken(t, l)
	events, _, err := l.store.streamPage(t.Context(), "$$"+l.stream, 0)
	if err != nil || len(events) != 1 || string(events[0].GetData()) != kept || events[0].GetMetadata()["type"] != "$metadata" {
		t.Errorf("the metadata is %v, %v", events, err)
	}
	if events, _, err = l.store.streamPage(t.Context(), l.stream, 0); err != nil || len(events) != 16 {
		t.Errorf("the stream shows %d records, %v", len(events), err)
	}
}

func TestStreamThatMayNotBeShort(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	told := make(warnings, 100)
	c := patient(server.ConnectionString())
	c.Logger = slog.New(told)
	l := leaseWith(t, c, "a", time.Hour)
	server.Deny("$$")
	for range 3 {
		mine := taken(t, l)
		mine.release()
		mine.finish()
	}
	n := 0
	for len(told) > 0 {
		if strings.Contains(<-told, "metadata") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d warnings, want 1", n)
	}
}

func TestLeaseState(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	a, b := lease(t, server.ConnectionString(), "a", time.Hour), lease(t, server.ConnectionString(), "b", time.Hour)
	clock := byHand(a, b)
	state := func(what string, l *Lease, want LeaseState) {
		t.Helper()
		if l == b {
			if l.see(on(t, l)); l.State() != want {
				t.Errorf("%s: b says %+v, want %+v", what, l.State(), want)
			}
		} else if l.State() != want {
			t.Errorf("%s: a says %+v, want %+v", what, l.State(), want)
		}
	}
	state("before", a, LeaseState{})
	state("before", b, LeaseState{})
	mine := taken(t, a)
	state("taken", a, LeaseState{"a", 1, true})
	state("taken", b, LeaseState{"a", 1, false})
	mine.release()
	mine.finish()
	state("given back", a, LeaseState{"", 1, false})
	state("given back", b, LeaseState{"", 1, false})
	taken(t, a)
	state("taken again", b, LeaseState{"a", 2, false})
	clock.move(time.Hour)
	state("lost", a, LeaseState{"a", 2, false})
	clock.move(6 * time.Minute)
	state("free", a, LeaseState{"", 2, false})
	state("free", b, LeaseState{"", 2, false})
}
