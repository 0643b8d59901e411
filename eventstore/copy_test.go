package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

func quietly(eventstore.Place) {}

// written is a log of n records in a few streams, in runs of different lengths and sizes.
func written(t *testing.T, n int) *eventstore.Memory {
	t.Helper()
	random := rand.New(rand.NewPCG(1, uint64(n)))
	log, versions := eventstore.NewMemory(), map[string]eventstore.Version{}
	for n > 0 {
		w := eventstore.Write{Stream: fmt.Sprint("stream-", random.IntN(5))}
		w.Expected = versions[w.Stream]
		for range min(n, 1+random.IntN(4)) {
			w.Entries = append(w.Entries, eventstore.Entry{
				ID: eventstore.RandomID(), Type: "test.written", Data: []byte(strings.Repeat("d", random.IntN(3000))), Meta: fmt.Append(nil, n),
			})
			n--
		}
		if _, err := log.Append(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		versions[w.Stream] += eventstore.Version(len(w.Entries))
	}
	return log
}

// same wants a copy to be whole.
func same(t *testing.T, log, copied eventstore.Source, records uint64) {
	t.Helper()
	at, err := eventstore.Compare(t.Context(), log, copied, quietly)
	if err != nil || at.Records != records {
		t.Errorf("they share %d records of %d, %v", at.Records, records, err)
	}
	for r, err := range copied.All(t.Context(), at.Copy) {
		t.Errorf("the copy has %v more, %v", r, err)
	}
}

// broken is a store as EventStoreDB is one: batches are written in order and not at once. After some writes it is gone.
type broken struct {
	*eventstore.Memory
	left int
	most int // the largest batch, in bytes of one write
}

func (b *broken) Append(ctx context.Context, batch ...eventstore.Write) (at eventstore.Position, err error) {
	for _, w := range batch {
		if b.left--; b.left < 0 {
			return at, eventstore.ErrUnavailable
		}
		size := 0
		for _, e := range w.Entries {
			size += e.Size()
		}
		b.most = max(b.most, size)
		if at, err = b.Memory.Append(ctx, w); err != nil {
			return at, err
		}
	}
	return at, nil
}

func TestCopyGoesOnWhereItWasInterrupted(t *testing.T) {
	const records, limit = 3000, 20_000
	log := written(t, records)
	to := &broken{Memory: eventstore.NewMemory()}
	rounds := 0
	for ; ; rounds++ {
		at, err := eventstore.Compare(t.Context(), log, to, quietly)
		if err != nil {
			t.Fatal(err)
		}
		to.left = 333
		told := at
		at, err = eventstore.Copy(t.Context(), log, to, at, limit, func(p eventstore.Place) {
			if p.Records <= told.Records || !told.Copy.Before(p.Copy) || !told.Log.Before(p.Log) {
				t.Errorf("%+v comes after %+v", p, told)
			}
			told = p
		})
		if at != told {
			t.Errorf("it ends at %+v, and told of %+v", at, told)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, eventstore.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if rounds < 3 {
		t.Errorf("it was interrupted %d times", rounds)
	}
	if to.most > limit || to.most < 2000 {
		t.Errorf("the largest write had %d bytes", to.most)
	}
	same(t, log, to, records)
	// Once more, there is nothing to do.
	to.left = 0
	at, err := eventstore.Compare(t.Context(), log, to, quietly)
	if err == nil {
		_, err = eventstore.Copy(t.Context(), log, to, at, limit, quietly)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestCopyRefusesWhatIsTooLarge(t *testing.T) {
	log := written(t, 50)
	n, largest, err := eventstore.Measure(t.Context(), log, func(uint64) {})
	if err != nil || n != 50 {
		t.Fatal(n, err)
	}
	to := eventstore.NewMemory()
	if _, err := eventstore.Copy(t.Context(), log, to, eventstore.Place{}, largest.Size()-1, quietly); err == nil || !strings.Contains(err.Error(), largest.Position.String()+" has") {
		t.Errorf("copied with %v", err)
	}
	if _, err := eventstore.Copy(t.Context(), log, eventstore.NewMemory(), eventstore.Place{}, largest.Size(), quietly); err != nil {
		t.Error(err)
	}
}

// altered is a log in which one record is another.
type altered struct {
	eventstore.Source
	at     uint64
	change func(*eventstore.Record)
}

func (a altered) All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		n := uint64(0)
		for r, err := range a.Source.All(ctx, after) {
			if n++; n == a.at {
				a.change(&r)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func TestCompareSeesEveryDifference(t *testing.T) {
	log := written(t, 40)
	for what, change := range map[string]func(*eventstore.Record){
		"id":      func(r *eventstore.Record) { r.ID[3] ^= 1 },
		"stream":  func(r *eventstore.Record) { r.Stream += "x" },
		"version": func(r *eventstore.Record) { r.Version++ },
		"type":    func(r *eventstore.Record) { r.Type += "x" },
		"data":    func(r *eventstore.Record) { r.Data = append(slices.Clone(r.Data), ' ') },
		"meta":    func(r *eventstore.Record) { r.Meta = append(slices.Clone(r.Meta), ' ') },
	} {
		var different *eventstore.DifferentError
		at, err := eventstore.Compare(t.Context(), log, altered{log, 17, change}, quietly)
		if !errors.As(err, &different) || at.Records != 16 || different.Copy != eventstore.At(17, 17) {
			t.Errorf("%s: they share %d records, %v", what, at.Records, err)
		}
	}
	if at, err := eventstore.Compare(t.Context(), log, written(t, 0), quietly); err != nil || at != (eventstore.Place{}) {
		t.Errorf("an empty copy has %+v, %v", at, err)
	}
	if at, err := eventstore.Compare(t.Context(), written(t, 0), log, quietly); err != nil || at != (eventstore.Place{}) {
		t.Errorf("an empty log has %+v, %v", at, err)
	}
}

// A log that breaks off is never taken for one that ends there.
func TestCopyOfAClosedLog(t *testing.T) {
	log, closed := written(t, 10), written(t, 10)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"compare to":   func() error { _, err := eventstore.Compare(t.Context(), log, closed, quietly); return err }(),
		"compare from": func() error { _, err := eventstore.Compare(t.Context(), closed, log, quietly); return err }(),
		"copy from": func() error {
			_, err := eventstore.Copy(t.Context(), closed, eventstore.NewMemory(), eventstore.Place{}, 1<<20, quietly)
			return err
		}(),
		"copy to": func() error {
			_, err := eventstore.Copy(t.Context(), log, closed, eventstore.Place{}, 1<<20, quietly)
			return err
		}(),
		"measure": func() error { _, _, err := eventstore.Measure(t.Context(), closed, func(uint64) {}); return err }(),
	} {
		if !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
