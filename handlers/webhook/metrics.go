package webhook

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count attempts. No label grows with the number of endpoints; only backlogs do, of which each endpoint that has one is a line.
type metrics struct {
	attempts *prometheus.CounterVec
	seconds  prometheus.Histogram
	sending  prometheus.Gauge
	down     prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_webhook_attempts_total", Help: "Attempts to deliver a message, by what came of them.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "rollcall_webhook_attempt_seconds", Help: "Time of one attempt.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
		}),
		sending: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rollcall_webhook_attempts_under_way", Help: "Attempts under way.",
		}),
		down: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rollcall_webhook_endpoints_down", Help: "Endpoints that fail as a whole and are probed.",
		}),
	}
	for _, k := range kinds {
		m.attempts.WithLabelValues(string(k))
	}
	return m
}

func (m *metrics) register(r prometheus.Registerer) error {
	return errors.Join(r.Register(m.attempts), r.Register(m.seconds), r.Register(m.sending), r.Register(m.down))
}

func (m *metrics) attempted(k kind, took time.Duration) {
	m.attempts.WithLabelValues(string(k)).Inc()
	m.seconds.Observe(took.Seconds())
}
