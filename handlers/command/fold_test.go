package command_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// gated is a log that is followed once its gate is open.
type gated struct {
	eventstore.Store
	gate chan struct{}
}

func (g *gated) Follow(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Batch, error] {
	return func(yield func(eventstore.Batch, error) bool) {
		select {
		case <-g.gate:
		case <-ctx.Done():
			return
		}
		g.Store.Follow(ctx, after)(yield)
	}
}

// The answer of an append is lost for good, and the read model has yet to see what was appended. Who decides on the group
// afterwards has it from the log, and waits until the read model has seen it too: it would add a member twice otherwise.
func TestDecidesOnAModelThatHasSeenTheSubject(t *testing.T) {
	before := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{TB: t, log: &eventful{Store: eventstore.NewMemory()}, keys: before.keys, d: before.d}
		var err error
		w.read, err = projections.OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
		w.must(err)
		w.commands = w.service()
		w.log.after = func() error { return fmt.Errorf("the line is dead: %w", eventstore.ErrUnavailable) }
		_, err = w.commands.CreateGroup(t.Context(), caller, w.d, domain.Attributes{"displayName": "Team"}, w.plan("x"))
		w.refused(err, "unavailable")
		w.log.after = nil
		var group string
		for r := range all(w, w.log.All(t.Context(), eventstore.Position{})) {
			_, group = projections.SplitStream(r.Stream)
		}

		log := &gated{w.log.Store, make(chan struct{})}
		runner := projections.NewRunner(log, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), w.read)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- runner.Run(ctx) }()
		defer func() {
			cancel()
			if err := errors.Join(<-ended, w.read.Close()); err != nil {
				t.Error(err)
			}
		}()

		answered := make(chan projections.Group, 1)
		go func() {
			shown, err := w.commands.PatchGroup(t.Context(), caller, w.d, group, members("add", "x", "y"))
			if err != nil {
				t.Errorf("%v", err)
			}
			answered <- shown
		}()
		synctest.Wait()
		close(log.gate)
		if shown := <-answered; shown.Count != 2 || shown.Version != 2 {
			t.Errorf("a count of %d at version %d", shown.Count, shown.Version)
		}
		if got := w.standing(group); !slices.Equal(got, []string{"x", "y"}) {
			t.Errorf("members %v", got)
		}
	})
}
