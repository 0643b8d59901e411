package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/metadata"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A page ends at so many records, or after the one that reaches so many bytes.
const (
	pageRecords = 256
	pageBytes   = 4 << 20
)

// Read yields the records of a stream above a version, as the leader has them. A stream that lacks some, since somebody
// truncated or deleted it in EventStoreDB, ends with a *eventstore.DamagedError. One that is not the log's is empty.
func (s *Store) Read(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		if reserved(stream) {
			return
		}
		for v := after; ; {
			events, more, err := s.streamPage(ctx, stream, v)
			for _, e := range events {
				r, err := next(e, v)
				if !yield(r, err) || err != nil {
					return
				}
				v = r.Version
			}
			if err != nil {
				yield(eventstore.Record{}, ended(err, "read %s after version %d", stream, v))
				return
			}
			if !more {
				return
			}
		}
	}
}

// next reads the record that follows a version of its stream.
func next(e *recorded, after eventstore.Version) (eventstore.Record, error) {
	r, err := recordOf(e)
	if err != nil {
		return eventstore.Record{}, err
	}
	if r.Version != after+1 {
		return eventstore.Record{}, &eventstore.DamagedError{Position: r.Position, Reason: fmt.Sprintf("version %d of %s is missing before it", after+1, r.Stream)}
	}
	return r, nil
}

// streamPage reads a page of a stream behind a version. No stream has records behind the last revision there can be; the
// server is still asked, for what stands there.
func (s *Store) streamPage(ctx context.Context, stream string, after eventstore.Version) ([]*recorded, bool, error) {
	return s.page(ctx, &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
			RevisionOption:   &streams.ReadReq_Options_StreamOptions_Revision{Revision: min(uint64(after), math.MaxInt64-1)},
		}},
		CountOption: &streams.ReadReq_Options_Count{Count: pageRecords},
	})
}

// lastOf asks for the last record of a stream.
func lastOf(stream string) *streams.ReadReq_Options {
	return &streams.ReadReq_Options{
		ReadDirection: streams.ReadReq_Options_Backwards,
		StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
			RevisionOption:   &streams.ReadReq_Options_StreamOptions_End{End: &shared.Empty{}},
		}},
		CountOption: &streams.ReadReq_Options_Count{Count: 1},
	}
}

// All yields the records above a position in the log's order, without the server's own and the store's.
func (s *Store) All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for p := after; ; {
			events, more, err := s.page(ctx, &streams.ReadReq_Options{
				StreamOption: &streams.ReadReq_Options_All{All: from(p)},
				CountOption:  &streams.ReadReq_Options_Count{Count: pageRecords},
			})
			for _, e := range events {
				// A read includes its start.
				if !p.Before(positionOf(e)) {
					continue
				}
				p = positionOf(e)
				if reserved(streamOf(e)) {
					continue
				}
				r, err := recordOf(e)
				if !yield(r, err) || err != nil {
					return
				}
			}
			if err != nil {
				yield(eventstore.Record{}, ended(err, "read the log after %s", p))
				return
			}
			if !more {
				return
			}
		}
	}
}

// from is a place in the log.
func from(p eventstore.Position) *streams.ReadReq_Options_AllOptions {
	if p == (eventstore.Position{}) {
		return &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}
	}
	commit, prepare := p.Numbers()
	return &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Position{
		Position: &streams.ReadReq_Options_Position{CommitPosition: commit, PreparePosition: prepare},
	}}
}

// Head is the position of the last record that the leader has, those of no reader included: Follow reaches it.
func (s *Store) Head(ctx context.Context) (eventstore.Position, error) {
	events, _, err := s.page(ctx, &streams.ReadReq_Options{
		ReadDirection: streams.ReadReq_Options_Backwards,
		StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
			AllOption: &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}},
		}},
		CountOption: &streams.ReadReq_Options_Count{Count: 1},
	})
	if err != nil {
		return eventstore.Position{}, ended(err, "read the head of the log")
	}
	if len(events) == 0 {
		return eventstore.Position{}, nil
	}
	return positionOf(events[0]), nil
}

// page reads up to the count that was asked for, and tells whether there may be more. What came before an exchange broke
// off is kept: it stands in the log.
func (s *Store) page(ctx context.Context, o *streams.ReadReq_Options) (events []*recorded, more bool, err error) {
	err = s.call(ctx, func(ctx context.Context, c streams.StreamsClient) (trailer metadata.MD, err error) {
		events, more, trailer, err = fetch(ctx, c, o)
		return trailer, err
	})
	return events, more, err
}

// fetch receives one page.
func fetch(ctx context.Context, c streams.StreamsClient, o *streams.ReadReq_Options) (events []*recorded, more bool, trailer metadata.MD, err error) {
	complete(o)
	call, err := c.Read(ctx, &streams.ReadReq{Options: o})
	if err != nil {
		return nil, false, nil, err
	}
	for bytes := 0; bytes < pageBytes; {
		m, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return events, uint64(len(events)) == o.GetCount(), nil, nil
		}
		if err != nil && len(events) > 0 {
			break
		}
		if err != nil {
			return nil, false, call.Trailer(), err
		}
		if e := m.GetEvent().GetEvent(); e != nil {
			events = append(events, e)
			bytes += len(e.GetData()) + len(e.GetCustomMetadata())
		}
	}
	return events, true, nil, nil
}

// complete sets what is the same in every request.
func complete(o *streams.ReadReq_Options) {
	o.FilterOption = &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}}
	o.UuidOption = &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}}
}

// ended says what was being done, but for a closed store, which everybody knows.
func ended(err error, what string, args ...any) error {
	if errors.Is(err, eventstore.ErrClosed) {
		return err
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(what, args...), err)
}
