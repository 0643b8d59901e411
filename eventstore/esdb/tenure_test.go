package esdb

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
)

// TestHeldLooksAtTheClock stops a process for its whole term: no timer has run when it goes on.
func TestHeldLooksAtTheClock(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	l := lease(t, server.ConnectionString(), "a", time.Hour)
	clock := byHand(l)
	h := <-run(t, l).holdings
	clock.move(time.Hour - 1)
	if err := h.held.Err(); err != nil {
		t.Fatalf("the lease is lost within its term: %v", context.Cause(h.held))
	}
	clock.move(1)
	if err := h.held.Err(); !errors.Is(err, context.Canceled) || !errors.Is(context.Cause(h.held), errExpired) {
		t.Errorf("after the term the lease is lost by %v: %v", err, context.Cause(h.held))
	}
	<-h.held.Done()
	<-h.work.Done()
}

// TestTermCountsFromBeforeTheRecord loses the answers of records, and has time go by until they are sent again.
func TestTermCountsFromBeforeTheRecord(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	var clock *handClock
	wait := time.Duration(0)
	c := patient(server.ConnectionString())
	c.Logger = slog.New(hook(func(message string) {
		if message == "EventStoreDB node lost" {
			clock.move(wait)
		}
	}))
	l := leaseWith(t, c, "a", time.Hour)
	clock = byHand(l)
	mine := taken(t, l)
	for _, step := range []struct {
		wait, left time.Duration
	}{{10 * time.Minute, 50 * time.Minute}, {0, time.Hour}, {time.Minute, 59 * time.Minute}} {
		wait = step.wait
		before := mine.sight().version
		server.LoseAnswers(1)
		mine.renew()
		if left := mine.left(); left != step.left || mine.sight().version != before+1 {
			t.Errorf("after %s without an answer %s of the term are left, want %s", step.wait, left, step.left)
		}
	}
	wait = 10 * time.Minute
	server.LoseAnswers(1)
	mine.release()
	if r := on(t, l); r.kind != leaseReleased || r.version != 5 {
		t.Errorf("the last record is %+v", r)
	}
	mine.finish()

	server.LoseAnswers(1)
	mine = taken(t, l)
	if left := mine.left(); left != 50*time.Minute {
		t.Errorf("of a lease whose record had its answer after 10 minutes %s are left", left)
	}
	mine.finish()
	clock.move(2 * time.Hour)
	wait = time.Hour
	server.LoseAnswers(1)
	if late, err := l.turn(t.Context()); late != nil || err != nil {
		t.Errorf("a lease whose record had its answer after the term was taken: %v", err)
	}
	if r := on(t, l); r.kind != leaseTaken || r.Epoch != 3 {
		t.Errorf("the last record is %+v", r)
	}
}

// TestRenewalThatIsTooLate has the answer come after the term that it should have prolonged: it must not bring back a lease
// that may have been seen lost.
func TestRenewalThatIsTooLate(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	var clock *handClock
	c := patient(server.ConnectionString())
	c.Logger = slog.New(hook(func(message string) {
		if message == "EventStoreDB node lost" {
			clock.move(50 * time.Minute)
		}
	}))
	l := leaseWith(t, c, "a", time.Hour)
	clock = byHand(l)
	mine := taken(t, l)
	clock.move(12 * time.Minute)
	server.LoseAnswers(1)
	mine.renew()
	if r := on(t, l); r.kind != leaseRenewed {
		t.Fatalf("the last record is %+v", r)
	}
	// After the term nothing is sent.
	before := server.Appends()
	mine.renew()
	if n := server.Appends() - before; n != 0 {
		t.Errorf("%d records were sent after the term", n)
	}
	if mine.held.Err() == nil {
		t.Error("a lease was renewed after its term")
	}
}

// TestRenewalWithoutAnAnswer ends with the term though nobody answers.
func TestRenewalWithoutAnAnswer(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	var clock *handClock
	var mine *tenure
	c := patient(server.ConnectionString())
	c.Logger = slog.New(hook(func(message string) {
		if message == "EventStoreDB node lost" {
			clock.move(10 * time.Minute)
			mine.check()
		}
	}))
	l := leaseWith(t, c, "a", time.Hour)
	clock = byHand(l)
	mine = taken(t, l)
	server.Refuse(1 << 20)
	mine.renew()
	if cause := context.Cause(mine.held); !errors.Is(cause, errExpired) {
		t.Errorf("the cause is %v", cause)
	}
	server.Refuse(0)
}

// TestRenewalOnASilentNode has the leader fall silent and another node lead: that must be found out well within the term,
// however long an exchange may take otherwise.
func TestRenewalOnASilentNode(t *testing.T) {
	servers := cluster(t, 3)
	c := patient(seeds(servers))
	c.Attempt = time.Hour
	l := leaseWith(t, c, "a", time.Second)
	byHand(l)
	mine := taken(t, l)
	defer servers[0].Hold()()
	servers[1].Lead()
	mine.renew()
	if err := mine.held.Err(); err != nil || mine.sight().version != 2 {
		t.Errorf("the lease was not renewed: %v", context.Cause(mine.held))
	}
}

