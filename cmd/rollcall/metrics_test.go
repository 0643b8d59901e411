package main

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// moody is a log that answers appends as it is told to, and has replaced three nodes.
type moody struct {
	eventLog
	answer error
}

func (m *moody) Append(context.Context, ...eventstore.Write) (eventstore.Position, error) {
	return eventstore.At(7, 7), m.answer
}

func (m *moody) Head(context.Context) (eventstore.Position, error) {
	return eventstore.At(100, 100), m.answer
}

func (m *moody) Reconnects() uint64 { return 3 }

// What is durable is timed, what met a conflict is counted, and what failed otherwise is neither.
func TestAppendsAreMeasured(t *testing.T) {
	registry, m := prometheus.NewRegistry(), &moody{}
	log := measured(m, registry)
	for _, answer := range []error{nil, nil, &eventstore.ConflictError{}, eventstore.ErrUnavailable} {
		m.answer = answer
		if at, err := log.Append(t.Context()); at != eventstore.At(7, 7) || !errors.Is(err, answer) {
			t.Errorf("%v is answered as %s, %v", answer, at, err)
		}
	}
	want := map[string]float64{"rollcall_eventstore_append_seconds": 2, "rollcall_eventstore_conflicts_total": 1, "rollcall_eventstore_reconnects_total": 3}
	if got := gathered(t, registry); !maps.Equal(got, want) {
		t.Errorf("told are %v, want %v", got, want)
	}
}

// gathered are the values of all metrics, by name and labels; of a histogram it is the count.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			out[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return out
}

// How far a projection is behind is told for each, and for none while the log does not answer.
func TestLag(t *testing.T) {
	m := &moody{}
	l := lag{m, func() []projections.State {
		return []projections.State{{Name: "behind", Position: eventstore.At(40, 40)}, {Name: "there", Position: eventstore.At(100, 100)}, {Name: "ahead", Position: eventstore.At(101, 101)}}
	}}
	registry := prometheus.NewRegistry()
	registry.MustRegister(l)
	const name = "rollcall_projection_lag "
	if got, want := gathered(t, registry), map[string]float64{name + "behind": 60, name + "there": 0, name + "ahead": 0}; !maps.Equal(got, want) {
		t.Errorf("told are %v, want %v", got, want)
	}
	m.answer = eventstore.ErrUnavailable
	if got := gathered(t, registry); len(got) != 0 {
		t.Errorf("while the log does not answer %v are told", got)
	}
}
