// Package webhook sends the messages of the outbox to the endpoints that want them, signed as Standard Webhooks asks.
//
// It owns when a message is sent and tried again, what an answer means, the signature, and which addresses may be dialled. It
// has no routes. It does not decide which messages there are (projections does), keeps nothing of its own (outcomes go
// to the outbox, and an endpoint is disabled by a command), and never reads the log.
//
// What it promises: for each endpoint, lane and subject a message is sent only after the one before it has ended and that
// is recorded; a message is sent until it is accepted or given up, at least once and always under the same webhook-id;
// no endpoint waits for another. A message that was accepted while the outcome could not be recorded is sent again.
package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

// Outbox is what is to be delivered, and where it is kept what became of it.
type Outbox interface {
	Follow(ctx context.Context) iter.Seq[[]projections.Target]
	FailingSince(ctx context.Context, endpoint string) (time.Time, error)
	Due(ctx context.Context, endpoint string, now time.Time, limit int) (projections.Due, error)
	Stalest(ctx context.Context, endpoint string, now time.Time, limit int) ([]projections.Delivery, error)
	Body(ctx context.Context, d projections.Delivery) ([]byte, domain.Endpoint, error)
	Record(ctx context.Context, outcomes ...projections.Outcome) error
	Hasten(ctx context.Context, endpoint string, now time.Time) error
	Backlogs(ctx context.Context) ([]projections.Backlog, error)
}

// Config is what a Deliverer needs. Outbox, OpenKey, OpenHeaders and Disable are required; the zero value of any other field is its default.
type Config struct {
	Outbox Outbox
	// OpenKey opens a sealed signing key of an endpoint.
	OpenKey func(endpoint string, key domain.SigningKey) (keys.Signing, error)
	// OpenHeaders opens the sealed headers that an endpoint wants with each message.
	OpenHeaders func(endpoint string, sealed domain.Sealed) (map[string]string, error)
	// Disable appends the event that stops an endpoint's deliveries. It is tried again until it succeeds.
	Disable func(ctx context.Context, endpoint, reason string) error

	// Allow lists ranges that may be reached although they are not public, by http too.
	Allow []netip.Prefix
	// Version stands in the User-Agent. Default: dev.
	Version string
	// Concurrency is how many requests an endpoint that names no number of its own may have to answer at the same time. Default: 8.
	Concurrency int
	// Timeout bounds one attempt, from the name's resolution to the answer's last byte, where the endpoint names no other. Default: 15 s.
	Timeout time.Duration
	// Schedule says when what failed is tried again.
	Schedule Schedule

	Logger   *slog.Logger          // Default: slog.Default().
	Metrics  prometheus.Registerer // Default: none.
	Now      func() time.Time      // Default: time.Now.
	Resolver *net.Resolver         // Default: the system's.
	TLS      *tls.Config           // Its roots verify endpoints. Default: the system's roots.
}

func (c Config) withDefaults() Config {
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Concurrency == 0 {
		c.Concurrency = 8
	}
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	c.Schedule = c.Schedule.withDefaults()
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// validate tells all that is wrong with a configuration whose defaults are set.
func (c Config) validate() error {
	var wrong []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("webhooks: "+format, args...))
		}
	}
	must(c.Outbox != nil && c.OpenKey != nil && c.OpenHeaders != nil && c.Disable != nil, "Outbox, OpenKey, OpenHeaders and Disable are required")
	must(c.Concurrency > 0, "the concurrency is %d, not above 0", c.Concurrency)
	must(c.Timeout > 0, "the timeout is %s, not above 0", c.Timeout)
	for i, pause := range c.Schedule.Retries {
		must(pause > 0, "pause %d between retries is %s, not above 0", i+1, pause)
	}
	s := c.Schedule
	must(s.ProbeMin > 0 && s.ProbeMin <= s.ProbeMax, "the pause between probes grows from %s to %s", s.ProbeMin, s.ProbeMax)
	must(s.SilenceMax > 0 && s.GiveUp > 0, "the longest silence is %s and the time to giving up %s, not both above 0", s.SilenceMax, s.GiveUp)
	for _, p := range c.Allow {
		must(p.IsValid(), "an allowed range is not valid")
	}
	return errors.Join(wrong...)
}

// Deliverer sends what stands in the outbox.
type Deliverer struct {
	config  Config
	guard   *guard
	client  *http.Client
	metrics *metrics
	chance  func() float64
}

// New makes a Deliverer. Nothing is sent before Run.
func New(c Config) (*Deliverer, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	d := &Deliverer{config: c, guard: newGuard(c.Allow, c.Resolver, c.Concurrency, c.TLS), metrics: newMetrics(), chance: rand.Float64}
	d.client = d.guard.client()
	if c.Metrics != nil {
		if err := errors.Join(d.metrics.register(c.Metrics), c.Metrics.Register(backlogs{c.Outbox, c.Now, c.Logger})); err != nil {
			return nil, fmt.Errorf("register the metrics of webhooks: %w", err)
		}
	}
	return d, nil
}

// Run delivers until the context ends. It returns when the attempts then under way have ended, which the timeout bounds,
// and are recorded. held ends when this process may not send any more: attempts end with it at once, and are nobody's failure. It may be
// called again after it has returned.
func (d *Deliverer) Run(ctx, held context.Context) error {
	defer d.client.CloseIdleConnections()
	records := newRecorder(d.config.Outbox, d.config.Logger)
	var recording, working sync.WaitGroup
	recording.Go(func() { records.run(ctx) })
	workers := map[string]*worker{}
	for news := range d.config.Outbox.Follow(ctx) {
		for _, t := range news {
			w, known := workers[t.ID]
			switch {
			case t.State.Deleted && known:
				w.delete()
				delete(workers, t.ID)
			case t.State.Deleted: // it came and went between two looks
			case known:
				w.change(t)
			default:
				w = newWorker(d, held, records, t)
				workers[t.ID] = w
				working.Go(func() { w.run(ctx) })
			}
		}
	}
	working.Wait()
	records.stop()
	recording.Wait()
	return nil
}