// TestReleaseToASilentNode does not keep Run from ending, though the clock stands still.
func TestReleaseToASilentNode(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	l := lease(t, server.ConnectionString(), "a", time.Second)
	byHand(l)
	p := run(t, l)
	h := <-p.holdings
	defer server.Hold()()
	p.stop()
	h.answer <- nil
	if err := <-p.done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ends with %v", err)
	}
}

// TestOthersWait has them count anew from each renewal that they see.
func TestOthersWait(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	a, b := lease(t, server.ConnectionString(), "a", time.Hour), lease(t, server.ConnectionString(), "b", time.Hour)
	clock := byHand(b)
	mine := taken(t, a)
	for range 3 {
		for _, d := range []time.Duration{0, time.Hour, 6*time.Minute - 1} {
			clock.move(d)
			if early, err := b.turn(t.Context()); early != nil || err != nil {
				t.Fatalf("the lease was taken too early: %v", err)
			}
		}
		clock.move(1)
		mine.renew()
	}
}

// TestLostLeaseIsTakenAgain by the process that lost it, as soon as another one could.
func TestLostLeaseIsTakenAgain(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	l := lease(t, server.ConnectionString(), "a", time.Hour)
	clock := byHand(l)
	mine := taken(t, l)
	clock.move(time.Hour)
	mine.check()
	mine.finish()
	if early, err := l.turn(t.Context()); early != nil || err != nil {
		t.Fatalf("the lease was taken too early: %v", err)
	}
	clock.move(6 * time.Minute)
	if next := taken(t, l); next.epoch != 2 {
		t.Errorf("the epoch is %d", next.epoch)
	}
}

// TestRenewalOfALostLease has somebody else append to the stream: at the next renewal the lease is lost, whatever the clock says.
func TestRenewalOfALostLease(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	a, b := lease(t, server.ConnectionString(), "a", time.Hour), lease(t, server.ConnectionString(), "b", time.Hour)
	clock := byHand(b)
	mine := taken(t, a)
	b.see(on(t, b))
	clock.move(66 * time.Minute)
	if next := taken(t, b); next.epoch != 2 || next.held.Err() != nil {
		t.Errorf("the next tenure has epoch %d", next.epoch)
	}
	mine.renew()
	var conflict *eventstore.ConflictError
	if mine.held.Err() == nil || !errors.As(context.Cause(mine.held), &conflict) {
		t.Errorf("the cause is %v", context.Cause(mine.held))
	}
	if r := on(t, b); r.Holder != "b" || r.kind != leaseTaken {
		t.Errorf("the last record is %+v", r)
	}
	mine.release()
	if r := on(t, b); r.Holder != "b" || r.kind != leaseTaken {
		t.Errorf("after its former holder gave it back the last record is %+v", r)
	}
}

// TestRestartedHolder finds its own record, by the same name and within its term: it is that of anybody.
func TestRestartedHolder(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	before, after := lease(t, server.ConnectionString(), "a", time.Hour), lease(t, server.ConnectionString(), "a", time.Hour)
	clock := byHand(after)
	taken(t, before)
	for _, d := range []time.Duration{0, time.Hour, 6*time.Minute - 1} {
		clock.move(d)
		if old, err := after.turn(t.Context()); old != nil || err != nil {
			t.Fatalf("a process that was started anew believes its old record: %v", err)
		}
	}
	clock.move(1)
	if mine := taken(t, after); mine.epoch != 2 {
		t.Errorf("the epoch is %d", mine.epoch)
	}
}

// TestDeletedLease has somebody delete the stream: the one who holds the lease goes on or loses it, and no epoch comes twice.
func TestDeletedLease(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	a, b := lease(t, server.ConnectionString(), "a", time.Hour), lease(t, server.ConnectionString(), "b", time.Hour)
	clock := byHand(a, b)
	epochs := map[uint64]bool{}
	for range 3 {
		mine := taken(t, a)
		mine.renew()
		server.Log().Delete(a.stream)
		if other, err := b.turn(t.Context()); other != nil || err != nil {
			t.Fatalf("a lease whose stream was deleted under its holder was taken: %v", err)
		}
		if mine.renew(); mine.held.Err() == nil {
			t.Error("a lease was renewed on a stream that had begun anew")
		}
		if epochs[mine.epoch] {
			t.Errorf("epoch %d comes twice", mine.epoch)
		}
		epochs[mine.epoch] = true
		mine.finish()
		if early, err := a.turn(t.Context()); early != nil || err != nil {
			t.Fatalf("the lease was taken before its term was over: %v", err)
		}
		clock.move(2 * time.Hour)
	}
}
