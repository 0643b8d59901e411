package esdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// The first record of logStream says which log this is.
const (
	logStream  = own + "log"
	logCreated = "log.created"
)

// created is the data of logCreated.
type created struct {
	ID string `json:"id"`
}

// ID is the log's random id (a UUID), the same for its whole life and for every process.
func (s *Store) ID() string { return s.id }

// identify reads the log's id. A log that has none gets one, by whichever process comes first.
func (s *Store) identify(ctx context.Context) (string, error) {
	id, err := s.identity(ctx)
	if id != "" || err != nil {
		return id, err
	}
	id = eventstore.RandomID().String()
	data, err := json.Marshal(created{id})
	if err != nil {
		return "", err
	}
	first := eventstore.Entry{ID: eventstore.RandomID(), Type: logCreated, Data: data, Meta: []byte("{}")}
	_, err = s.write(ctx, eventstore.Write{Stream: logStream, Expected: eventstore.NoStream, Entries: []eventstore.Entry{first}})
	var conflict *eventstore.ConflictError
	switch {
	case err == nil:
		return id, nil
	case status.Code(err) == codes.PermissionDenied:
		return "", fmt.Errorf("the log has no id yet, and this user may not write one: open it first as a user who may write: %w", err)
	case !errors.As(err, &conflict):
		return "", err
	}
	if id, err = s.identity(ctx); id == "" && err == nil {
		err = &eventstore.DamagedError{Reason: "somebody truncated the stream " + logStream + " in EventStoreDB"}
	}
	return id, err
}

// identity answers the id that stands in the log, or nothing.
func (s *Store) identity(ctx context.Context) (string, error) {
	events, _, err := s.streamPage(ctx, logStream, eventstore.NoStream)
	if err != nil || len(events) == 0 {
		return "", err
	}
	r, err := next(events[0], eventstore.NoStream)
	if err != nil {
		return "", err
	}
	var c created
	if err := json.Unmarshal(r.Data, &c); err != nil || r.Type != logCreated {
		return "", &eventstore.DamagedError{Position: r.Position, Reason: "it should say which log this is"}
	}
	if id, ok := parseID(c.ID); !ok || id.String() != c.ID {
		return "", &eventstore.DamagedError{Position: r.Position, Reason: "the log's id is not a UUID"}
	}
	return c.ID, nil
}
