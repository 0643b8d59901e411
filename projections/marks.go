package projections

import (
	"context"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// marked is how many records of the log stand between two marks.
const marked = 1024

// mark is a place in the log, and a time by which all up to there was recorded, so that who looks for a time reads on from the mark before it. The clocks of
// those who write a log may differ: its times need not grow.
type mark struct {
	nth, records int // which it is, and how many records it is behind the one before
	position     eventstore.Position
	recorded     int64 // no record up to there is later, in milliseconds
}

// next is the mark behind one more record.
func (k mark) next(at eventstore.Position, recorded time.Time) mark {
	if k.full() {
		k.nth, k.records = k.nth+1, 0
	}
	k.records++
	k.position, k.recorded = at, max(k.recorded, millis(recorded))
	return k
}

// full tells whether the next record belongs to another mark.
func (k mark) full() bool { return k.records == marked }

func (k mark) save(b *batch) error {
	return b.exec(`INSERT INTO marks (nth, records, position, recorded) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (nth) DO UPDATE SET records = excluded.records, position = excluded.position, recorded = excluded.recorded`, k.nth, k.records, k.position.String(), k.recorded)
}

func scanMark(r row) (k mark, err error) {
	var at string
	if err := r.Scan(&k.nth, &k.records, &at, &k.recorded); err != nil {
		return k, err
	}
	k.position, err = eventstore.ParsePosition(at)
	return k, err
}

// lastMark is the one behind which the model goes on.
func (d *database) lastMark(ctx context.Context) (k mark, err error) {
	found, err := rowsOf(ctx, d.read, scanMark, `SELECT nth, records, position, recorded FROM marks ORDER BY nth DESC LIMIT 1`)
	if len(found) > 0 {
		k = found[0]
	}
	return k, err
}

const markBefore = `SELECT nth, records, position, recorded FROM marks WHERE recorded <= ? ORDER BY recorded DESC, nth DESC LIMIT 1`

// Before is a place in the log up to which all was recorded by a time, not far from the last such place; the start of the log if the model has not come to
// any. It does not wait for the model.
func (m *ReadModel) Before(ctx context.Context, when time.Time) (eventstore.Position, error) {
	found, err := rowsOf(ctx, m.db.read, scanMark, markBefore, millis(when))
	if err != nil || len(found) == 0 {
		return eventstore.Position{}, err
	}
	return found[0].position, nil
}
