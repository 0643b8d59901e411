package webhook_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/webhook"
)

// BenchmarkDeliver delivers one message of each of b.N users to so many endpoints; an operation is a delivery.
func BenchmarkDeliver(b *testing.B) {
	for _, endpoints := range []int{1, 64} {
		b.Run(fmt.Sprintf("endpoints=%d", endpoints), func(b *testing.B) {
			w := newWorld(b)
			var accepted atomic.Int64
			handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if accepted.Add(1) >= int64(b.N) {
					w.news.tell()
				}
			})
			for e := range endpoints {
				server := httptest.NewServer(handler)
				b.Cleanup(server.Close)
				w.endpoint(fmt.Sprintf("e%d", e), server.URL)
			}
			messages := (b.N + endpoints - 1) / endpoints
			w.users("u", messages, 1)
			b.ResetTimer()
			run := w.deliver(func(c *webhook.Config) { c.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil)) })
			w.until("all are accepted", func() bool { return accepted.Load() >= int64(b.N) })
			run.end()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkHalfDead delivers messages to 5,000 endpoints that live, once alone and once beside as many that are dead: an operation is one message to all
// of them. The dead ones are known for it and probed once a minute, as they are after their first minutes.
func BenchmarkHalfDead(b *testing.B) {
	const living = 5_000
	for _, dead := range []int{0, living} {
		b.Run(fmt.Sprintf("dead=%d", dead), func(b *testing.B) {
			w := newWorld(b)
			var accepted atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if accepted.Add(1)%living == 0 {
					w.news.tell()
				}
			}))
			b.Cleanup(server.Close)
			gone := httptest.NewServer(nil)
			gone.Close() // its port refuses connections from now on
			for e := range living {
				w.endpoint(fmt.Sprintf("living%d", e), server.URL)
			}
			for e := range dead {
				w.endpoint(fmt.Sprintf("dead%d", e), gone.URL)
			}
			metrics := prometheus.NewRegistry()
			run := w.deliver(func(c *webhook.Config) {
				c.Logger, c.Metrics = slog.New(slog.DiscardHandler), metrics
				c.Schedule = webhook.Schedule{ProbeMin: time.Minute}
			})
			deliver := func(n int) {
				w.users(fmt.Sprint("u", n), 1, 1)
				w.until("all are accepted", func() bool { return accepted.Load() == int64(n)*living })
			}
			deliver(1)
			w.until("all that are dead are known", func() bool { return down(b, metrics) == dead })
			b.ResetTimer()
			for n := range b.N {
				deliver(n + 2)
			}
			b.StopTimer()
			run.end()
			b.ReportMetric(float64(b.N*living)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// down is how many endpoints fail as a whole, as the metrics tell.
func down(b *testing.B, metrics *prometheus.Registry) int {
	families, err := metrics.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "rollcall_webhook_endpoints_down" {
			return int(f.Metric[0].Gauge.GetValue())
		}
	}
	return 0
}

// BenchmarkBacklog reports what memory a deliverer holds while so many messages wait for endpoints that take none: it must not follow their number.
func BenchmarkBacklog(b *testing.B) {
	const endpoints = 10
	for _, messages := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(messages), func(b *testing.B) {
			w := newWorld(b)
			down := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) }))
			b.Cleanup(down.Close)
			for e := range endpoints {
				w.endpoint(fmt.Sprintf("e%d", e), down.URL)
			}
			for made := 0; made < messages/endpoints; made += 1_000 {
				w.users(fmt.Sprintf("u%d-", made), min(1_000, messages/endpoints), 1)
			}
			if c := w.counts(); c.Open != messages {
				b.Fatalf("%d wait", c.Open)
			}
			w.log = eventstore.NewMemory() // the log of the messages is on disk otherwise
			w.reopen()
			run := w.deliver(func(c *webhook.Config) { c.Logger = slog.New(slog.DiscardHandler) })
			w.until("it has tried often", func() bool { return len(w.outbox.attempts()) > 100 })
			for b.Loop() {
				runtime.GC()
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			run.end()
			b.ReportMetric(float64(m.HeapInuse)/1e6, "heap-MB")
		})
	}
}

// BenchmarkIdle delivers changes to one endpoint, in turn beside 10 and beside 10,000 endpoints that want none of them, and reports the ratio of the
// medians. An operation is a change in both, from the log to the recorded outcome.
func BenchmarkIdle(b *testing.B) {
	type side struct {
		*world
		took []time.Duration
	}
	beside := func(idle int) *side {
		w := newWorld(b)
		w.endpoint("e", w.sink(status(http.StatusOK)).server.URL)
		w.idle(idle)
		w.deliver(func(c *webhook.Config) { c.Logger = slog.New(slog.DiscardHandler) })
		w.until("all have looked for what is theirs", func() bool { return w.outbox.pages() > idle })
		return &side{world: w}
	}
	few, many := beside(10), beside(10_000)
	change := func(s *side) {
		began := time.Now()
		s.users("u", 1, 1)
		s.untilDelivered(len(s.took) + 1)
		s.took = append(s.took, time.Since(began))
	}
	for b.Loop() {
		change(few)
		change(many)
	}
	median := func(s *side) time.Duration {
		slices.Sort(s.took)
		return s.took[len(s.took)/2]
	}
	b.ReportMetric(float64(median(few).Microseconds()), "few-µs")
	b.ReportMetric(float64(median(many).Microseconds()), "many-µs")
	b.ReportMetric(float64(median(many))/float64(median(few)), "many/few")
}
