package projections

import (
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A relay that is ahead of its log would pass over what comes to stand there.
func TestRelayAheadOfItsLog(t *testing.T) {
	s := newSending(t)
	s.change("a")
	folder := t.TempDir()
	open := func() (*RelayFile, error) {
		return OpenRelayFile(t.Context(), folder, "relay", s.log, "a log", eventstore.Position{})
	}
	r, err := open()
	if err != nil {
		t.Fatal(err)
	}
	ahead := r.Keep(t.Context(), eventstore.At(1<<40, 1<<40))
	if err := r.Close(); ahead != nil || err != nil {
		t.Fatal(ahead, err)
	}
	if _, err := open(); err == nil || !strings.Contains(err.Error(), "ahead of the log") {
		t.Errorf("opened: %v", err)
	}
}
