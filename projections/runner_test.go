package projections_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// diary is a projection that writes down the batches that it gets.
type diary struct {
	name     string
	progress *projections.Progress
	onBatch  func(eventstore.Batch) error

	mu    sync.Mutex
	tries []eventstore.Position // also of batches that it did not take
	took  []eventstore.Position // of records
}

func newDiary(name string, from eventstore.Position) *diary {
	return &diary{name: name, progress: projections.NewProgress(from)}
}

func (d *diary) Name() string                    { return d.name }
func (d *diary) Progress() *projections.Progress { return d.progress }

func (d *diary) Apply(_ context.Context, b eventstore.Batch) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries = append(d.tries, b.Position)
	if d.onBatch != nil {
		if err := d.onBatch(b); err != nil {
			return err
		}
	}
	for _, r := range b.Records {
		d.took = append(d.took, r.Position)
	}
	return nil
}

func (d *diary) records() []eventstore.Position {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.took)
}

func at(n int) eventstore.Position { return eventstore.At(uint64(n), uint64(n)) }

func upTo(from, to int) []eventstore.Position {
	var all []eventstore.Position
	for n := from; n <= to; n++ {
		all = append(all, at(n))
	}
	return all
}

// fill appends records, each alone, to a log of as many.
func fill(t testing.TB, log eventstore.Store, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		var id eventstore.ID
		copy(id[:], fmt.Sprintf("%016d", n))
		if _, err := log.Append(t.Context(), eventstore.Write{
			Stream: fmt.Sprint("diary-", n), Entries: []eventstore.Entry{{ID: id, Type: "written", Data: []byte("{}"), Meta: []byte("{}")}},
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRunnerAppliesInOrderAcrossRestarts(t *testing.T) {
	log := eventstore.NewMemory()
	fill(t, log, 1, 700) // more than one batch
	d := newDiary("diary", eventstore.Position{})
	r, end := run(t, log, d)
	if err := r.CaughtUp(t.Context(), at(700)); err != nil {
		t.Fatal(err)
	}
	fill(t, log, 701, 710)
	if err := r.CaughtUp(t.Context(), at(710)); err != nil {
		t.Fatal(err)
	}
	end()
	fill(t, log, 711, 720)
	if got := d.records(); !slices.Equal(got, upTo(1, 710)) {
		t.Fatalf("applied %v", got)
	}
	again := newDiary("diary", d.progress.Position())
	r, _ = run(t, log, again)
	if err := r.CaughtUp(t.Context(), at(720)); err != nil {
		t.Fatal(err)
	}
	if got := again.records(); !slices.Equal(got, upTo(711, 720)) {
		t.Errorf("after a restart applied %v", got)
	}
	if s := r.States(); len(s) != 1 || s[0].Name != "diary" || s[0].Position != at(720) || s[0].Failure != nil {
		t.Errorf("states %+v", s)
	}
}

func TestRunnerStopsOnlyTheProjectionThatFails(t *testing.T) {
	for _, how := range []struct {
		name string
		fail func(eventstore.Batch) error
		want string
	}{
		{"panic", func(eventstore.Batch) error { panic("a bug") }, "projection broken stopped after position 5: panic: a bug"},
		{"error", func(b eventstore.Batch) error { return errors.New("no such event") }, "no such event"},
	} {
		t.Run(how.name, func(t *testing.T) {
			log := eventstore.NewMemory()
			fill(t, log, 1, 5)
			broken, sound := newDiary("broken", eventstore.Position{}), newDiary("sound", eventstore.Position{})
			r, end := run(t, log, broken, sound)
			if err := r.CaughtUp(t.Context(), at(5)); err != nil {
				t.Fatal(err)
			}
			broken.mu.Lock()
			broken.onBatch = how.fail
			broken.mu.Unlock()
			fill(t, log, 6, 6)
			err := broken.progress.Wait(t.Context(), at(6)) // released by the failure
			if err == nil || !strings.Contains(err.Error(), how.want) || strings.Contains(err.Error(), "goroutine") {
				t.Errorf("waited and got %v", err)
			}
			fill(t, log, 7, 9)
			if err := sound.progress.Wait(t.Context(), at(9)); err != nil {
				t.Fatal(err)
			}
			if err := r.CaughtUp(t.Context(), at(9)); err == nil || !strings.Contains(err.Error(), how.want) {
				t.Errorf("caught up with %v", err)
			}
			s := r.States()
			if s[0].Failure == nil || s[0].Position != at(5) || s[1].Failure != nil || s[1].Position != at(9) {
				t.Errorf("states %+v", s)
			}
			end()
			if tried := broken.tries; len(tried) == 0 || tried[len(tried)-1] != at(6) || slices.Contains(tried[:len(tried)-1], at(6)) {
				t.Errorf("batches were tried up to %v: the last one is 6, once", tried)
			}
			if !slices.Equal(broken.took, upTo(1, 5)) || !slices.Equal(sound.took, upTo(1, 9)) {
				t.Errorf("the broken one took %v, the sound one %v", broken.took, sound.took)
			}
			logged := r.lines.list()
			if len(logged) != 1 || !strings.Contains(logged[0], "projection=broken") || !strings.Contains(logged[0], "after_position=5") || !strings.Contains(logged[0], "level=ERROR") {
				t.Errorf("logged %d lines: %q", len(logged), logged)
			}
			if how.name == "panic" && !strings.Contains(logged[0], "runner_test.go") {
				t.Errorf("the line does not show where it panicked: %s", logged[0])
			}
		})
	}
}

func TestRunnerEndsThoughAllProjectionsStopped(t *testing.T) {
	log := eventstore.NewMemory()
	fill(t, log, 1, 1)
	d := newDiary("diary", eventstore.Position{})
	d.onBatch = func(eventstore.Batch) error { return errors.New("broken") }
	_, end := run(t, log, d)
	if err := d.progress.Wait(t.Context(), at(1)); err == nil {
		t.Error("no failure")
	}
	end()
}

// damaged is a log with a record that cannot be read.
type damaged struct {
	eventstore.Store
	good int
}

func (l damaged) Follow(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Batch, error] {
	return func(yield func(eventstore.Batch, error) bool) {
		for b, err := range l.Store.Follow(ctx, after) {
			b.Records, b.Position = b.Records[:l.good], at(l.good)
			if yield(b, err) {
				yield(eventstore.Batch{}, &eventstore.DamagedError{Position: at(l.good + 1), Reason: "its checksum is another"})
			}
			return
		}
	}
}

func TestRunnerStopsAtADamagedRecord(t *testing.T) {
	log := eventstore.NewMemory()
	fill(t, log, 1, 5)
	d := newDiary("diary", eventstore.Position{})
	r, _ := run(t, damaged{log, 3}, d)
	err := d.progress.Wait(t.Context(), at(5))
	var damage *eventstore.DamagedError
	if !errors.As(err, &damage) || damage.Position != at(4) || !strings.Contains(r.States()[0].Failure.Error(), "the record at position 4 is damaged") {
		t.Errorf("got %v", err)
	}
	if got := d.records(); !slices.Equal(got, upTo(1, 3)) {
		t.Errorf("applied %v", got)
	}
	if logged := r.lines.list(); len(logged) != 1 || !strings.Contains(logged[0], "position 4 is damaged") {
		t.Errorf("logged %q", logged)
	}
}

func TestRunnerFinishesTheBatchInHand(t *testing.T) {
	log := eventstore.NewMemory()
	fill(t, log, 1, 2)
	d := newDiary("diary", eventstore.Position{})
	began, goOn := make(chan struct{}), make(chan struct{})
	d.onBatch = func(eventstore.Batch) error { close(began); <-goOn; return nil }
	r := projections.NewRunner(log, quiet(), registry(), d)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	<-began
	cancel()
	fill(t, log, 3, 3)
	select {
	case err := <-ended:
		t.Fatalf("Run returned %v with a batch in hand", err)
	default:
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if d.progress.Position() != at(2) || !slices.Equal(d.records(), upTo(1, 2)) {
		t.Errorf("stopped at %s with %v", d.progress.Position(), d.records())
	}
	if s := r.States(); s[0].Failure != nil {
		t.Errorf("the end is no failure: %v", s[0].Failure)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	d := newDiary("diary", eventstore.Position{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.progress.Wait(ctx, at(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A panic in a transaction takes it back, so that the file can be written to and closed afterwards.
func TestPanicTakesTheTransactionBack(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	ada := w.user(d, domain.Attributes{"userName": "ada"})
	if _, err := w.read.User(t.Context(), d.ID, ada.ID); err != nil { // waits until it is there
		t.Fatal(err)
	}
	before := w.read.Tables(t)
	w.read.PanicWhileWriting(t)
	if after := w.read.Tables(t); after != before {
		t.Errorf("from\n%s\nto\n%s", before, after)
	}
	w.user(d, domain.Attributes{"userName": "bob"})
	if _, err := w.read.Users(t.Context(), d.ID, projections.Query{Start: 1, Count: 2}); err != nil {
		t.Error(err)
	}
}
