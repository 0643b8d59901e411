package command_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// deliverer makes a tenure over an outbox of its own that follows the world's log.
func (w *world) deliverer() *command.Tenure {
	w.Helper()
	outbox, err := projections.OpenOutbox(w.TB.(*testing.T).TempDir(), w.log, "a log")
	w.must(err)
	runner := projections.NewRunner(w.log, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), outbox)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		w.must(errors.Join(<-ended, outbox.Close()))
	})
	return w.commands.NewTenure(outbox)
}

func (w *world) begin(t *command.Tenure) {
	w.Helper()
	w.must(t.Progress().Wait(w.Context(), w.head()))
	w.must(t.Begin(w.Context()))
}

// outcomes gives up all that an endpoint is to be sent.
func outcomes(w *world, t *command.Tenure, endpoint string) (out []projections.Outcome) {
	w.Helper()
	w.must(t.Progress().Wait(w.Context(), w.head()))
	due, err := t.Due(w.Context(), endpoint, time.Now(), 1000)
	w.must(err)
	for _, d := range due.Fresh {
		out = append(out, projections.Outcome{Delivery: d, Attempt: projections.Attempt{At: time.Now(), Error: strings.Repeat("\x01", 512), Answer: strings.Repeat("\x01", 512)}, Fate: projections.Failed})
	}
	return out
}

func counts(w *world, t *command.Tenure) projections.DeliveryCounts {
	w.Helper()
	c, err := t.Counts(w.Context())
	w.must(err)
	return c
}

// What a server delivered, the next one knows; what the first still tells then, nobody takes.
func TestTenures(t *testing.T) {
	w := newWorld(t)
	one, two := w.deliverer(), w.deliverer()
	p, err := w.commands.CreateEndpoint(t.Context(), caller, domain.EndpointSettings{Name: "Hook", URL: "https://example.com", EventCodes: []string{"directory.user.*"}}, nil, keys.NewSigning(false))
	w.must(err)
	for i := range 100 {
		w.user(fmt.Sprint("user", i))
	}
	if b, err := one.Backlogs(t.Context()); err != nil || len(b) != 0 {
		t.Errorf("who does not deliver tells of %v, %v", b, err)
	}
	w.begin(one)
	if b, err := one.Backlogs(t.Context()); err != nil || len(b) != 1 {
		t.Errorf("who delivers tells of %v, %v", b, err)
	}
	all := outcomes(w, one, p.ID)
	w.must(one.Record(t.Context(), all[:90]...))
	largest := 0
	for r := range everything(w) {
		if kind, _ := projections.SplitStream(r.Stream); kind == projections.KindDeliveries {
			largest = max(largest, len(r.Data))
		}
	}
	if largest > 1<<19 {
		t.Errorf("one event holds %d bytes of outcomes", largest)
	}
	w.begin(two)
	if c := counts(w, two); c.Failed != 90 || c.Open != 10 {
		t.Errorf("the next server begins with %+v", c)
	}
	w.must(one.Record(t.Context(), all[90:]...))
	w.must(two.Progress().Wait(t.Context(), w.head()))
	for _, tenure := range []*command.Tenure{one, two} {
		if c := counts(w, tenure); c.Failed != 90 || c.Open != 10 {
			t.Errorf("after what came late there are %+v", c)
		}
	}
}

// Outcomes whose answer was lost are written once if they come again, and are gone behind if others come.
func TestTenureWhoseAnswersAreLost(t *testing.T) {
	w := newWorld(t)
	tenure := w.deliverer()
	p, err := w.commands.CreateEndpoint(t.Context(), caller, domain.EndpointSettings{Name: "Hook", URL: "https://example.com", EventCodes: []string{"directory.user.*"}}, nil, keys.NewSigning(false))
	w.must(err)
	for i := range 3 {
		w.user(fmt.Sprint("user", i))
	}
	w.begin(tenure)
	all := outcomes(w, tenure, p.ID)
	lose := func() {
		w.log.after = func() error {
			w.log.after = nil
			return eventstore.ErrUnavailable
		}
	}
	lose()
	if err := tenure.Record(t.Context(), all[0]); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("a lost answer is told as %v", err)
	}
	w.must(tenure.Record(t.Context(), all[0]))
	lose()
	if err := tenure.Record(t.Context(), all[1]); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("a lost answer is told as %v", err)
	}
	w.must(tenure.Record(t.Context(), all[2]))
	if c := counts(w, tenure); c.Failed != 3 {
		t.Errorf("afterwards there are %+v", c)
	}
	written := 0
	for r := range everything(w) {
		if kind, _ := projections.SplitStream(r.Stream); kind == projections.KindDeliveries {
			written++
		}
	}
	if written != 4 { // its beginning, and one for each
		t.Errorf("%d events were written", written)
	}

	other := w.write("deliveries-1", eventstore.Version(written), domain.DeliveriesAttempted{Attempts: []domain.DeliveryAttempt{}})
	w.append(other)
	if err := tenure.Record(t.Context(), all[2]); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("beside another server that writes the same tenure: %v", err)
	}
}

// everything is all records of the log.
func everything(w *world) func(func(eventstore.Record) bool) {
	return all(w, w.log.All(w.Context(), eventstore.Position{}))
}
