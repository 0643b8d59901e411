package projections

import (
	"context"
	"iter"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// Feed shows the messages of the log itself, in its order and without a gap, as far back as it goes. All methods may be called concurrently.
type Feed struct {
	log   followed
	id    string
	marks Marks
}

type followed interface {
	Past
	Log
}

// NewFeed makes the feed of a log with an id, in which times are found by marks.
func NewFeed(log followed, id string, marks Marks) *Feed { return &Feed{log, id, marks} }

// Fed is a message of the feed with the cursor behind it.
type Fed struct {
	Cursor  Cursor
	Message Message
}

// OtherLogError tells that a cursor is of another log, or of a part of this one that was lost when it was restored from a backup. A place
// in this one behind which nothing is missed is found by the time At; what is seen twice from there has the ids that it had.
type OtherLogError struct{ At time.Time }

// otherLog is the error of a cursor. Other events may have the time of the one that it stands behind, to the millisecond, and come after it: the place is before them.
func otherLog(c Cursor) *OtherLogError {
	if c.At.IsZero() {
		return &OtherLogError{}
	}
	return &OtherLogError{c.At.Add(-time.Millisecond)}
}

func (e *OtherLogError) Error() string { return "the cursor is of another log" }

// Start is the place that a text means: a cursor, a time or a position, "head" which is now, or "0" for the start. A cursor of another log
// is an *OtherLogError, what is none of these ErrNotWhen.
func (f *Feed) Start(ctx context.Context, text string, now time.Time) (Cursor, error) {
	c, err := ParseCursor(text)
	head, failed := f.log.Head(ctx)
	if failed != nil {
		return c, failed
	}
	if err == nil && (c.Log != f.id || head.Before(c.Position)) {
		return c, otherLog(c)
	}
	if err == nil {
		return c, nil
	}
	c = Cursor{Log: f.id}
	c.Position, err = Locate(ctx, f.log, f.marks, text)
	if when, e := time.Parse(time.RFC3339Nano, text); e == nil {
		c.At = when
	} else if text == "head" {
		c.At = now
	}
	if err == nil && head.Before(c.Position) && text != "head" {
		err = ErrNotWhen
	}
	return c, err
}

// feedRecords bounds the records that one page reads: one for few types may be empty, and the next goes on.
const feedRecords = 20_000

// Page reads the next messages, at most limit, and the cursor behind them. It moves also where no message is.
func (f *Feed) Page(ctx context.Context, after Cursor, limit int, wants Wants) ([]Fed, Cursor, error) {
	head, err := f.log.Head(ctx)
	if err != nil {
		return nil, after, err
	}
	out, records := []Fed{}, 0
	for t, err := range Tell(ctx, f.log, after.Position, head, wants) {
		if err != nil {
			return nil, after, err
		}
		if after, err = f.behind(t.Record); err != nil {
			return nil, after, err
		}
		if records++; t.Message != nil {
			out = append(out, Fed{after, *t.Message})
		}
		if len(out) == limit || records == feedRecords {
			break
		}
	}
	return out, after, nil
}

// behind is the cursor behind a record.
func (f *Feed) behind(r eventstore.Record) (Cursor, error) {
	meta, err := domain.DecodeMeta(r.Meta)
	return Cursor{f.id, r.Position, meta.RecordedAt}, err
}

// Wait is Page that waits until there is a message, or until the context ends; then the page is empty.
func (f *Feed) Wait(ctx context.Context, after Cursor, limit int, wants Wants) ([]Fed, Cursor, error) {
	for {
		page, next, err := f.Page(ctx, after, limit, wants)
		if err != nil && ctx.Err() != nil {
			return []Fed{}, after, nil
		}
		if err != nil || len(page) > 0 {
			return page, next, err
		}
		if next.Position == after.Position {
			for _, err := range f.log.Follow(ctx, after.Position) {
				if err != nil && ctx.Err() != nil {
					return page, next, nil
				}
				if err != nil {
					return nil, after, err
				}
				break
			}
		}
		after = next
	}
}

// Tail yields messages as they come, until the context ends or the log cannot be read; the error is yielded once, as the last element.
func (f *Feed) Tail(ctx context.Context, after Cursor, wants Wants) iter.Seq2[Fed, error] {
	return func(yield func(Fed, error) bool) {
		changes, err := NewChanges(f.log)
		if err != nil {
			yield(Fed{}, err)
			return
		}
		for batch, err := range f.log.Follow(ctx, after.Position) {
			if err != nil {
				yield(Fed{}, err)
				return
			}
			for _, r := range batch.Records {
				m, err := changes.Told(ctx, r, wants)
				if err == nil && m == nil {
					continue
				}
				var fed Fed
				if err == nil {
					fed.Message = *m
					fed.Cursor, err = f.behind(r)
				}
				if !yield(fed, err) || err != nil {
					return
				}
			}
		}
	}
}
