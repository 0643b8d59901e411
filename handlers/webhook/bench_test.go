package webhook_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

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
