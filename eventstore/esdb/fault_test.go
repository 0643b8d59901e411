package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
)

// patient is a configuration for servers that stumble: quick to notice, slow to give up.
func patient(connection string) Config {
	return Config{ConnectionString: connection, Attempt: 2 * time.Second, Patience: time.Minute, Silence: 50 * time.Millisecond}
}

// hasty gives up soon.
func hasty(connection string) Config {
	return Config{ConnectionString: connection, Attempt: 100 * time.Millisecond, Patience: 300 * time.Millisecond}
}

func TestLostAnswers(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	s := open(t, patient(server.ConnectionString()))
	before := server.Appends()
	var ids []eventstore.ID
	for i := range 30 {
		server.LoseAnswers(i % 3)
		e := entries(2)
		p := appended(t, s, write("a", eventstore.Version(2*i), e...))
		if again := appended(t, s, write("a", eventstore.Version(2*i), e...)); again != p {
			t.Errorf("the same append again answers %s, the first %s", again, p)
		}
		ids = append(ids, e[0].ID, e[1].ID)
	}
	if n := server.Appends() - before; n != 90 {
		t.Errorf("the server had %d appends, want 90: 30, as many again, and 30 for lost answers", n)
	}
	intact(t, "all", all(t, s), "a", ids)
}

func TestReadsThatBreakOff(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	s := open(t, patient(server.ConnectionString()))
	ids := fill(t, s, "a", 600)
	server.DropReads(0, 3, 0, 0, 100, 1, 255, 256)
	intact(t, "all", all(t, s), "a", ids)
	server.DropReads(0, 3, 0, 0, 100, 1, 255, 256)
	var got []eventstore.Record
	for r, err := range s.Read(t.Context(), "a", 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	intact(t, "read", got, "a", ids)
}

func TestSubscriptionsThatBreakOff(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	server.Log().AddSystemAfter(3)
	s := open(t, patient(server.ConnectionString()))
	drops := []int{0, 1, 0, 0, 7, 100, 256, 257, 5}
	server.DropReads(drops...)
	f := follow(t, s)
	ids := fill(t, s, "a", 700)
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	intact(t, "follow", f.until(head), "a", ids)
}

func TestFollowReachesTheHead(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	s := open(t, patient(server.ConnectionString()))
	p := appended(t, s, write("a", 0, entry()))
	server.Log().AddSystem()
	head, err := s.Head(t.Context())
	if err != nil || !p.Before(head) {
		t.Fatalf("the head is %s (%v), and the server's own record stands after %s", head, err, p)
	}
	if got := follow(t, s).until(head); len(got) != 1 {
		t.Errorf("the follower got %d records", len(got))
	}
}

func TestUnavailable(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	s := open(t, patient(server.ConnectionString()))
	server.Refuse(3)
	appended(t, s, write("a", 0, entry()))

	gone := open(t, hasty(server.ConnectionString()))
	server.Kill()
	w := write("a", 1, entry())
	if _, err := gone.Append(t.Context(), w); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("an append to a dead server answers %v", err)
	}
	if _, err := gone.Head(t.Context()); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("the head of a dead server is %v", err)
	}
	if _, err := Open(t.Context(), hasty(server.ConnectionString())); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("opening a dead server answers %v", err)
	}
}

// TestSilence has nobody answer until the patience ends, in the middle of an attempt.
func TestSilence(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	c := hasty(server.ConnectionString())
	c.Patience = 150 * time.Millisecond
	s := open(t, c)
	defer server.Hold()()
	if _, err := s.Append(t.Context(), write("a", 0, entry())); !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an append without an answer ends with %v", err)
	}
	if _, err := s.Head(t.Context()); !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a read without an answer ends with %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	s := open(t, hasty(server.ConnectionString()))
	server.Fill(true)
	batch := []eventstore.Write{write("name", 0, entry()), write("user", 0, entries(2)...)}
	if _, err := s.Append(t.Context(), batch...); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("an append to a full disk answers %v", err)
	}
	if got := all(t, s); len(got) != 0 {
		t.Errorf("the log holds %d records", len(got))
	}
	server.Fill(false)
	appended(t, s, batch...)
	if got := all(t, s); len(got) != 3 {
		t.Errorf("the log holds %d records, want 3", len(got))
	}
}

