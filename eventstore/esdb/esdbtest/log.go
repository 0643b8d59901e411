package esdbtest

import (
	"encoding/json"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// An event is what the log keeps. Its two positions differ only for events of a transaction that was committed later.
type event struct {
	id              eventstore.ID
	stream          string
	revision        uint64
	commit, prepare uint64
	metadata        map[string]string // type, content-type and created, as they travel
	data, meta      []byte
}

// deleted is the revision before which a soft-deleted stream shows nothing: all of it.
const deleted = math.MaxInt64

// stream is where the events of one stream stand in the log, and what its metadata hides.
type stream struct {
	events     []int
	before     uint64 // $tb: revisions below it are not shown
	maxCount   uint64 // $maxCount, zero for none
	tombstoned bool
}

// first is the lowest revision that is shown.
func (s *stream) first() uint64 {
	first := s.before
	if n := uint64(len(s.events)); s.maxCount > 0 && n > s.maxCount {
		first = max(first, n-s.maxCount)
	}
	return first
}

// A Log is the data that the nodes of a cluster share. All methods may be called concurrently.
type Log struct {
	mu      sync.Mutex
	events  []event
	streams map[string]*stream
	offset  uint64 // of the next event: positions are offsets in a file
	every   int    // appends, after which the server adds an event of its own, zero for never
	appends int
	moved   chan struct{} // closed and replaced when the log or what a node shows of it has changed
}

// NewLog makes a log as a server leaves it that has just been started: not empty, with events of its own.
func NewLog() *Log {
	l := &Log{streams: map[string]*stream{}, moved: make(chan struct{})}
	l.AddSystem()
	l.AddSystem()
	return l
}

// AddSystem adds an event to a system stream, as a server does by itself. It stands in a transaction that was committed
// after others, so that its two positions differ.
func (l *Log) AddSystem() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addSystem()
	l.wake()
}

// AddSystemAfter adds an event to a system stream after every n appends.
func (l *Log) AddSystemAfter(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.every = n
}

func (l *Log) addSystem() {
	e := event{metadata: map[string]string{"type": "$statsCollected", "content-type": "application/json"}, data: []byte(`{}`), meta: []byte(`{}`)}
	l.events[l.add("$stats-127.0.0.1", e)].commit += 64
	l.offset += 64
}

// wake tells whoever waits that there is news. The caller holds the mutex.
func (l *Log) wake() {
	close(l.moved)
	l.moved = make(chan struct{})
}

func (l *Log) stream(name string) *stream {
	s := l.streams[name]
	if s == nil {
		s = &stream{}
		l.streams[name] = s
	}
	return s
}

// add puts an event at the end of a stream and of the log, and answers its index there.
func (l *Log) add(name string, e event) int {
	s := l.stream(name)
	e.stream, e.revision = name, uint64(len(s.events))
	e.commit, e.prepare = l.offset, l.offset
	e.metadata["created"] = strconv.FormatInt(time.Now().UnixNano()/100, 10)
	l.offset += uint64(len(e.data)+len(e.meta)+len(name)+len(e.metadata["type"])) + 64
	l.events = append(l.events, e)
	s.events = append(s.events, len(l.events)-1)
	return len(l.events) - 1
}

// Expectations that are no revision, with the server's own numbers.
const (
	noStream   int64 = -1
	anyVersion int64 = -2
	existing   int64 = -4
)

// decision is the outcome of an append.
type decision struct {
	wrong      bool
	tombstoned bool
	last       int64 // the revision of the last event, -1 without one
	position   uint64
}

// append writes events, or finds them where an earlier append put them, by the rules of the server's CheckCommit. One
// thing it leaves out: an append without an exact expectation is never taken for a repetition.
func (l *Log) append(name string, expected int64, events []event) decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stream(name)
	last := int64(len(s.events)) - 1
	if s.tombstoned {
		return decision{tombstoned: true}
	}
	if expected == anyVersion || expected == existing && last >= 0 {
		expected = last
	}
	switch {
	case expected > last || expected < noStream:
		return decision{wrong: true, last: last}
	case expected < last && l.same(s, expected, events):
		at := s.events[expected+int64(len(events))]
		return decision{last: expected + int64(len(events)), position: l.events[at].prepare}
	case expected < last && (expected != noStream || s.before != deleted || l.begins(s, events)):
		return decision{wrong: true, last: last}
	}
	if s.before == deleted {
		s.before = uint64(len(s.events))
	}
	d := decision{last: last, position: l.offset}
	for _, e := range events {
		d.position = l.events[l.add(name, e)].prepare
		d.last++
	}
	l.settle(name)
	if l.appends++; l.every > 0 && l.appends%l.every == 0 {
		l.addSystem()
	}
	l.wake()
	return d
}

// same tells whether the very events stand behind a revision.
func (l *Log) same(s *stream, after int64, events []event) bool {
	if len(events) == 0 || int64(len(s.events))-1-after < int64(len(events)) {
		return false
	}
	for i, e := range events {
		if l.events[s.events[after+1+int64(i)]].id != e.id {
			return false
		}
	}
	return true
}

// begins tells whether the first of the events is the stream's first.
func (l *Log) begins(s *stream, events []event) bool {
	return len(events) > 0 && len(s.events) > 0 && l.events[s.events[0]].id == events[0].id
}

// settle puts what a metadata stream says into force.
func (l *Log) settle(name string) {
	if len(name) < 3 || name[:2] != "$$" {
		return
	}
	meta := l.streams[name]
	var says struct {
		Before   uint64 `json:"$tb"`
		MaxCount uint64 `json:"$maxCount"`
	}
	if json.Unmarshal(l.events[meta.events[len(meta.events)-1]].data, &says) == nil {
		s := l.stream(name[2:])
		s.before, s.maxCount = says.Before, says.MaxCount
	}
}

// Delete hides all of a stream, as somebody does in the server's UI.
func (l *Log) Delete(stream string) { l.delete(stream, anyVersion, false) }

// delete hides all of a stream; its revisions go on. A tombstone ends it for ever.
func (l *Log) delete(name string, expected int64, tombstone bool) decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stream(name)
	last := int64(len(s.events)) - 1
	switch {
	case s.tombstoned:
		return decision{tombstoned: true}
	case expected != anyVersion && expected != existing && expected != last || expected == existing && last < 0:
		return decision{wrong: true, last: last}
	}
	e := event{metadata: map[string]string{"type": "$metadata", "content-type": "application/json"}, data: []byte(`{"$tb":9223372036854775807}`)}
	at := l.add("$$"+name, e)
	l.settle("$$" + name)
	s.tombstoned = tombstone
	l.wake()
	return decision{last: last, position: l.events[at].prepare}
}
