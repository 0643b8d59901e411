package local

import (
	"bytes"
	"sync"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Limits on what is remembered.
const (
	recentRows  = 512
	recentBytes = 1 << 20
	recentTips  = 8192 // and as many again that were written before these
)

// recent is what was committed last: followers at the end of the log have it from here, and who asks whether a stream has moved is told so without a look
// into the file. The writer adds to it, others only ask.
type recent struct {
	mu        sync.RWMutex
	records   []eventstore.Record // without a gap, up to the head
	size      int                 // bytes of their data and meta
	tips, old map[string]eventstore.Version
}

// add tells of records that were committed.
func (r *recent) add(records []eventstore.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, next := range records {
		if n := len(r.records); n > 0 && number(r.records[n-1].Position)+1 != number(next.Position) {
			r.records, r.size = nil, 0
		}
		next.Data, next.Meta = bytes.Clone(next.Data), bytes.Clone(next.Meta) // the appender may use his again
		r.records, r.size = append(r.records, next), r.size+bulk(next)
		if len(r.tips) >= recentTips {
			r.tips, r.old = nil, r.tips
		}
		if r.tips == nil {
			r.tips = map[string]eventstore.Version{}
		}
		r.tips[next.Stream] = next.Version
	}
	gone := 0
	for ; len(r.records)-gone > recentRows || r.size > recentBytes; gone++ {
		r.size -= bulk(r.records[gone])
	}
	r.records = r.records[gone:]
}

func bulk(r eventstore.Record) int { return len(r.Data) + len(r.Meta) }

// forget is called when it is not known what was committed.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records, r.size, r.tips, r.old = nil, 0, nil, nil
}

// after answers the records behind a position, none if they are not remembered.
func (r *recent) after(position uint64) []eventstore.Record {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.records) == 0 {
		return nil
	}
	first, last := number(r.records[0].Position), number(r.records[len(r.records)-1].Position)
	if position+1 < first || position >= last {
		return nil
	}
	return append([]eventstore.Record(nil), r.records[position+1-first:]...)
}

// tip is the version that a stream stands at, if it is remembered.
func (r *recent) tip(stream string) (version eventstore.Version, known bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if version, known = r.tips[stream]; !known {
		version, known = r.old[stream]
	}
	return version, known
}
