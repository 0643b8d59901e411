package projections

import (
	"context"
	"fmt"
	"iter"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// Begun tells whether the outbox knows how far it has come; a file that is new does not.
func (o *Outbox) Begun(ctx context.Context) (bool, error) {
	n, err := counted(ctx, o.db.read, `SELECT count(*) FROM checkpoint`)
	if err != nil {
		return false, fmt.Errorf("read the checkpoint of %s: %w", o.db.path, err)
	}
	return n > 0, nil
}

// Begin sets where an outbox without a checkpoint begins: changes up to the position are not delivered, but what stands there is known of
// endpoints, tenures and relays. It reads the log. It is durable when it returns: behind a log that has records, an outbox that lost its beginning would
// be taken for one that lost what was delivered.
func (o *Outbox) Begin(ctx context.Context, records iter.Seq2[eventstore.Record, error], at eventstore.Position) error {
	known := beginning{endpoints: o.endpoints.draft()}
	for r, err := range records {
		if err != nil {
			return fmt.Errorf("read where the outbox begins: %w", err)
		}
		if at.Before(r.Position) {
			break
		}
		if err := known.fold(r); err != nil {
			return err
		}
	}
	if err := o.db.update(ctx, func(b *batch) error {
		if err := known.write(b); err != nil {
			return err
		}
		return b.reached(at)
	}); err != nil {
		return err
	}
	if err := o.db.sync(ctx); err != nil {
		return err
	}
	o.progress.reach(at)
	o.applied = at
	known.endpoints.commit()
	return nil
}

// beginning is what an outbox must know of what stands before its beginning.
type beginning struct {
	endpoints *draft
	last      tenure
	relayed   []domain.DeliveriesRelayed
}

func (k *beginning) fold(r eventstore.Record) error {
	switch kind, id := SplitStream(r.Stream); kind {
	case KindEndpoint:
		_, _, err := k.endpoints.fold(id, r)
		return err
	case KindDeliveries:
		t, err := tenureOf(r)
		if err != nil {
			return err
		}
		k.last = max(k.last, t)
		s, err := DecodeRecord(r)
		if err != nil {
			return err
		}
		switch e := s.Event.(type) {
		case domain.DeliveriesRelayed:
			k.relayed = append(k.relayed, e)
		case domain.DeliveriesMoved:
			if e.Settled != "" {
				k.relayed = nil // it was told of another log's positions
			}
		}
	}
	return nil
}

func (k *beginning) write(b *batch) error {
	for _, t := range k.endpoints.left() {
		if err := saveEndpoint(b, t); err != nil {
			return err
		}
	}
	if _, err := k.last.over(b); err != nil {
		return err
	}
	for _, e := range k.relayed {
		if err := applyRelayed(b, e); err != nil {
			return err
		}
	}
	return nil
}
