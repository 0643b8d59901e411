// Package eventstore is the log: records in streams, and one order over all of them.
//
// It knows bytes and the names of types, not what they mean; the words are the domain's. What a Store promises is
// written here, storetest holds every implementation to it: memory (this package, for tests), local (SQLite, one
// folder, one writing process) and esdb (EventStoreDB).
package eventstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
)

// A Store is an append-only log. All methods may be called concurrently.
type Store interface {
	// Append writes the batch in the order given and answers the highest position of its records. The records are
	// durable when it returns without error, and every reader that begins afterwards sees them. The batch and its bytes
	// belong to the store from then on: callers no longer change them.
	//
	// Each Write names the version at which its stream must stand. If one does not stand there, nothing of the batch is
	// written by local and memory, and the error is a *ConflictError; esdb writes in order and stops at the first
	// conflict, so callers put claims first and any prefix that is left behind is harmless.
	//
	// A Write whose very records (by their ids) already follow its expected version counts as written: appending a
	// batch again after a lost answer is a success, with the positions that the records got the first time.
	//
	// An error that wraps ErrUnavailable leaves the outcome unknown: the same batch may be appended again. A context
	// that ends while the batch is already being committed leaves it unknown as well; one that ended before never
	// writes. A batch that Check refuses is refused.
	Append(ctx context.Context, batch ...Write) (Position, error)

	// Read yields the records of a stream with a version above after, in order, up to its end at the time of the last
	// page read. A stream that does not exist is empty. An error is yielded once, as the last element.
	Read(ctx context.Context, stream string, after Version) iter.Seq2[Record, error]

	// All yields the records of every stream with a position above after, in the log's order, up to the head at the
	// time of the last page read. An error is yielded once, as the last element.
	All(ctx context.Context, after Position) iter.Seq2[Record, error]

	// Follow yields what All does and then waits for more: it ends only with an error (that of the context, as a rule),
	// yielded once. A batch is never empty of news: its Position is above that of the batch before.
	Follow(ctx context.Context, after Position) iter.Seq2[Batch, error]

	// Head is the position of the last durable record, the zero Position in an empty log.
	Head(ctx context.Context) (Position, error)

	// Close releases the store once appends and pages under way are done. Iterations that go on, followers first of
	// all, end with ErrClosed, and later calls answer it. Twice is harmless.
	Close() error
}

// ID identifies a record for ever. The writer chooses it (a UUID), so that a repeated append is recognised.
type ID [16]byte

// String is the usual form of a UUID.
func (id ID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// RandomID makes a random UUID (version 4, RFC 9562 section 5.4).
func RandomID() (id ID) {
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Version is the number of records in a stream, and of a record: its place in the stream, from 1.
type Version uint64

// NoStream is the version of a stream without records.
const NoStream Version = 0

// An Entry is what a writer gives. Data and Meta are JSON objects.
type Entry struct {
	ID   ID
	Type string // the event's stored name, as user.provisioned
	Data []byte
	Meta []byte
}

// A Write appends entries to one stream, which must stand at Expected.
type Write struct {
	Stream   string
	Expected Version
	Entries  []Entry
}

// A Record is an entry as it stands in the log. Readers must not change its bytes.
type Record struct {
	Entry
	Stream   string
	Version  Version
	Position Position
}

// A Batch is consecutive records and the position that they reach. The position also moves past records that are not
// ours (EventStoreDB's system events), so that whoever waits for the head arrives; Records may then be empty.
type Batch struct {
	Records  []Record
	Position Position
}

var (
	// ErrClosed answers every call on a store that was closed.
	ErrClosed = errors.New("the event store is closed")
	// ErrTooLarge is wrapped when a write is larger than the store takes; it never will.
	ErrTooLarge = errors.New("the write is too large")
	// ErrUnavailable is wrapped when the store cannot answer now, and the same call may succeed later.
	ErrUnavailable = errors.New("the event store is unavailable")
)

// A ConflictError tells that a stream does not stand at the version that a Write expected.
type ConflictError struct {
	Stream           string
	Expected, Actual Version
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("stream %s is at version %d, not %d", e.Stream, e.Actual, e.Expected)
}

// A DamagedError tells that the record at Position is missing or is not what was written. A reader stops there.
type DamagedError struct {
	Position Position
	Reason   string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the record at position %s is damaged: %s; restore the log from a backup", e.Position, e.Reason)
}
