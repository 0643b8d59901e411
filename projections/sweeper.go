package projections

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Retention is how long deliveries are kept after their end, with their messages and attempts.
type Retention struct {
	Delivered time.Duration
	Failed    time.Duration // cancelled ones too
}

// Sweeper removes deliveries from the outbox whose time is over, and those of endpoints that were deleted. It takes few at a time, so that
// outcomes and new messages wait for none of it; the room is used again.
type Sweeper struct {
	outbox *Outbox
	keep   Retention
	logger *slog.Logger
}

// NewSweeper makes a Sweeper. Nothing is removed before Run.
func NewSweeper(outbox *Outbox, keep Retention, logger *slog.Logger) *Sweeper {
	return &Sweeper{outbox, keep, logger}
}

const (
	sweepEvery    = time.Minute
	sweepTogether = 256 // deliveries in one transaction
)

// Run sweeps until the context ends: every minute, and when an endpoint may have been deleted.
func (s *Sweeper) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.logger.LogAttrs(ctx, slog.LevelError, "old deliveries cannot be removed for now", slog.String("error", err.Error()))
		}
		select {
		case <-tick.C:
		case <-s.outbox.deleted:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Sweeper) sweep(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := s.outbox.Sweep(ctx, time.Now(), s.keep)
		if err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// Sweep removes some of the deliveries whose time is over, or whose endpoint is deleted, and tells how many; 0 if there are none.
func (o *Outbox) Sweep(ctx context.Context, now time.Time, keep Retention) (n int, err error) {
	err = o.db.update(ctx, func(b *batch) error {
		for _, which := range []struct {
			query string
			args  []any
		}{
			{`SELECT seq FROM deliveries WHERE endpoint = (SELECT endpoint FROM tallies WHERE n > 0 AND endpoint NOT IN (SELECT id FROM endpoints) LIMIT 1) LIMIT ?`, nil},
			{`SELECT seq FROM deliveries WHERE state = 'delivered' AND ended > 0 AND ended < ? LIMIT ?`, []any{millis(now.Add(-keep.Delivered))}},
			{`SELECT seq FROM deliveries WHERE state IN ('failed', 'cancelled') AND ended > 0 AND ended < ? LIMIT ?`, []any{millis(now.Add(-keep.Failed))}},
		} {
			if n, err = removeDeliveries(b, which.query, append(which.args, sweepTogether)...); err != nil || n > 0 {
				return err
			}
		}
		return b.exec(`DELETE FROM tallies WHERE n = 0`)
	})
	if err != nil {
		return 0, fmt.Errorf("sweep the outbox: %w", err)
	}
	return n, nil
}

// removeDeliveries removes the deliveries that a query selects, their attempts, and the messages that no other delivery refers to, for they are
// about people.
func removeDeliveries(b *batch, query string, args ...any) (n int, err error) {
	var seqs string
	if _, err := b.row(`SELECT json_group_array(seq), count(*) FROM (`+query+`)`, args, &seqs, &n); err != nil || n == 0 {
		return 0, err
	}
	for _, remove := range []string{
		`DELETE FROM attempts WHERE delivery IN (SELECT value FROM json_each(?))`,
		`DELETE FROM messages WHERE event IN (SELECT event FROM deliveries WHERE seq IN (SELECT value FROM json_each(?1)))
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = messages.event AND d.seq NOT IN (SELECT value FROM json_each(?1)))`,
		`DELETE FROM deliveries WHERE seq IN (SELECT value FROM json_each(?))`,
	} {
		if err := b.exec(remove, seqs); err != nil {
			return 0, err
		}
	}
	return n, nil
}
