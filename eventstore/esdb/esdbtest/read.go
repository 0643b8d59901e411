package esdbtest

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Read is every reading: of a stream or of all, forwards or backwards, or a subscription to all.
func (s *Server) Read(r *streams.ReadReq, call streams.Streams_ReadServer) error {
	o := r.GetOptions()
	out := &sender{call: call, options: o, left: s.faults.drop()}
	_, subscribes := o.GetCountOption().(*streams.ReadReq_Options_Subscription)
	switch {
	case o.GetStream() != nil && subscribes:
		return status.Error(codes.Unimplemented, "subscriptions to one stream are not served here")
	case o.GetStream() != nil:
		return s.readStream(o, out)
	case o.GetAll() == nil:
		return status.Error(codes.InvalidArgument, "neither a stream nor all")
	case subscribes:
		return s.subscribe(o, out)
	}
	return s.readAll(o, out)
}

// sender counts what goes out and breaks off where the test wants it.
type sender struct {
	call    streams.Streams_ReadServer
	options *streams.ReadReq_Options
	left    int // records before it breaks off, negative for never
}

func (out *sender) event(e event) error {
	if out.left == 0 {
		return status.Error(codes.Unavailable, "the connection broke")
	}
	out.left--
	id := &shared.UUID{Value: &shared.UUID_String_{String_: e.id.String()}}
	return out.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id:               id,
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(e.stream)},
			StreamRevision:   e.revision,
			PreparePosition:  e.prepare,
			CommitPosition:   e.commit,
			Metadata:         e.metadata,
			CustomMetadata:   e.meta,
			Data:             e.data,
		},
		Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: e.commit},
	}}})
}

func (s *Server) readStream(o *streams.ReadReq_Options, out *sender) error {
	name := string(o.GetStream().GetStreamIdentifier().GetStreamName())
	events, of, first, tombstoned := s.visible(name)
	if tombstoned {
		out.call.SetTrailer(metadata.Pairs("exception", "stream-deleted", "stream-name", name))
		return status.Errorf(codes.FailedPrecondition, "Event stream '%s' is deleted.", name)
	}
	if len(of) <= first {
		return out.call.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{StreamNotFound: &streams.ReadResp_StreamNotFound{
			StreamIdentifier: o.GetStream().GetStreamIdentifier(),
		}}})
	}
	at, step := 0, 1
	if o.GetReadDirection() == streams.ReadReq_Options_Backwards {
		step = -1
	}
	switch start := o.GetStream().GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		if start.Revision >= math.MaxInt64 {
			return status.Errorf(codes.InvalidArgument, "%d is not a revision", start.Revision)
		}
		at = int(start.Revision)
	case *streams.ReadReq_Options_StreamOptions_End:
		at = len(of) + min(step, 0)
	}
	if step > 0 {
		at = max(at, first)
	} else {
		at = min(at, len(of)-1)
	}
	for sent := uint64(0); at >= first && at < len(of) && sent < o.GetCount(); at, sent = at+step, sent+1 {
		if err := out.event(events[of[at]]); err != nil {
			return err
		}
	}
	return nil
}

// visible is what this node shows of a stream: the log, the stream's places in it, and the first revision that its
// metadata leaves.
func (s *Server) visible(name string) (events []event, of []int, first int, tombstoned bool) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	stream := s.log.streams[name]
	if stream == nil {
		return nil, nil, 0, false
	}
	shown, _ := slices.BinarySearch(stream.events, s.faults.shown(len(s.log.events)))
	return s.log.events, stream.events[:shown:shown], int(stream.first()), stream.tombstoned
}

// all is what this node shows of the log, in order, and a channel that is closed when there may be more.
func (s *Server) all() ([]event, <-chan struct{}) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	n := s.faults.shown(len(s.log.events))
	return s.log.events[:n:n], s.log.moved
}

