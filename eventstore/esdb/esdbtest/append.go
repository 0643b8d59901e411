package esdbtest

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Append is one append to one stream: options first, then the events.
func (s *Server) Append(call streams.Streams_AppendServer) error {
	options, events, err := s.proposal(call)
	if err != nil {
		return err
	}
	if err := s.faults.append(); err != nil {
		return err
	}
	name := string(options.GetStreamIdentifier().GetStreamName())
	if s.faults.denies(name) {
		call.SetTrailer(metadata.Pairs("exception", "access-denied"))
		return status.Error(codes.PermissionDenied, "Access Denied")
	}
	expected, err := expectation(options.GetExpectedStreamRevision())
	if err != nil {
		return err
	}
	d := s.log.append(name, expected, events)
	if d.tombstoned {
		call.SetTrailer(metadata.Pairs("exception", "stream-deleted", "stream-name", name))
		return status.Errorf(codes.FailedPrecondition, "Event stream '%s' is deleted.", name)
	}
	if err := s.faults.answer(); err != nil {
		return err
	}
	if d.wrong {
		return call.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: wrong(d, expected)}})
	}
	return call.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(d.last)},
		PositionOption: &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{
			CommitPosition: d.position, PreparePosition: d.position,
		}},
	}}})
}

// proposal receives an append.
func (s *Server) proposal(call streams.Streams_AppendServer) (*streams.AppendReq_Options, []event, error) {
	var options *streams.AppendReq_Options
	var events []event
	size := 0
	for {
		m, err := call.Recv()
		if errors.Is(err, io.EOF) {
			if options == nil {
				return nil, nil, status.Error(codes.InvalidArgument, "the options are missing")
			}
			return options, events, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if m.GetOptions() != nil {
			options = m.GetOptions()
			continue
		}
		p := m.GetProposedMessage()
		e, err := proposed(p)
		if err != nil {
			return nil, nil, err
		}
		if size += len(e.data) + len(e.meta) + 2*len(e.metadata["type"]); size > s.config.MaxAppend {
			call.SetTrailer(metadata.Pairs("exception", "maximum-append-size-exceeded", "maximum-append-size", strconv.Itoa(s.config.MaxAppend)))
			return nil, nil, status.Errorf(codes.InvalidArgument, "Maximum Append Size of %d Exceeded.", s.config.MaxAppend)
		}
		events = append(events, e)
	}
}

func proposed(p *streams.AppendReq_ProposedMessage) (event, error) {
	id, err := parseID(p.GetId())
	if err != nil {
		return event{}, err
	}
	e := event{id: id, metadata: map[string]string{}, data: p.GetData(), meta: p.GetCustomMetadata()}
	for _, key := range []string{"type", "content-type"} {
		value, ok := p.GetMetadata()[key]
		if !ok {
			return event{}, status.Errorf(codes.InvalidArgument, "Required Metadata Property '%s' Is Missing.", key)
		}
		e.metadata[key] = value
	}
	return e, nil
}

func parseID(id *shared.UUID) (parsed eventstore.ID, err error) {
	if n := id.GetStructured(); n != nil {
		binary.BigEndian.PutUint64(parsed[:8], uint64(n.GetMostSignificantBits()))
		binary.BigEndian.PutUint64(parsed[8:], uint64(n.GetLeastSignificantBits()))
		return parsed, nil
	}
	b, err := hex.DecodeString(strings.ReplaceAll(id.GetString_(), "-", ""))
	if err != nil || len(b) != len(parsed) {
		return parsed, status.Errorf(codes.InvalidArgument, "%q is not a UUID", id.GetString_())
	}
	return eventstore.ID(b), nil
}

// expectation reads the oneof that appends and deletions have alike.
func expectation(option any) (int64, error) {
	switch o := option.(type) {
	case *streams.AppendReq_Options_Revision:
		return revision(o.Revision)
	case *streams.DeleteReq_Options_Revision:
		return revision(o.Revision)
	case *streams.TombstoneReq_Options_Revision:
		return revision(o.Revision)
	case *streams.AppendReq_Options_NoStream, *streams.DeleteReq_Options_NoStream, *streams.TombstoneReq_Options_NoStream:
		return noStream, nil
	case *streams.AppendReq_Options_StreamExists, *streams.DeleteReq_Options_StreamExists, *streams.TombstoneReq_Options_StreamExists:
		return existing, nil
	}
	return anyVersion, nil
}

func revision(n uint64) (int64, error) {
	if n >= math.MaxInt64 {
		return 0, status.Errorf(codes.InvalidArgument, "%d is not a revision", n)
	}
	return int64(n), nil
}

func wrong(d decision, expected int64) *streams.AppendResp_WrongExpectedVersion {
	w := &streams.AppendResp_WrongExpectedVersion{
		CurrentRevisionOption:  &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(d.last)},
		ExpectedRevisionOption: &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: uint64(expected)},
	}
	if d.last < 0 {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}}
	}
	switch expected {
	case noStream:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
	case existing:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
	}
	return w
}

// Delete hides a stream; the next append goes on at its revision.
func (s *Server) Delete(ctx context.Context, r *streams.DeleteReq) (*streams.DeleteResp, error) {
	o := r.GetOptions()
	position, err := s.remove(ctx, string(o.GetStreamIdentifier().GetStreamName()), o.GetExpectedStreamRevision(), false)
	if err != nil {
		return nil, err
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{Position: &streams.DeleteResp_Position{
		CommitPosition: position, PreparePosition: position,
	}}}, nil
}

// Tombstone ends a stream for ever.
func (s *Server) Tombstone(ctx context.Context, r *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	o := r.GetOptions()
	position, err := s.remove(ctx, string(o.GetStreamIdentifier().GetStreamName()), o.GetExpectedStreamRevision(), true)
	if err != nil {
		return nil, err
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{Position: &streams.TombstoneResp_Position{
		CommitPosition: position, PreparePosition: position,
	}}}, nil
}

func (s *Server) remove(ctx context.Context, name string, option any, tombstone bool) (uint64, error) {
	if trailer, err := s.redirect(ctx); err != nil {
		return 0, refuse(ctx, trailer, err)
	}
	expected, err := expectation(option)
	if err != nil {
		return 0, err
	}
	d := s.log.delete(name, expected, tombstone)
	switch {
	case d.tombstoned:
		return 0, refuse(ctx, metadata.Pairs("exception", "stream-deleted", "stream-name", name),
			status.Errorf(codes.FailedPrecondition, "Event stream '%s' is deleted.", name))
	case d.wrong:
		return 0, refuse(ctx, metadata.Pairs("exception", "wrong-expected-version", "stream-name", name,
			"expected-version", fmt.Sprint(expected), "actual-version", fmt.Sprint(d.last)),
			status.Errorf(codes.FailedPrecondition, "Append failed due to WrongExpectedVersion. Stream: %s, Expected version: %d, Actual version: %d",
				name, expected, d.last))
	}
	return d.position, nil
}

// refuse gives an error its trailers.
func refuse(ctx context.Context, trailer metadata.MD, err error) error {
	if e := grpc.SetTrailer(ctx, trailer); e != nil {
		return e
	}
	return err
}
