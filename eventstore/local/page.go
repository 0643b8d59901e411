package local

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A page ends at pageRows records or after the record that passes pageBytes. SQLite's read transaction ends with it:
// a reader that stayed open would keep the WAL from being reused.
const (
	pageRows  = 512
	pageBytes = 1 << 20
)

// pages reads a log page by page. last answers how far All and Follow may read.
type pages struct {
	pool *pool
	last func(context.Context) (uint64, error)
}

// all is eventstore.Store's All.
func (p *pages) all(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		at := number(after)
		for {
			last, err := p.last(ctx)
			if err != nil {
				yield(eventstore.Record{}, err)
				return
			}
			if at >= last {
				return
			}
			records, err := p.afterPosition(ctx, at, last)
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
			if err != nil {
				yield(eventstore.Record{}, err)
				return
			}
			at += uint64(len(records))
		}
	}
}

// stream is eventstore.Store's Read.
func (p *pages) stream(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for {
			records, more, err := p.afterVersion(ctx, stream, after)
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
			if err != nil {
				yield(eventstore.Record{}, err)
				return
			}
			if !more {
				return
			}
			after += eventstore.Version(len(records))
		}
	}
}

// afterPosition reads a page of the records above after and up to last, which must be there: at least one. With an
// error come the good records before it.
func (p *pages) afterPosition(ctx context.Context, after, last uint64) ([]eventstore.Record, error) {
	var records []eventstore.Record
	err := p.pool.use(ctx, func(s *session) error {
		records = nil
		if err := bind(s.all, 1, int64(after), int64(last), pageRows); err != nil {
			return trouble(err, after+1)
		}
		defer s.all.Reset()
		size := 0
		for len(records) < pageRows && size < pageBytes && after+uint64(len(records)) < last {
			want := after + uint64(len(records)) + 1
			if !s.all.Step() {
				if err := s.all.Err(); err != nil {
					return trouble(err, want)
				}
				return damaged(want, "it is missing")
			}
			if position := uint64(s.all.ColumnInt64(0)); position != want {
				return damaged(want, "it is missing")
			}
			r, err := scan(s.all)
			if err != nil {
				return err
			}
			records = append(records, r)
			size += len(r.Data) + len(r.Meta)
		}
		return nil
	})
	if err != nil {
		return records, fmt.Errorf("read the log after %d: %w", after, err)
	}
	return records, nil
}

// afterVersion reads a page of a stream's records above after, and tells whether there may be more. With an error come
// the good records before it.
func (p *pages) afterVersion(ctx context.Context, stream string, after eventstore.Version) ([]eventstore.Record, bool, error) {
	var records []eventstore.Record
	more := false
	err := p.pool.use(ctx, func(s *session) error {
		records, more = nil, false
		if err := s.one.BindText(1, stream); err != nil {
			return trouble(err, 1)
		}
		if err := bind(s.one, 2, clamp(uint64(after)), pageRows); err != nil {
			return trouble(err, 1)
		}
		defer s.one.Reset()
		size := 0
		var before uint64 // the position of the record before, if it is known
		for {
			if len(records) == pageRows || size >= pageBytes {
				more = true
				return nil
			}
			want := after + eventstore.Version(len(records)) + 1
			if !s.one.Step() {
				return trouble(s.one.Err(), before+1)
			}
			position := uint64(s.one.ColumnInt64(0))
			if version := eventstore.Version(s.one.ColumnInt64(2)); version != want {
				return damaged(gap(s.conn, before, position), fmt.Sprintf("%s has no version %d, but version %d", stream, want, version))
			}
			r, err := scan(s.one)
			if err != nil {
				return err
			}
			records = append(records, r)
			size += len(r.Data) + len(r.Meta)
			before = position
		}
	})
	if err != nil {
		return records, false, fmt.Errorf("read %s after version %d: %w", stream, after, err)
	}
	return records, more, nil
}

// head reads the position of the last record from the file.
func (p *pages) head(ctx context.Context) (uint64, error) {
	var head uint64
	err := p.pool.use(ctx, func(s *session) error {
		defer s.head.Reset()
		if s.head.Step() {
			head = uint64(s.head.ColumnInt64(0))
		}
		return trouble(s.head.Err(), 1)
	})
	if err != nil {
		return 0, fmt.Errorf("read the head of the log: %w", err)
	}
	return head, nil
}

// gap finds the first position between two records that has no record. Where there is none, the second is the damage.
func gap(c *sqlite3.Conn, before, after uint64) uint64 {
	s, err := prepare(c, `SELECT position FROM records WHERE position > ?1 AND position < ?2 ORDER BY position`)
	if err != nil {
		return after
	}
	defer s.Close()
	if bind(s, 1, int64(before), int64(after)) != nil {
		return after
	}
	want := before + 1
	for ; want < after && s.Step(); want++ {
		if uint64(s.ColumnInt64(0)) != want {
			break
		}
	}
	return want
}

// scan makes a record of a row and refuses one that is not what was written.
func scan(s *sqlite3.Stmt) (eventstore.Record, error) {
	position := uint64(s.ColumnInt64(0))
	r := eventstore.Record{
		Entry: eventstore.Entry{
			Type: s.ColumnText(4),
			Data: s.ColumnBlob(5, nil),
			Meta: s.ColumnBlob(6, nil),
		},
		Stream:   s.ColumnText(1),
		Version:  eventstore.Version(s.ColumnInt64(2)),
		Position: eventstore.At(position, position),
	}
	id := s.ColumnRawBlob(3)
	if len(id) != len(r.ID) {
		return r, damaged(position, fmt.Sprintf("its id has %d bytes", len(id)))
	}
	copy(r.ID[:], id)
	if uint64(checksum(position, &r)) != uint64(s.ColumnInt64(7)) {
		return r, damaged(position, "its checksum does not fit its bytes")
	}
	return r, nil
}

func damaged(position uint64, reason string) error {
	return &eventstore.DamagedError{Position: eventstore.At(position, position), Reason: reason}
}

// bind gives a statement its numbers, from the parameter first on.
func bind(s *sqlite3.Stmt, first int, numbers ...int64) error {
	for i, n := range numbers {
		if err := s.BindInt64(first+i, n); err != nil {
			return err
		}
	}
	return nil
}

// number is the place of a position in this store, whose positions have one number.
func number(p eventstore.Position) uint64 {
	commit, _ := p.Numbers()
	return commit
}

// clamp brings a number into SQLite's range; nothing stands above it.
func clamp(n uint64) int64 { return int64(min(n, math.MaxInt64)) }
