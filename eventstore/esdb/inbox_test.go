package esdb

import (
	"context"
	"errors"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"

	"github.com/rollcall-sync/rollcall/eventstore"
)

func arrived(stream string, position uint64) *recorded {
	return &recorded{
		Id:               &shared.UUID{Value: &shared.UUID_String_{String_: eventstore.ID{15: byte(position)}.String()}},
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
		CommitPosition:   position,
		PreparePosition:  position,
		Metadata:         map[string]string{"type": "test.written"},
	}
}

// TestInboxTakesNothingTwice has a server send what it sent before, as one may where history turns into news.
func TestInboxTakesNothingTwice(t *testing.T) {
	box := newInbox(eventstore.At(3, 3))
	for _, position := range []uint64{3, 5, 5, 4, 8, 5} {
		if err := box.event(t.Context(), arrived("a", position)); err != nil {
			t.Fatal(err)
		}
	}
	if err := box.event(t.Context(), arrived("$stats", 7)); err != nil {
		t.Fatal(err)
	}
	b, err := box.take()
	if err != nil || len(b.Records) != 2 || b.Records[0].Position != eventstore.At(5, 5) || b.Position != eventstore.At(8, 8) {
		t.Errorf("the batch is %v, %v", b, err)
	}
}

func TestInboxIsBounded(t *testing.T) {
	box := newInbox(eventstore.Position{})
	for i := range uint64(pageRecords) {
		if err := box.event(t.Context(), arrived("a", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	full, cancel := context.WithCancel(t.Context())
	cancel()
	if err := box.event(full, arrived("a", 1000)); !errors.Is(err, context.Canceled) {
		t.Errorf("a full inbox answers %v", err)
	}
	if b, err := box.take(); err != nil || len(b.Records) != pageRecords {
		t.Errorf("the batch has %d records, %v", len(b.Records), err)
	}
	if err := box.event(t.Context(), arrived("a", 1000)); err != nil {
		t.Fatal(err)
	}
}
