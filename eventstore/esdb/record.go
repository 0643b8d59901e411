package esdb

import (
	"encoding/hex"
	"errors"
	"math"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// proposal is an entry as it travels. The content type lets the server's own UI show data and metadata.
func proposal(e eventstore.Entry) *streams.AppendReq_ProposedMessage {
	return &streams.AppendReq_ProposedMessage{
		Id:             &shared.UUID{Value: &shared.UUID_String_{String_: e.ID.String()}},
		Metadata:       map[string]string{"type": e.Type, "content-type": "application/json"},
		Data:           e.Data,
		CustomMetadata: e.Meta,
	}
}

// recorded is an event as it stands in the log.
type recorded = streams.ReadResp_ReadEvent_RecordedEvent

func positionOf(e *recorded) eventstore.Position {
	return eventstore.At(e.GetCommitPosition(), e.GetPreparePosition())
}

func streamOf(e *recorded) string { return string(e.GetStreamIdentifier().GetStreamName()) }

// recordOf reads an event.
func recordOf(e *recorded) (eventstore.Record, error) {
	if e.GetCommitPosition() > math.MaxInt64 {
		return eventstore.Record{}, errors.New("the server does not tell the positions of a stream's records: version 22.6 or later is needed")
	}
	id, ok := parseID(e.GetId().GetString_())
	if !ok {
		return eventstore.Record{}, &eventstore.DamagedError{Position: positionOf(e), Reason: "its id is not a UUID"}
	}
	return eventstore.Record{
		Entry:    eventstore.Entry{ID: id, Type: e.GetMetadata()["type"], Data: e.GetData(), Meta: e.GetCustomMetadata()},
		Stream:   streamOf(e),
		Version:  eventstore.Version(e.GetStreamRevision()) + 1,
		Position: positionOf(e),
	}, nil
}

// parseID reads a UUID.
func parseID(text string) (eventstore.ID, bool) {
	id, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(id) != len(eventstore.ID{}) {
		return eventstore.ID{}, false
	}
	return eventstore.ID(id), true
}
