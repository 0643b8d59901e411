package local

import (
	"github.com/rollcall-sync/rollcall/eventstore"
)

// A plan is what one commit will write. Every batch is decided before anything is inserted, so that a conflict of one
// appender never reaches the others, and a batch sees those that were planned before it.
type plan struct {
	log     stored
	last    uint64 // the position of the last record, stored or planned
	records []eventstore.Record
	tails   map[string]*tail
}

// stored is what a plan asks of the log.
type stored interface {
	version(stream string) (eventstore.Version, error)
	ids(stream string, after eventstore.Version, count int) ([]eventstore.ID, uint64, error)
}

// A tail is a stream as the commit will leave it: the versions in the file, and the records planned behind them.
type tail struct {
	stored  eventstore.Version
	planned []int // indexes into the plan's records
}

func (t *tail) version() eventstore.Version { return t.stored + eventstore.Version(len(t.planned)) }

func newPlan(log stored, last uint64) *plan {
	return &plan{log: log, last: last, tails: map[string]*tail{}}
}

// add decides a batch. It answers the highest position of the batch's records, and the appender's own error where the
// batch does not fit. The second error is the log's, and ends the whole plan.
func (p *plan) add(batch []eventstore.Write) (position uint64, refused, failed error) {
	before := len(p.records)
	for _, w := range batch {
		last, refused, err := p.write(w)
		if err != nil {
			return 0, nil, err
		}
		if refused != nil {
			p.drop(before)
			return 0, refused, nil
		}
		position = max(position, last)
	}
	return position, nil, nil
}

func (p *plan) write(w eventstore.Write) (position uint64, refused, failed error) {
	t, err := p.tail(w.Stream)
	if err != nil {
		return 0, nil, err
	}
	if w.Expected == t.version() {
		for _, e := range w.Entries {
			p.last++
			t.planned = append(t.planned, len(p.records))
			p.records = append(p.records, eventstore.Record{
				Entry: e, Stream: w.Stream, Version: t.version(), Position: eventstore.At(p.last, p.last),
			})
		}
		return p.last, nil, nil
	}
	position, err = p.written(t, w)
	if err != nil {
		return 0, nil, err
	}
	if position == 0 {
		return 0, &eventstore.ConflictError{Stream: w.Stream, Expected: w.Expected, Actual: t.version()}, nil
	}
	return position, nil, nil
}

// written answers the position of a write's last record if its very records already follow the expected version, in
// the file or in the plan; otherwise 0.
func (p *plan) written(t *tail, w eventstore.Write) (uint64, error) {
	count := eventstore.Version(len(w.Entries))
	if w.Expected > t.version() || count > t.version()-w.Expected {
		return 0, nil
	}
	var ids []eventstore.ID
	var position uint64
	if w.Expected < t.stored {
		var err error
		ids, position, err = p.log.ids(w.Stream, w.Expected, int(min(count, t.stored-w.Expected)))
		if err != nil {
			return 0, err
		}
	}
	for v := max(w.Expected, t.stored); v < w.Expected+count; v++ {
		r := &p.records[t.planned[v-t.stored]]
		ids = append(ids, r.ID)
		position = number(r.Position)
	}
	for i, e := range w.Entries {
		if i >= len(ids) || ids[i] != e.ID {
			return 0, nil
		}
	}
	return position, nil
}

func (p *plan) tail(stream string) (*tail, error) {
	if t := p.tails[stream]; t != nil {
		return t, nil
	}
	version, err := p.log.version(stream)
	if err != nil {
		return nil, err
	}
	t := &tail{stored: version}
	p.tails[stream] = t
	return t, nil
}

// drop takes back what a batch planned before it was refused.
func (p *plan) drop(keep int) {
	for _, r := range p.records[keep:] {
		t := p.tails[r.Stream]
		t.planned = t.planned[:len(t.planned)-1]
	}
	p.last -= uint64(len(p.records) - keep)
	p.records = p.records[:keep]
}
