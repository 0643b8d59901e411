package projections

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// counting is a log that counts the records that are read of it in its order.
type counting struct {
	*eventstore.Memory
	read int
}

func (c *counting) All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range c.Memory.All(ctx, after) {
			c.read++
			if !yield(r, err) {
				return
			}
		}
	}
}

// A time is found where reading the whole log finds it, though clocks differ and whether the model was built at once, or in steps, of which one failed at first,
// and over a restart; and few records are read for it.
func TestTimesAreFoundByMarks(t *testing.T) {
	s := newSending(t)
	log := &counting{Memory: s.log}
	chance := rand.New(rand.NewPCG(1, 2))
	const records = 5*marked + 100
	var times []time.Time
	for n := range records {
		at := someTime.Add(time.Duration(n)*time.Second - time.Duration(chance.IntN(20_000))*time.Millisecond)
		if n == 2*marked-10 {
			at = at.Add(1500 * time.Second) // a clock that is ahead: the next marks have the same time
		}
		times = append(times, at)
		s.appendAt(at, fmt.Sprint("name-", n), domain.NameReleased{})
	}
	all := s.batch().Records
	fill := func(together int) *ReadModel {
		folder := t.TempDir()
		var m *ReadModel
		open := func() {
			var err error
			m, err = OpenReadModel(folder, "a log", eventstore.At(1<<40, 1<<40))
			s.must(err)
		}
		open()
		for n, b := range slices.Collect(slices.Chunk(all, together)) {
			together := eventstore.Batch{Records: b, Position: b[len(b)-1].Position}
			if n == 2 {
				s.must(m.db.update(t.Context(), func(b *batch) error {
					return b.exec(`CREATE TRIGGER full BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'no room'); END`)
				}))
				if err := m.Apply(t.Context(), together); err == nil {
					t.Fatal("it was applied")
				}
				s.must(m.db.update(t.Context(), func(b *batch) error { return b.exec(`DROP TRIGGER full`) }))
			}
			s.must(m.Apply(t.Context(), together))
			if n == 5 {
				s.must(m.Close())
				open()
			}
		}
		t.Cleanup(func() { _ = m.Close() })
		return m
	}
	inSteps, atOnce := fill(97), fill(records)
	if inSteps.mark != atOnce.mark || count(t, inSteps.db, "marks") != count(t, atOnce.db, "marks") {
		t.Errorf("in steps the last mark is %+v, at once %+v", inSteps.mark, atOnce.mark)
	}
	most := 0
	find := func(when time.Time) {
		t.Helper()
		var want eventstore.Position
		for n, at := range times {
			if at.After(when) {
				break
			}
			want = all[n].Position
		}
		for _, m := range []*ReadModel{inSteps, atOnce} {
			log.read = 0
			if got, err := Locate(t.Context(), log, m, when.Format(time.RFC3339Nano)); err != nil || got != want {
				t.Errorf("%s is at %s, not %s; %v", when, got, want, err)
			}
			most = max(most, log.read)
		}
	}
	find(someTime.Add(-time.Hour))
	find(someTime.Add(1e5 * time.Second))
	for n := marked; n < records; n += marked {
		for near := n - 22; near < n+3; near++ {
			find(times[near])
			find(times[near].Add(-time.Millisecond))
		}
	}
	plan := plans(t, func() {
		_, err := atOnce.Before(t.Context(), someTime)
		s.must(err)
	}, atOnce.db.read)
	if !strings.Contains(plan, "SEARCH marks USING INDEX marks_by_time (recorded<?)") || strings.Contains(plan, "TEMP") {
		t.Errorf("a mark is found by\n%s", plan)
	}
	if most > marked+50 {
		t.Errorf("%d records were read for one time", most)
	}
}
