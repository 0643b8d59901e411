package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A Runner keeps projections up with the log, each in its own watermill handler from its own checkpoint. A projection that
// panics or fails stops where it is and stays stopped, for a batch that is skipped is a wrong present; the others go on.
type Runner struct {
	log      Log
	logger   *slog.Logger
	all      []Projection
	records  *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// State is how one projection stands.
type State struct {
	Name     string
	Position eventstore.Position
	Failure  error // why it stopped, nil while it runs
}

// NewRunner makes a Runner. Nothing runs before Run.
func NewRunner(log Log, logger *slog.Logger, metrics prometheus.Registerer, projections ...Projection) *Runner {
	r := &Runner{
		log: log, logger: logger, all: projections,
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_projection_records_total", Help: "Records applied.",
		}, []string{"projection"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rollcall_projection_batch_seconds", Help: "Time to apply one batch.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}, []string{"projection"}),
	}
	metrics.MustRegister(r.records, r.duration)
	return r
}

// Run applies batches until the context ends; each projection then finishes the batch that it has in hand.
func (r *Runner) Run(ctx context.Context) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: time.Minute}, watermill.NewSlogLogger(r.logger.With(slog.String("component", "projections"))))
	if err != nil {
		return fmt.Errorf("make the router: %w", err)
	}
	router.AddMiddleware(middleware.CorrelationID, r.measure, middleware.Recoverer)
	for _, p := range r.all {
		batches := &subscriber{log: r.log, from: p.Progress().Position(), done: make(chan struct{}), end: func(err error) { r.stopped(p, err) }}
		router.AddConsumerHandler(p.Name(), p.Name(), batches, func(m *message.Message) error { return apply(p, m) })
	}
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("run the projections: %w", err)
	}
	<-ctx.Done() // the router also ends when every projection has stopped; the process then still answers what it can
	return nil
}

func apply(p Projection, m *message.Message) error {
	b := batchOf(m)
	if err := p.Apply(m.Context(), b); err != nil {
		return err
	}
	p.Progress().reach(b.Position)
	return nil
}

// measure counts what each projection does and remembers the error, or the panic, that stops it.
func (r *Runner) measure(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		name, began := message.HandlerNameFromCtx(m.Context()), time.Now()
		out, err := next(m)
		if err != nil {
			for _, p := range r.all {
				if p.Name() == name {
					r.stopped(p, err)
				}
			}
			return nil, err
		}
		r.duration.WithLabelValues(name).Observe(time.Since(began).Seconds())
		r.records.WithLabelValues(name).Add(float64(len(batchOf(m).Records)))
		return out, nil
	}
}

func (r *Runner) stopped(p Projection, err error) {
	p.Progress().fail(fmt.Errorf("projection %s stopped: %w", p.Name(), err))
	r.logger.LogAttrs(context.Background(), slog.LevelError, "a projection stopped and will not go on before a restart",
		slog.String("projection", p.Name()), slog.String("after_position", p.Progress().Position().String()), slog.String("error", err.Error()))
}

// States tells how each projection stands.
func (r *Runner) States() []State {
	out := make([]State, len(r.all))
	for i, p := range r.all {
		at, _, failure := p.Progress().now()
		out[i] = State{p.Name(), at, failure}
	}
	return out
}

// CaughtUp waits until every projection has reached the position, and answers the failures of those that stopped.
func (r *Runner) CaughtUp(ctx context.Context, position eventstore.Position) error {
	var failures []error
	for _, p := range r.all {
		failures = append(failures, p.Progress().Wait(ctx, position))
	}
	return errors.Join(failures...)
}
