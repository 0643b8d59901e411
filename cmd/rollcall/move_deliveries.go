package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// handover is what was still to be delivered, as it stands behind the records that were moved.
type handover struct {
	stream         string                         // of a tenure that no server had, and behind all that were
	relays         map[string]eventstore.Position // how far brokers have come, in the target
	deliveries     int                            // that have not ended
	parts, written int                            // entries that there are to be, and of them those that stand there, from the first
}

func (h handover) complete() bool { return h.written == h.parts }

// handover calls told for each write of one entry that is to stand in the target behind a place. Their ids follow from what they tell, so that those which stand
// there already are recognised.
func (m *move) handover(ctx context.Context, at eventstore.Place, reached map[string]eventstore.Position, told func(eventstore.Write) error) (handover, error) {
	tenure, err := m.outbox.Tenure(ctx)
	if err != nil {
		return handover{}, err
	}
	h := handover{relays: reached, stream: projections.KindDeliveries.Stream(strconv.FormatUint(tenure+1, 10))}
	meta, err := domain.EncodeMeta(domain.Meta{Actor: system.Actor, Source: system.Source, RecordedAt: time.Now()})
	if err != nil {
		return h, err
	}
	var relayed []domain.DeliveriesRelayed
	for _, name := range slices.Sorted(maps.Keys(reached)) {
		relayed = append(relayed, domain.DeliveriesRelayed{Relay: name, Reached: reached[name].String()})
	}
	for e, err := range m.outbox.Handover(ctx, at.Copy, relayed) {
		if err != nil {
			return h, err
		}
		name, data, err := domain.Encode(e)
		if err != nil {
			return h, err
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %s %s", m.source.ID(), m.target.ID(), h.parts, name, data))
		entry := eventstore.Entry{ID: eventstore.ID(sum[:16]), Type: name, Data: data, Meta: meta}
		if err := told(eventstore.Write{Stream: h.stream, Expected: eventstore.Version(h.parts), Entries: []eventstore.Entry{entry}}); err != nil {
			return h, err
		}
		if e, is := e.(domain.DeliveriesMoved); is {
			h.deliveries += len(e.Deliveries)
		}
		h.parts++
	}
	return h, nil
}

// handedOver finds the entries of the handover that stand in the target behind a place, and refuses a target in which something else does.
func (m *move) handedOver(ctx context.Context, at eventstore.Place, reached map[string]eventstore.Position) (handover, error) {
	next, stop := iter.Pull2(m.target.All(ctx, at.Copy))
	defer stop()
	parts, written := 0, 0
	r, err, more := next()
	h, failed := m.handover(ctx, at, reached, func(w eventstore.Write) error {
		if err == nil && more && written == parts && r.Stream == w.Stream && r.ID == w.Entries[0].ID {
			written++
			r, err, more = next()
		}
		parts++
		return err
	})
	h.written = written
	if err := errors.Join(err, failed); err != nil {
		return h, err
	}
	if more {
		return h, fmt.Errorf("%s holds more than %s, as %s at position %s, and nothing was written: servers may have begun there, else empty it and begin again",
			m.to.place(), m.from.place(), r.Type, r.Position)
	}
	return h, nil
}

// handOver writes what is to stand in the target behind the records, and reads it again.
func (m *move) handOver(ctx context.Context, at eventstore.Place, reached map[string]eventstore.Position) (handover, error) {
	there, err := m.handedOver(ctx, at, reached)
	if err != nil || there.complete() {
		return there, err
	}
	missing := there.written
	_, err = m.handover(ctx, at, reached, func(w eventstore.Write) (err error) {
		if missing--; missing < 0 {
			_, err = m.target.Append(ctx, w)
		}
		return err
	})
	if err == nil {
		there, err = m.handedOver(ctx, at, reached)
	}
	if err == nil && !there.complete() {
		err = fmt.Errorf("%d of %d parts stand in %s", there.written, there.parts, m.to.place())
	}
	if err != nil {
		err = fmt.Errorf("tell what is to be delivered: %w", err)
	}
	return there, err
}