func (e event) compare(commit, prepare uint64) int {
	switch {
	case e.commit != commit:
		return sign(e.commit < commit)
	case e.prepare != prepare:
		return sign(e.prepare < prepare)
	}
	return 0
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

// start is the index of the first event at or after the place that was asked for. A position must be one that the log
// has given out: servers read at that offset of a file.
func start(all *streams.ReadReq_Options_AllOptions, events []event) (index int, exact bool, err error) {
	switch option := all.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Start:
		return 0, false, nil
	case *streams.ReadReq_Options_AllOptions_End:
		return len(events), false, nil
	case *streams.ReadReq_Options_AllOptions_Position:
		commit, prepare := option.Position.GetCommitPosition(), option.Position.GetPreparePosition()
		index, exact = slices.BinarySearchFunc(events, [2]uint64{commit, prepare}, func(e event, at [2]uint64) int {
			return e.compare(at[0], at[1])
		})
		if !exact && index < len(events) {
			return 0, false, status.Errorf(codes.Unknown, "Unexpected ReadAllResult: InvalidPosition %d/%d", commit, prepare)
		}
		return index, exact, nil
	}
	return 0, false, status.Error(codes.InvalidArgument, "no place to start")
}

func (s *Server) readAll(o *streams.ReadReq_Options, out *sender) error {
	events, _ := s.all()
	at, _, err := start(o.GetAll(), events)
	if err != nil {
		return err
	}
	match, err := filter(o.GetFilter())
	if err != nil {
		return err
	}
	step := 1
	if o.GetReadDirection() == streams.ReadReq_Options_Backwards {
		at, step = at-1, -1 // backwards, a read does not include its start
	}
	for sent := uint64(0); at >= 0 && at < len(events) && sent < o.GetCount(); at += step {
		if !match(events[at]) {
			continue
		}
		if err := out.event(events[at]); err != nil {
			return err
		}
		sent++
	}
	return nil
}

// filter answers what a request wants to see. Without one it is all.
func filter(f *streams.ReadReq_Options_FilterOptions) (func(event) bool, error) {
	expression, of := f.GetEventType(), func(e event) string { return e.metadata["type"] }
	if expression == nil {
		expression, of = f.GetStreamIdentifier(), func(e event) string { return e.stream }
	}
	if expression == nil {
		return func(event) bool { return true }, nil
	}
	pattern, err := regexp.Compile(expression.GetRegex())
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "the filter: %v", err)
	}
	return func(e event) bool {
		if prefixes := expression.GetPrefix(); len(prefixes) > 0 {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(of(e), p) })
		}
		return pattern.MatchString(of(e))
	}, nil
}

// subscribe sends what stands after a position and then what comes. A filtered subscription has checkpoints: one each
// time a window's multiple of events was considered, and one before it has caught up.
func (s *Server) subscribe(o *streams.ReadReq_Options, out *sender) error {
	match, err := filter(o.GetFilter())
	if err != nil {
		return err
	}
	events, moved := s.all()
	at, exact, err := start(o.GetAll(), events)
	if err != nil {
		return err
	}
	if exact {
		at++ // unlike a read, a subscription begins after its position
	}
	confirmation := &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: "test"}
	if err := out.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{Confirmation: confirmation}}); err != nil {
		return err
	}
	every := int(max(1, o.GetFilter().GetMax()) * max(1, o.GetFilter().GetCheckpointIntervalMultiplier()))
	caughtUp := false
	for considered := 0; ; {
		for ; at < len(events); at++ {
			e := events[at]
			if match(e) {
				if err := out.event(e); err != nil {
					return err
				}
			}
			if considered++; o.GetFilter() != nil && considered%every == 0 {
				if err := out.checkpoint(e); err != nil {
					return err
				}
			}
		}
		if !caughtUp {
			caughtUp = true
			if o.GetFilter() != nil && at > 0 {
				if err := out.checkpoint(events[at-1]); err != nil {
					return err
				}
			}
			if err := out.call.Send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}}); err != nil {
				return err
			}
		}
		if err := wait(out.call.Context(), moved); err != nil {
			return err
		}
		events, moved = s.all()
	}
}

func (out *sender) checkpoint(e event) error {
	return out.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{Checkpoint: &streams.ReadResp_Checkpoint{
		CommitPosition: e.commit, PreparePosition: e.prepare,
	}}})
}

func wait(ctx context.Context, moved <-chan struct{}) error {
	select {
	case <-moved:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}
