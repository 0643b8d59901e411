// Package projections is the present: read models built from the log, and the outbox of messages that changes became.
//
// A Runner follows the log and hands each batch to every Projection, which applies it together with its checkpoint in
// one transaction. ReadModel holds the current organizations, directories, users and groups; Outbox holds what is to be
// delivered. Both live in SQLite files of their own.
//
// The files are derived from the log: they are written with synchronous=NORMAL in WAL mode, which a loss of power never
// damages but may set back by some transactions, and those are then made again from the log. The read model may be deleted
// at any time. The outbox also remembers what was delivered; set back, it delivers again, under the same ids.
//
// Replies is the exception: what a request was answered is in no log. Its file is written with synchronous=FULL, for a request whose row a loss of power took away
// would be carried out twice.
//
// Where several servers share a log each has files of its own. A query then asks the log for its head first (ReadModel.ShareLog), and what the server
// that delivers does is told in the log, from where every outbox takes it.
//
// Every row carries its directory and every query names it: one directory's id asked of another is not found.
package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// A Projection builds something from the log.
type Projection interface {
	// Name is short and stable; it labels logs and metrics.
	Name() string
	// Progress is how far it has come. It begins at the checkpoint that the projection finds in its file.
	Progress() *Progress
	// Apply applies one batch and moves the checkpoint, both or neither. It is called by one goroutine, in order.
	Apply(ctx context.Context, batch eventstore.Batch) error
}

// ErrNotFound answers a query for what does not exist, or not in the directory that was named.
var ErrNotFound = errors.New("not found")

// Stored is a record with its event and meta decoded.
type Stored struct {
	eventstore.Record
	Event domain.Event
	Meta  domain.Meta
}

// DecodeRecord reads a record's event and meta.
func DecodeRecord(r eventstore.Record) (Stored, error) {
	event, err := domain.Decode(r.Type, r.Data)
	if err != nil {
		return Stored{}, fmt.Errorf("record at position %s: %w", r.Position, err)
	}
	meta, err := domain.DecodeMeta(r.Meta)
	if err != nil {
		return Stored{}, fmt.Errorf("record at position %s: %w", r.Position, err)
	}
	return Stored{r, event, meta}, nil
}

// Times are kept and sorted as text of one width, in UTC.
const timeLayout = "2006-01-02T15:04:05.000Z"

func formatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

func parseTime(s string) time.Time {
	t, _ := time.Parse(timeLayout, s)
	return t
}
