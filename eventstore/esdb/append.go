package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/metadata"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Append writes the batch in order, each Write by itself, and stops at the first conflict: what stands before it is
// written. While nobody answers, a Write is sent again with the same ids. Batches that the server would never take (a
// Write above Config.MaxAppend, a stream that is not the log's) are refused before anything of them is written.
func (s *Store) Append(ctx context.Context, batch ...eventstore.Write) (eventstore.Position, error) {
	if err := eventstore.Check(batch); err != nil {
		return eventstore.Position{}, err
	}
	for _, w := range batch {
		if err := s.check(w); err != nil {
			return eventstore.Position{}, fmt.Errorf("append to %s: %w", w.Stream, err)
		}
	}
	var last eventstore.Position
	for _, w := range batch {
		p, err := s.write(ctx, w)
		if err != nil {
			return eventstore.Position{}, err
		}
		if last.Before(p) {
			last = p
		}
	}
	return last, nil
}

// check refuses what the server would, and what is not for callers.
func (s *Store) check(w eventstore.Write) error {
	if reserved(w.Stream) {
		return fmt.Errorf("streams that begin with $ are the server's, those with %s the store's own", own)
	}
	size := 0
	for _, e := range w.Entries {
		size += e.Size()
	}
	if size > s.config.MaxAppend {
		return fmt.Errorf("%w: %d bytes, more than the %d that the server takes", eventstore.ErrTooLarge, size, s.config.MaxAppend)
	}
	return nil
}

// write appends to one stream.
func (s *Store) write(ctx context.Context, w eventstore.Write) (eventstore.Position, error) {
	if w.Expected > math.MaxInt64 {
		// Revisions have 63 bits: no stream stands there.
		return s.conflict(ctx, w)
	}
	var answer *streams.AppendResp
	err := s.call(ctx, func(ctx context.Context, c streams.StreamsClient) (trailer metadata.MD, err error) {
		answer, trailer, err = send(ctx, c, w)
		return trailer, err
	})
	switch {
	case errors.Is(err, eventstore.ErrClosed):
		return eventstore.Position{}, err
	case err != nil && ctx.Err() != nil:
		return eventstore.Position{}, fmt.Errorf("append to %s, which may be written all the same: %w", w.Stream, err)
	case err != nil:
		return eventstore.Position{}, fmt.Errorf("append to %s: %w", w.Stream, err)
	}
	if err := settled(w, answer); err != nil {
		return eventstore.Position{}, err
	}
	return s.written(ctx, w, answer.GetSuccess())
}

// errDeleted tells that a stream which should have had no records had some, and goes on where they ended.
var errDeleted = errors.New("somebody deleted the stream in EventStoreDB")

// settled tells whether a write stands where it should.
func settled(w eventstore.Write, answer *streams.AppendResp) error {
	if wrong := answer.GetWrongExpectedVersion(); wrong != nil {
		actual := eventstore.NoStream
		if _, ok := wrong.GetCurrentRevisionOption().(*streams.AppendResp_WrongExpectedVersion_CurrentRevision); ok {
			actual = eventstore.Version(wrong.GetCurrentRevision()) + 1
		}
		return &eventstore.ConflictError{Stream: w.Stream, Expected: w.Expected, Actual: actual}
	}
	last := w.Expected + eventstore.Version(len(w.Entries))
	if at := eventstore.Version(answer.GetSuccess().GetCurrentRevision()) + 1; at != last {
		return fmt.Errorf("append to %s: it was written at version %d and not %d: %w", w.Stream, at, last, errDeleted)
	}
	return nil
}

// send streams one append: where it goes, then the entries.
func send(ctx context.Context, c streams.StreamsClient, w eventstore.Write) (*streams.AppendResp, metadata.MD, error) {
	call, err := c.Append(ctx)
	if err != nil {
		return nil, nil, err
	}
	options := &streams.AppendReq_Options{
		StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(w.Stream)},
		ExpectedStreamRevision: &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}},
	}
	if w.Expected != eventstore.NoStream {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: uint64(w.Expected) - 1}
	}
	err = call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: options}})
	for i := 0; i < len(w.Entries) && err == nil; i++ {
		err = call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: proposal(w.Entries[i])}})
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	// EOF means that the server answered before it had everything.
	answer, err := call.CloseAndRecv()
	return answer, call.Trailer(), err
}

// written answers the position of what stands in the log now.
func (s *Store) written(ctx context.Context, w eventstore.Write, answer *streams.AppendResp_Success) (eventstore.Position, error) {
	p := answer.GetPosition()
	if p != nil && p.GetCommitPosition() <= math.MaxInt64 {
		return eventstore.At(p.GetCommitPosition(), p.GetPreparePosition()), nil
	}
	// A repeated append that its server has not indexed yet has no position.
	events, _, err := s.streamPage(ctx, w.Stream, w.Expected+eventstore.Version(len(w.Entries))-1)
	if err != nil {
		return eventstore.Position{}, fmt.Errorf("append to %s: %w", w.Stream, err)
	}
	if len(events) > 0 {
		r, err := recordOf(events[0])
		return r.Position, err
	}
	return eventstore.Position{}, fmt.Errorf("append to %s: %w: it is written, and not yet readable", w.Stream, eventstore.ErrUnavailable)
}

// conflict answers that a stream does not stand at a version which it cannot have.
func (s *Store) conflict(ctx context.Context, w eventstore.Write) (eventstore.Position, error) {
	records, _, err := s.page(ctx, lastOf(w.Stream))
	if err != nil {
		return eventstore.Position{}, fmt.Errorf("append to %s: %w", w.Stream, err)
	}
	actual := eventstore.NoStream
	if len(records) > 0 {
		actual = eventstore.Version(records[0].GetStreamRevision()) + 1
	}
	return eventstore.Position{}, &eventstore.ConflictError{Stream: w.Stream, Expected: w.Expected, Actual: actual}
}
