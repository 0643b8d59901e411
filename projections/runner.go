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
// cannot write for now tries the same batch again until it can. One that panics or fails otherwise stops where it is and
// stays stopped, for a batch that is skipped is a wrong present; the others go on.
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
	Trouble  error // why it tries its next batch again and again, nil while it does not
}

// NewRunner makes a Runner. Nothing runs before Run.
func NewRunner(log Log, logger *slog.Logger, metrics prometheus.Registerer, projections ...Projection) *Runner {
	return &Runner{
		log: log, logger: logger, all: projections,
		records: registered(metrics, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_projection_records_total", Help: "Records applied.",
		}, []string{"projection"})),
		duration: registered(metrics, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rollcall_projection_batch_seconds", Help: "Time to apply one batch.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}, []string{"projection"})),
	}
}

// registered is the collector, or the one that another Runner registered before.
func registered[C prometheus.Collector](metrics prometheus.Registerer, c C) C {
	err := metrics.Register(c)
	if err == nil {
		return c
	}
	var before prometheus.AlreadyRegisteredError
	if !errors.As(err, &before) {
		panic(err)
	}
	return before.ExistingCollector.(C)
}

// Run applies batches until the context ends; each projection then finishes the batch that it has in hand.
func (r *Runner) Run(ctx context.Context) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: time.Minute}, r.routerLog())
	if err != nil {
		return fmt.Errorf("make the router: %w", err)
	}
	for _, p := range r.all {
		batches := &subscriber{log: r.log, from: p.Progress().Position(), end: func(err error) { r.stopped(p, err) }}
		handler := router.AddConsumerHandler(p.Name(), p.Name(), batches, func(m *message.Message) error { return r.apply(ctx, p, m) })
		handler.AddMiddleware(r.watch(p), middleware.Recoverer)
	}
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("run the projections: %w", err)
	}
	<-ctx.Done() // the router also ends when every projection has stopped; the process then still answers what it can
	return nil
}

// routerLog is watermill's log, all of it for debugging: what stops a projection, stopped tells in one line.
func (r *Runner) routerLog() watermill.LoggerAdapter {
	return watermill.NewSlogLoggerWithLevelMapping(r.logger.With(slog.String("component", "watermill")), map[slog.Level]slog.Level{
		slog.LevelInfo: slog.LevelDebug, slog.LevelError: slog.LevelDebug,
	})
}

// ample is how many records make a batch worth its cost.
const ample = 64

func (r *Runner) apply(ctx context.Context, p Projection, m *message.Message) error {
	b := batchOf(m)
	took, err := r.insist(ctx, p, m.Context(), b)
	if err != nil {
		return err
	}
	p.Progress().reach(b.Position)
	if len(b.Records) < ample {
		p.Progress().rest()
	}
	r.duration.WithLabelValues(p.Name()).Observe(took.Seconds())
	r.records.WithLabelValues(p.Name()).Add(float64(len(b.Records)))
	return nil
}

// watch remembers the error, or the panic, that stops a projection.
func (r *Runner) watch(p Projection) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			out, err := next(m)
			if err != nil && !errors.Is(err, errEnded) {
				r.stopped(p, fmt.Errorf("apply the batch up to position %s: %w", batchOf(m).Position, err))
			}
			return out, err
		}
	}
}

func (r *Runner) stopped(p Projection, err error) {
	attrs := []slog.Attr{slog.String("projection", p.Name()), slog.String("after_position", p.Progress().Position().String())}
	if panicked := (middleware.RecoveredPanicError{}); errors.As(err, &panicked) { // its text is a whole stack
		err = fmt.Errorf("panic: %v", panicked.V)
		attrs = append(attrs, slog.String("stack", panicked.Stacktrace))
	}
	err = fmt.Errorf("projection %s stopped after position %s: %w", p.Name(), p.Progress().Position(), err)
	r.logger.LogAttrs(context.Background(), slog.LevelError, "a projection stopped and will not go on before a restart",
		append(attrs, slog.String("error", err.Error()))...)
	p.Progress().fail(err)
}

// States tells how each projection stands.
func (r *Runner) States() []State {
	out := make([]State, len(r.all))
	for i, p := range r.all {
		at, _, failure := p.Progress().now()
		out[i] = State{p.Name(), at, failure, p.Progress().stumbled()}
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
