package load

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// What a latency may be, in microseconds: the histograms keep three digits of it.
const (
	shortest = 1
	longest  = int64(10 * time.Minute / time.Microsecond)
	digits   = 3
)

// measures are what was measured so far, by operation.
type measures struct {
	mu         sync.Mutex
	operations []*operation // in the order in which they were first sent
}

// operation is one kind of request in one phase.
type operation struct {
	name    string
	seconds float64 // of its phase
	times   *hdrhistogram.Histogram
	errors  map[string]int // by status
	first   error          // of them
}

func newMeasures() *measures { return &measures{} }

// of is the operation of that name. The caller holds the lock.
func (m *measures) of(name string) *operation {
	i := slices.IndexFunc(m.operations, func(o *operation) bool { return o.name == name })
	if i >= 0 {
		return m.operations[i]
	}
	o := &operation{name: name, times: hdrhistogram.New(shortest, longest, digits), errors: map[string]int{}}
	m.operations = append(m.operations, o)
	return o
}

// add notes one request.
func (m *measures) add(name string, took time.Duration, failed error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.of(name)
	_ = o.times.RecordValue(min(max(took.Microseconds(), shortest), longest)) // it fails for a value out of range only
	if failed != nil {
		o.errors[kind(failed)]++
		o.first = cmp.Or(o.first, failed)
	}
}

// phase tells the operations that were first sent in it how long it took; what was not sent in time is counted by the phase's own name.
func (m *measures) phase(name string, took time.Duration, unsent int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.operations {
		if o.seconds == 0 {
			o.seconds = took.Seconds()
		}
	}
	if unsent > 0 {
		m.of(name).errors["not sent in time"] += unsent
	}
}

// Operation is one row of a Report.
type Operation struct {
	Name      string         `json:"name"`
	Requests  int64          `json:"requests"`          // that were answered, or failed
	Errors    map[string]int `json:"errors"`            // by status
	Failure   string         `json:"failure,omitempty"` // the first of them in words
	Seconds   float64        `json:"seconds"`           // that its phase took
	PerSecond float64        `json:"per_second"`
	Latency   Latency        `json:"latency_ms"`
}

// Latency is in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func latency(h *hdrhistogram.Histogram) Latency {
	ms := func(micros int64) float64 { return float64(micros) / 1000 }
	return Latency{ms(h.ValueAtPercentile(50)), ms(h.ValueAtPercentile(95)), ms(h.ValueAtPercentile(99)), ms(h.Max())}
}

func (m *measures) rows() []Operation {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := []Operation{}
	for _, o := range m.operations {
		row := Operation{Name: o.name, Requests: o.times.TotalCount(), Errors: maps.Clone(o.errors), Seconds: o.seconds, Latency: latency(o.times)}
		if o.seconds > 0 {
			row.PerSecond = float64(row.Requests) / o.seconds
		}
		if o.first != nil {
			row.Failure = o.first.Error()
		}
		rows = append(rows, row)
	}
	return rows
}
