package projections

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// RelayFile is where a relay of the one process that writes a log keeps how far it has come.
type RelayFile struct {
	db    *database
	begun eventstore.Position
}

const relaySchema = `CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), position TEXT NOT NULL, log TEXT NOT NULL)`

// OpenRelayFile opens the file of a relay in a folder, by the relay's name. One that is new begins behind a position. A file of another log is
// ErrOtherLog, and one that is ahead of its log, which was then restored from a backup, is refused: the relay would pass over what comes to stand there.
func OpenRelayFile(ctx context.Context, folder, name string, log Headed, id string, begin eventstore.Position) (*RelayFile, error) {
	db, err := openDatabase(filepath.Join(folder, name+".db"), relaySchema, id)
	if err != nil {
		return nil, err
	}
	f := &RelayFile{db: db}
	if err := f.begin(ctx, log, begin); err != nil {
		return nil, errors.Join(err, db.close())
	}
	return f, nil
}

func (f *RelayFile) begin(ctx context.Context, log Headed, at eventstore.Position) error {
	var err error
	if f.begun, err = f.db.checkpoint(); err != nil {
		return err
	}
	known, err := counted(ctx, f.db.read, `SELECT count(*) FROM checkpoint`)
	if err != nil {
		return err
	}
	if known == 0 {
		f.begun = at
	}
	head, err := log.Head(ctx)
	if err != nil {
		return err
	}
	if head.Before(f.begun) {
		return fmt.Errorf("%s is ahead of the log, which was restored from a backup; move it away and start with --publish-from", f.db.path)
	}
	if known > 0 {
		return nil
	}
	return f.Keep(ctx, at)
}

// Begun is how far the relay had come when the file was opened.
func (f *RelayFile) Begun() eventstore.Position { return f.begun }

// Keep keeps how far the relay has come.
func (f *RelayFile) Keep(ctx context.Context, at eventstore.Position) error {
	return f.db.update(ctx, func(b *batch) error { return b.reached(at) })
}

// Close closes the file.
func (f *RelayFile) Close() error { return f.db.close() }
