package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// kept is how many records of a lease the server keeps: the last one counts, the others are for people.
const kept = `{"$maxCount":16}`

// look reads the last record of the lease's stream from the leader.
func (l *Lease) look(ctx context.Context) (leaseRecord, error) {
	var events []*recorded
	err := l.ask(ctx, func(ctx context.Context, c streams.StreamsClient) (trailer metadata.MD, err error) {
		events, _, trailer, err = fetch(ctx, c, lastOf(l.stream))
		return trailer, err
	})
	if err != nil {
		return leaseRecord{}, fmt.Errorf("read the lease %s: %w", l.config.Name, err)
	}
	if len(events) == 0 {
		return leaseRecord{}, nil
	}
	r, err := leaseRecordOf(events[0])
	if err != nil {
		return leaseRecord{}, fmt.Errorf("read the lease %s: %w", l.config.Name, err)
	}
	return r, nil
}

// put appends a record at its version. It is on the stream when put returns without error; who is not up to date gets a
// *eventstore.ConflictError, and whether it is there is not known when the context ends.
func (l *Lease) put(ctx context.Context, r leaseRecord) error {
	w, err := r.write(l.stream)
	if err != nil {
		return err
	}
	return l.append(ctx, w)
}

// bound has the server keep the stream short. Only the first one to come does so, and nobody changes what somebody else has set.
func (l *Lease) bound(ctx context.Context) error {
	err := l.append(ctx, eventstore.Write{Stream: "$$" + l.stream, Expected: eventstore.NoStream, Entries: []eventstore.Entry{{
		ID: eventstore.RandomID(), Type: "$metadata", Data: []byte(kept), Meta: []byte("{}"),
	}}})
	var conflict *eventstore.ConflictError
	switch {
	case errors.As(err, &conflict):
		return nil
	case status.Code(err) == codes.PermissionDenied:
		l.log.Warn("the lease's stream grows for ever: the user may not set its metadata",
			slog.String("stream", l.stream), slog.String("metadata", kept), slog.Any("error", err))
		return nil
	}
	return err
}

// append sends a write with the same id until somebody answers.
func (l *Lease) append(ctx context.Context, w eventstore.Write) error {
	var answer *streams.AppendResp
	err := l.ask(ctx, func(ctx context.Context, c streams.StreamsClient) (trailer metadata.MD, err error) {
		answer, trailer, err = send(ctx, c, w)
		return trailer, err
	})
	if err != nil {
		return fmt.Errorf("append to %s: %w", w.Stream, err)
	}
	return settled(w, answer)
}

// ask repeats an exchange until it is answered or refused, or until the context or the store ends. Its attempts are short: a
// node that is silent must be replaced before the term is over.
func (l *Lease) ask(ctx context.Context, e exchange) error {
	for pauses := newPauses(); ; {
		err := l.store.try(ctx, min(l.store.config.Attempt, l.config.Term/4), e)
		if !errors.Is(err, eventstore.ErrUnavailable) {
			return err
		}
		if !pause(ctx, l.store.ctx, min(pauses.NextBackOff(), l.every)) && ctx.Err() != nil {
			return err
		}
	}
}
