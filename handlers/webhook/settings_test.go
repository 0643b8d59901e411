package webhook_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/webhook"
)

// An endpoint's own rate is kept, whatever waits; another endpoint knows nothing of it.
func TestAnEndpointsRateIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow, fast := w.sink(status(http.StatusOK)), w.sink(status(http.StatusOK))
	const rate, messages = 100, 30
	w.endpointWith("slow", domain.EndpointSettings{URL: slow.server.URL, RateLimit: rate})
	w.endpointWith("fast", domain.EndpointSettings{URL: fast.server.URL})
	began := time.Now()
	w.users("u", messages, 1)
	run := w.deliver()
	w.untilDelivered(2 * messages)
	run.end()
	var at []time.Time
	for _, c := range slow.seen() {
		at = append(at, c.at)
	}
	slices.SortFunc(at, time.Time.Compare)
	if took := at[len(at)-1].Sub(began); took < (messages-1)*time.Second/rate {
		t.Errorf("%d messages took %s at %d a second", messages, took, rate)
	}
}

// An endpoint's own bounds on requests at a time and on the time of one go before the server's.
func TestAnEndpointsBoundsGoFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	s := w.sink(func(rw http.ResponseWriter, _ call) { <-release; rw.WriteHeader(http.StatusOK) })
	t.Cleanup(sync.OnceFunc(func() { close(release) }))
	w.endpointWith("e", domain.EndpointSettings{URL: s.server.URL, Concurrency: 2, Timeout: 1})
	w.users("u", 10, 1)
	run := w.deliver(func(c *webhook.Config) { c.Schedule.ProbeMin, c.Schedule.ProbeMax = time.Hour, time.Hour })
	w.until("an attempt has taken its time", func() bool { return strings.Contains(w.lines.text(), `"outcome":"timeout"`) })
	if _, most := s.underWay(); most != 2 {
		t.Errorf("%d requests at a time, want 2", most)
	}
	run.end()
}

// What an endpoint has yet to be sent is told by number and age, while it has any.
func TestBacklogsAreMeasured(t *testing.T) {
	w := newWorld(t)
	w.endpoint("e", "https://e.example")
	metrics := prometheus.NewRegistry()
	c := w.config()
	c.Metrics, c.Now = metrics, func() time.Time { return time.Date(2026, 11, 23, 10, 1, 30, 0, time.UTC) }
	if _, err := webhook.New(c); err != nil {
		t.Fatal(err)
	}
	measured := func() map[string]float64 {
		t.Helper()
		families, err := metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for _, f := range families {
			if name, is := strings.CutPrefix(f.GetName(), "rollcall_webhook_backlog_"); is {
				for _, m := range f.Metric {
					out[name+" of "+m.Label[0].GetValue()] = m.Gauge.GetValue()
				}
			}
		}
		return out
	}
	if got := measured(); len(got) != 0 {
		t.Errorf("nothing waits, and it tells %v", got)
	}
	w.users("u", 3, 2)
	if got := measured(); !maps.Equal(got, map[string]float64{"messages of e": 6, "age_seconds of e": 90}) {
		t.Errorf("it tells %v", got)
	}
}
