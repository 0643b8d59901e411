package projections

import (
	"context"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A relay that is ahead of its log would pass over what comes to stand there.
func TestRelayAheadOfItsLog(t *testing.T) {
	s := newSending(t)
	s.change("a")
	folder := t.TempDir()
	open := func() (*Relay, error) {
		return OpenRelay(t.Context(), folder, "relay", s.log, "a log", eventstore.Position{}, func(context.Context, Relayed) error { return nil })
	}
	r, err := open()
	if err != nil {
		t.Fatal(err)
	}
	ahead := r.db.update(t.Context(), func(b *batch) error { return b.reached(eventstore.At(1<<40, 1<<40)) })
	if err := r.Close(); ahead != nil || err != nil {
		t.Fatal(ahead, err)
	}
	if _, err := open(); err == nil || !strings.Contains(err.Error(), "ahead of the log") {
		t.Errorf("opened: %v", err)
	}
}