// TestContexts has many callers wait for a server that does not answer: each of them leaves with its context.
func TestContexts(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	s := open(t, patient(server.ConnectionString()))
	p := appended(t, s, write("a", 0, entry()))
	release := server.Hold()
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	calls := []func(context.Context, int) error{
		func(ctx context.Context, i int) error {
			_, err := s.Append(ctx, write(fmt.Sprint("s-", i), 0, entry()))
			return err
		},
		func(ctx context.Context, _ int) error {
			_, err := s.Head(ctx)
			return err
		},
		func(ctx context.Context, _ int) (last error) {
			for _, err := range s.All(ctx, p) {
				last = err
			}
			return last
		},
		func(ctx context.Context, _ int) (last error) {
			for _, err := range s.Follow(ctx, p) {
				last = err
			}
			return last
		},
	}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if err := calls[i%len(calls)](ctx, i); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("caller %d left with %v", i, err)
			}
		})
	}
	wg.Wait()
	release()
	appended(t, s, write("a", 1, entry()))
}

// warnings tells of log messages, of one at a time.
type warnings chan string

func (w warnings) Enabled(context.Context, slog.Level) bool { return true }

func (w warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

func (w warnings) WithGroup(string) slog.Handler { return w }

func (w warnings) Handle(_ context.Context, r slog.Record) error {
	select {
	case w <- r.Message:
	default:
	}
	return nil
}

// hook is a log handler.
type hook func(message string)

func (h hook) Enabled(context.Context, slog.Level) bool { return true }

func (h hook) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h hook) WithGroup(string) slog.Handler { return h }

func (h hook) Handle(_ context.Context, r slog.Record) error {
	h(r.Message)
	return nil
}

// TestSlowAnswer loses the first attempt to a server that answers too late.
func TestSlowAnswer(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	lost := make(warnings, 1)
	c := patient(server.ConnectionString())
	c.Attempt, c.Logger = 50*time.Millisecond, slog.New(lost)
	s := open(t, c)
	release := server.Hold()
	defer release()
	e := entry()
	done := make(chan error, 1)
	go func() {
		_, err := s.Append(context.Background(), write("a", 0, e))
		done <- err
	}()
	<-lost
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	intact(t, "all", all(t, s), "a", []eventstore.ID{e.ID})
}

func TestLimits(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{MaxAppend: 1000})
	big := entry()
	big.Data = fmt.Appendf(nil, `{"text":"%0*d"}`, 2000, 0)
	for what, limit := range map[string]int{"a limit of ours": 1000, "a limit of the server alone": 0} {
		s := open(t, Config{ConnectionString: server.ConnectionString(), MaxAppend: limit})
		if _, err := s.Append(t.Context(), write("big", 0, big)); err == nil || errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("%s: got %v, want a refusal", what, err)
		}
	}
	s := open(t, Config{ConnectionString: server.ConnectionString(), MaxAppend: 1000})
	before := server.Appends()
	if _, err := s.Append(t.Context(), write("small", 0, entry()), write("big", 0, big)); err == nil {
		t.Error("a batch with a big write was taken")
	}
	if _, err := s.Append(t.Context(), write("small", 0, entry()), write("$stats", 0, entry())); err == nil {
		t.Error("a batch with a stream of the server was taken")
	}
	if n := server.Appends(); n != before {
		t.Errorf("%d appends of refused batches reached the server", n-before)
	}
}

func TestStreamThatSomebodyDeleted(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	s := open(t, patient(server.ConnectionString()))
	fill(t, s, "a", 3)
	server.Log().Delete("a")
	if _, err := s.Append(t.Context(), write("a", 0, entry())); err == nil || errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("an append to a deleted stream answers %v", err)
	}
	var damaged *eventstore.DamagedError
	for _, err := range s.Read(t.Context(), "a", 0) {
		if !errors.As(err, &damaged) {
			t.Errorf("a truncated stream reads as %v", err)
		}
	}
	if damaged == nil {
		t.Error("a truncated stream reads as a whole one")
	}
}

func TestVersionsThatNoStreamHas(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	s := open(t, patient(server.ConnectionString()))
	fill(t, s, "a", 3)
	for _, expected := range []eventstore.Version{math.MaxInt64 - 1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		var conflict *eventstore.ConflictError
		if _, err := s.Append(t.Context(), write("a", expected, entry())); !errors.As(err, &conflict) || conflict.Actual != 3 {
			t.Errorf("an append at version %d answers %v", expected, err)
		}
	}
}
