package projections

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A batch that could not be written is tried again after firstPause, and each time after twice as long, up to longestPause.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 10 * time.Second
)

// errEnded tells that a Runner ended while a batch was still to be tried again. Nothing of it was written: it comes again with
// the next start.
var errEnded = errors.New("ended before the batch was applied")

// insist applies a batch, again and again while what is in the way passes: the transaction was taken back, and the batch is the one in
// hand, not acknowledged and not sent anew. It tells how long the try took that succeeded. The context is the Runner's;
// each try has its own, which does not end halfway.
func (r *Runner) insist(ctx context.Context, p Projection, try context.Context, b eventstore.Batch) (time.Duration, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		began := time.Now()
		err := p.Apply(try, b)
		if !passes(err) {
			return time.Since(began), err
		}
		if ctx.Err() == nil {
			r.logger.LogAttrs(ctx, slog.LevelWarn, "a projection cannot go on for now and tries again", slog.String("projection", p.Name()),
				slog.String("after_position", p.Progress().Position().String()), slog.Duration("pause", pause), slog.String("error", err.Error()))
		}
		p.Progress().stumble(err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return 0, errors.Join(errEnded, err)
		}
	}
}

// passes tells whether an error may be gone at the next try: a message could not be handed on, or the log could not be read; or, of SQLite, another process holds the file, the disk is
// full or does not answer, file descriptors have run out. Damage does not pass, also where SQLite reports it as an error of the disk.
func passes(err error) bool {
	if _, damaged := errors.AsType[*eventstore.DamagedError](err); damaged {
		return false
	}
	if _, handing := errors.AsType[*handError](err); handing {
		return true
	}
	for _, lasting := range []error{sqlite3.CORRUPT, sqlite3.NOTADB, sqlite3.IOERR_CORRUPTFS, sqlite3.IOERR_DATA} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	for _, passing := range []error{eventstore.ErrUnavailable, sqlite3.BUSY, sqlite3.FULL, sqlite3.IOERR, sqlite3.CANTOPEN, sqlite3.PROTOCOL} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}
