package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// outboxPlace is where an outbox is, and where it begins if it is new.
type outboxPlace struct {
	folder string
	shared bool   // servers share the log: what they delivered stands there
	from   string // --deliveries-from
	marks  projections.Marks
}

// open opens the outbox of a log that has this head. What an outbox delivered is nowhere else, unless servers share the log: a lost file is not guessed
// from.
func (p outboxPlace) open(ctx context.Context, log eventLog, head eventstore.Position) (*projections.Outbox, error) {
	outbox, err := projections.OpenOutbox(p.folder, log, log.ID())
	if errors.Is(err, projections.ErrOtherLog) {
		return nil, fmt.Errorf("%s belongs to another log than the one beside it; move it away and start with --deliveries-from", p.file())
	}
	if err != nil {
		return nil, err
	}
	if err := p.begin(ctx, outbox, log, head); err != nil {
		return nil, errors.Join(err, outbox.Close())
	}
	return outbox, nil
}

func (p outboxPlace) file() string { return filepath.Join(p.folder, projections.OutboxFile) }

func (p outboxPlace) begin(ctx context.Context, outbox *projections.Outbox, log eventLog, head eventstore.Position) error {
	begun, err := outbox.Begun(ctx)
	switch {
	case err != nil:
		return err
	case begun && head.Before(outbox.Progress().Position()):
		return fmt.Errorf("%s is ahead of the log, which was restored from a backup; move it away and start with --deliveries-from", p.file())
	case begun:
		return nil
	}
	at, err := p.undelivered(ctx, log, head)
	if err != nil {
		return err
	}
	return outbox.Begin(ctx, log.All(ctx, eventstore.Position{}), at)
}

// undelivered is where a new outbox begins. Where servers share the log and none of them has told what it delivered, nothing was.
func (p outboxPlace) undelivered(ctx context.Context, log eventLog, head eventstore.Position) (at eventstore.Position, err error) {
	switch {
	case head == at:
	case p.from != "":
		if at, err = projections.Locate(ctx, log, p.marks, p.from); err != nil {
			err = fmt.Errorf("--deliveries-from: %w", err)
		}
	case p.shared:
		at, _, err = projections.LastSettled(ctx, log)
	default:
		err = fmt.Errorf("%s is lost, and with it what was delivered; start with --deliveries-from <position>, <RFC 3339 time> or head", p.file())
	}
	return at, err
}
