package webhook

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// backlogs tells at each scrape what endpoints have yet to be sent. It asks the outbox, where it stands, so that nothing has to be counted along, and
// endpoints that have nothing left are no lines.
type backlogs struct {
	outbox Outbox
	now    func() time.Time
	logger *slog.Logger
}

var (
	backlogMessages = prometheus.NewDesc("rollcall_webhook_backlog_messages", "Messages that an endpoint has yet to be sent.", []string{"endpoint"}, nil)
	backlogAge      = prometheus.NewDesc("rollcall_webhook_backlog_age_seconds", "Age of the oldest message that an endpoint has yet to be sent.", []string{"endpoint"}, nil)
)

// backlogTime bounds a scrape.
const backlogTime = 5 * time.Second

// Describe implements prometheus.Collector.
func (b backlogs) Describe(d chan<- *prometheus.Desc) {
	d <- backlogMessages
	d <- backlogAge
}

// Collect implements prometheus.Collector.
func (b backlogs) Collect(m chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), backlogTime)
	defer cancel()
	all, err := b.outbox.Backlogs(ctx)
	if err != nil {
		b.logger.LogAttrs(ctx, slog.LevelWarn, "the backlogs of webhooks cannot be told", slog.String("error", err.Error()))
		return
	}
	for _, backlog := range all {
		m <- prometheus.MustNewConstMetric(backlogMessages, prometheus.GaugeValue, float64(backlog.Open), backlog.Endpoint)
		m <- prometheus.MustNewConstMetric(backlogAge, prometheus.GaugeValue, max(0, b.now().Sub(backlog.Oldest).Seconds()), backlog.Endpoint)
	}
}
