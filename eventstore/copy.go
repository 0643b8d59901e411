package eventstore

import (
	"bytes"
	"context"
	"fmt"
	"iter"
)

// A Source is a log that is read from its start.
type Source interface {
	// All is as in Store.
	All(ctx context.Context, after Position) iter.Seq2[Record, error]
}

// A Place is how far a log and its copy are the same: the number of records, and where the last of them stands in each.
type Place struct {
	Records   uint64
	Log, Copy Position
}

// A DifferentError tells that a log and what should be its copy are not the same.
type DifferentError struct {
	Log, Copy Position
	Reason    string
}

func (e *DifferentError) Error() string {
	return fmt.Sprintf("position %s of the copy is not position %s of the log: %s", e.Copy, e.Log, e.Reason)
}

// A copy is appended in batches of so many records or bytes, so that one commit serves many.
const (
	copyRecords = 512
	copyBytes   = 1 << 20
)

// Size is what an entry counts towards the limits of stores: its data, its meta, and two bytes for each letter of its type.
func (e Entry) Size() int { return len(e.Data) + len(e.Meta) + 2*len(e.Type) }

// Measure counts the records of a log and finds the largest. It reads all of it, so that a damaged record shows before anything is made of it. told is
// called for each record with their number so far.
func Measure(ctx context.Context, log Source, told func(records uint64)) (records uint64, largest Record, err error) {
	for r, err := range log.All(ctx, Position{}) {
		if err != nil {
			return records, largest, err
		}
		if records++; records == 1 || r.Size() > largest.Size() {
			largest = r
		}
		told(records)
	}
	return records, largest, nil
}

// Compare reads a log and its copy side by side, byte for byte, and answers where one of them ends. It is a *DifferentError if they are not the same up to
// there. told is called for each record that they share.
func Compare(ctx context.Context, log, copied Source, told func(Place)) (at Place, err error) {
	next, stop := iter.Pull2(log.All(ctx, Position{}))
	defer stop()
	for c, err := range copied.All(ctx, Position{}) {
		if err != nil {
			return at, fmt.Errorf("read the copy: %w", err)
		}
		r, err, more := next()
		if err != nil {
			return at, fmt.Errorf("read the log: %w", err)
		}
		if !more {
			return at, nil
		}
		if reason := difference(r, c); reason != "" {
			return at, &DifferentError{r.Position, c.Position, reason}
		}
		at = Place{at.Records + 1, r.Position, c.Position}
		told(at)
	}
	return at, nil
}

// difference tells in what two records differ that should be the same; positions may.
func difference(r, c Record) string {
	switch {
	case r.ID != c.ID:
		return fmt.Sprintf("it is record %s of %s, and not %s of %s", c.ID, c.Stream, r.ID, r.Stream)
	case r.Stream != c.Stream || r.Version != c.Version:
		return fmt.Sprintf("record %s is version %d of %s, and not version %d of %s", r.ID, c.Version, c.Stream, r.Version, r.Stream)
	case r.Type != c.Type:
		return fmt.Sprintf("record %s is of type %s, and not %s", r.ID, c.Type, r.Type)
	case !bytes.Equal(r.Data, c.Data):
		return fmt.Sprintf("record %s has other data", r.ID)
	case !bytes.Equal(r.Meta, c.Meta):
		return fmt.Sprintf("record %s has other metadata", r.ID)
	}
	return ""
}

// Copy appends to a store what stands in a log behind a place, each record as it is and in the same order, up to the log's end, and answers the place that it
// has come to. Nobody else may write to the store meanwhile. limit is the largest Write that the store takes, in the Size of its entries. told is called
// after each append. After an error a part may be written that the answer does not tell of: Compare finds it.
func Copy(ctx context.Context, log Source, to Store, at Place, limit int, told func(Place)) (Place, error) {
	var batch []Write
	records, size, last := 0, 0, at.Log
	flush := func() error {
		if records == 0 {
			return nil
		}
		p, err := to.Append(ctx, batch...)
		if err != nil {
			return err
		}
		at = Place{at.Records + uint64(records), last, p}
		told(at)
		batch, records, size = nil, 0, 0 // the store keeps the old one
		return nil
	}
	for r, err := range log.All(ctx, at.Log) {
		if err != nil {
			return at, fmt.Errorf("read the log: %w", err)
		}
		if r.Size() > limit {
			return at, fmt.Errorf("the record at position %s has %d bytes, more than the %d that the store takes", r.Position, r.Size(), limit)
		}
		if records == copyRecords || size+r.Size() > min(limit, copyBytes) {
			if err := flush(); err != nil {
				return at, err
			}
		}
		if n := len(batch); n > 0 && batch[n-1].Stream == r.Stream {
			batch[n-1].Entries = append(batch[n-1].Entries, r.Entry)
		} else {
			batch = append(batch, Write{Stream: r.Stream, Expected: r.Version - 1, Entries: []Entry{r.Entry}})
		}
		records, size, last = records+1, size+r.Size(), r.Position
	}
	err := flush()
	return at, err
}
