package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// Past is a log that is read from any place.
type Past interface {
	Streams
	All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error]
	Head(ctx context.Context) (eventstore.Position, error)
}

// Wants tells which messages are asked for.
type Wants func(kind, organization string) bool

// Told is a record that was passed, and what it tells the world: Message is nil if that is nothing, or not asked for.
type Told struct {
	Record  eventstore.Record
	Message *Message
}

// Tell reads what stands behind a position, in the log's order, up to another one. An error is yielded once, as the last element.
func Tell(ctx context.Context, log Past, from, until eventstore.Position, wants Wants) iter.Seq2[Told, error] {
	return func(yield func(Told, error) bool) {
		changes, err := NewChanges(log)
		if err != nil {
			yield(Told{}, err)
			return
		}
		for t, err := range changes.tell(ctx, log, from, until, wants) {
			if !yield(t, err) {
				return
			}
		}
	}
}

// tell is Tell with the subjects that are remembered.
func (c *Changes) tell(ctx context.Context, log Past, from, until eventstore.Position, wants Wants) iter.Seq2[Told, error] {
	return func(yield func(Told, error) bool) {
		for r, err := range log.All(ctx, from) {
			if err == nil && until.Before(r.Position) {
				return
			}
			var m *Message
			if err == nil {
				m, err = c.Told(ctx, r, wants)
			}
			if !yield(Told{r, m}, err) || err != nil {
				return
			}
		}
	}
}

// Tally counts the messages of a range by their types. It makes none, so that it costs one pass over the log.
func Tally(ctx context.Context, log Past, from, until eventstore.Position, wants Wants) (map[string]int, error) {
	out := map[string]int{}
	for r, err := range log.All(ctx, from) {
		if err != nil {
			return nil, err
		}
		if until.Before(r.Position) {
			break
		}
		if !tells(r) {
			continue
		}
		s, err := DecodeRecord(r)
		if err != nil {
			return nil, err
		}
		if kind := domain.MessageType(s.Event); kind != "" && wants(kind, s.Meta.Organization) {
			out[kind]++
		}
	}
	return out, nil
}

// tells whether a record is of a stream whose events may become messages.
func tells(r eventstore.Record) bool {
	kind, _ := SplitStream(r.Stream)
	return kind.Tells()
}

// ErrNotWhen tells that a text means no place in the log.
var ErrNotWhen = errors.New("neither a position nor an RFC 3339 time")

// Marks are places in a log that are known by their times, so that nobody reads all of it to find a time.
type Marks interface {
	// Before is a place up to which all was recorded by a time.
	Before(ctx context.Context, when time.Time) (eventstore.Position, error)
}

// Locate is the place in the log that a text means: a position, the one before the first that was recorded after a time, or the head for "" and "head". For a
// time it reads the log from the mark before it; without marks, which are then nil, from its start.
func Locate(ctx context.Context, log Past, marks Marks, text string) (eventstore.Position, error) {
	if isHead(text) {
		return log.Head(ctx)
	}
	if at, err := eventstore.ParsePosition(text); err == nil {
		return at, nil
	}
	when, err := parseWhen(text)
	if err != nil {
		return eventstore.Position{}, err
	}
	var from eventstore.Position
	if marks != nil {
		if from, err = marks.Before(ctx, when); err != nil {
			return from, err
		}
	}
	return locateTime(ctx, log, from, when)
}

// CheckWhen tells whether a text has a form that Locate knows, without a log.
func CheckWhen(text string) error {
	if isHead(text) {
		return nil
	}
	if _, err := eventstore.ParsePosition(text); err == nil {
		return nil
	}
	_, err := parseWhen(text)
	return err
}

func isHead(text string) bool { return text == "" || text == "head" }

func parseWhen(text string) (time.Time, error) {
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return when, fmt.Errorf("%q is %w", text, ErrNotWhen)
	}
	return when, nil
}

// locateTime looks for a time behind a place up to which all was recorded by then.
func locateTime(ctx context.Context, log Past, at eventstore.Position, when time.Time) (eventstore.Position, error) {
	for r, err := range log.All(ctx, at) {
		if err != nil {
			return at, err
		}
		recorded, err := recordedAt(r)
		if err != nil {
			return at, err
		}
		if recorded.After(when) {
			break
		}
		at = r.Position
	}
	return at, nil
}

func recordedAt(r eventstore.Record) (time.Time, error) {
	meta, err := domain.DecodeMeta(r.Meta)
	if err != nil {
		return time.Time{}, fmt.Errorf("record at position %s: %w", r.Position, err)
	}
	return meta.RecordedAt, nil
}
