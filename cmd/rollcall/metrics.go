package main

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// measuredLog is a log whose appends are measured.
type measuredLog struct {
	eventLog
	seconds   prometheus.Histogram
	conflicts prometheus.Counter
}

// measured measures a log: how long appends take, how many met a conflict, and how often a lost EventStoreDB node was replaced.
func measured(log eventLog, metrics prometheus.Registerer) eventLog {
	m := &measuredLog{log,
		prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "rollcall_eventstore_append_seconds", Help: "Time until an append is durable.", Buckets: prometheus.ExponentialBuckets(0.00005, 2, 18),
		}),
		prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rollcall_eventstore_conflicts_total", Help: "Appends that found their stream at another version, and were decided anew.",
		}),
	}
	metrics.MustRegister(m.seconds, m.conflicts)
	if replacing, is := log.(interface{ Reconnects() uint64 }); is {
		metrics.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "rollcall_eventstore_reconnects_total", Help: "EventStoreDB nodes that were lost, or no longer led, and were replaced.",
		}, func() float64 { return float64(replacing.Reconnects()) }))
	}
	return m
}

// Append implements eventstore.Store.
func (m *measuredLog) Append(ctx context.Context, batch ...eventstore.Write) (eventstore.Position, error) {
	began := time.Now()
	at, err := m.eventLog.Append(ctx, batch...)
	var conflict *eventstore.ConflictError
	switch {
	case err == nil:
		m.seconds.Observe(time.Since(began).Seconds())
	case errors.As(err, &conflict):
		m.conflicts.Inc()
	}
	return at, err
}

// lag is how far projections are behind the head of the log, asked at each scrape.
type lag struct {
	log         projections.Headed
	projections func() []projections.State
}

var lagDescription = prometheus.NewDesc("rollcall_projection_lag",
	"How far a projection is behind the head of the log: in records, or with EventStoreDB in bytes of its log.", []string{"projection"}, nil)

// lagPatience bounds how long a scrape waits for the log.
const lagPatience = 2 * time.Second

// Describe implements prometheus.Collector.
func (l lag) Describe(out chan<- *prometheus.Desc) { out <- lagDescription }

// Collect implements prometheus.Collector. Nothing is told while the log does not answer.
func (l lag) Collect(out chan<- prometheus.Metric) {
	states := l.projections() // before the head is asked for, so that nobody is ahead of it
	ctx, cancel := context.WithTimeout(context.Background(), lagPatience)
	defer cancel()
	head, err := l.log.Head(ctx)
	if err != nil {
		return
	}
	goal, _ := head.Numbers()
	for _, p := range states {
		at, _ := p.Position.Numbers()
		out <- prometheus.MustNewConstMetric(lagDescription, prometheus.GaugeValue, float64(goal-min(at, goal)), p.Name)
	}
}
