package esdb

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// errSilent ends a subscription that does not tell what its node has.
var errSilent = unavailable(errors.New("the subscription is silent though there is news"))

// Follow yields what All does and then what comes, in batches of what had arrived when the reader asked. A subscription
// that breaks off, whose node is replaced or that keeps silent is begun again behind the last batch, for as long as it
// takes: only the context, Close, a refusal or damage end it.
func (s *Store) Follow(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Batch, error] {
	return func(yield func(eventstore.Batch, error) bool) {
		own, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		at, left := after, false
		for pauses := newPauses(); ; {
			err := s.subscribe(own, at, func(b eventstore.Batch) bool {
				pauses.Reset()
				at, left = b.Position, !yield(b, nil)
				return !left
			})
			switch {
			case left:
				return
			case s.ctx.Err() != nil:
				err = eventstore.ErrClosed
			case ctx.Err() != nil:
				err = ctx.Err()
			case errors.Is(err, eventstore.ErrUnavailable):
				s.config.Logger.Warn("EventStoreDB subscription lost", slog.String("position", at.String()), slog.Any("error", err))
				pause(own, own, pauses.NextBackOff())
				continue
			}
			yield(eventstore.Batch{}, ended(err, "follow the log after %s", at))
			return
		}
	}
}

// subscribe hands on what one subscription brings, until it ends or the reader leaves.
func (s *Store) subscribe(ctx context.Context, at eventstore.Position, yield func(eventstore.Batch) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n, err := s.nodes.get(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer s.nodes.release(n)
	ctx, cancel := context.WithCancel(ctx)
	box := newInbox(at)
	received := make(chan struct{})
	go func() {
		defer close(received)
		box.end(s.receive(ctx, n, at, box))
	}()
	defer func() {
		cancel()
		<-received
	}()
	silence := time.NewTimer(s.config.Silence)
	defer silence.Stop()
	for head := at; ; silence.Reset(s.config.Silence) {
		select {
		case <-box.news:
		case <-silence.C:
			// Twice silent, and still before what the leader had the first time: the node is not it, or is stuck.
			if at.Before(head) {
				return errSilent
			}
			if head, err = s.Head(ctx); err != nil {
				return err
			}
			continue
		}
		b, err := box.take()
		if at.Before(b.Position) {
			if at = b.Position; !yield(b) {
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// receive fills the inbox until the subscription ends, and answers why it did.
func (s *Store) receive(ctx context.Context, n *node, after eventstore.Position, box *inbox) error {
	o := &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: from(after)},
		CountOption:  &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}},
	}
	complete(o)
	call, err := n.streams.Read(needLeader(ctx), &streams.ReadReq{Options: o})
	if err != nil {
		return s.judge(ctx, n, nil, err)
	}
	for {
		m, err := call.Recv()
		if err != nil {
			return s.judge(ctx, n, call.Trailer(), err)
		}
		switch {
		case m.GetEvent().GetEvent() != nil:
			err = box.event(ctx, m.GetEvent().GetEvent())
		case m.GetCheckpoint() != nil:
			box.reach(eventstore.At(m.GetCheckpoint().GetCommitPosition(), m.GetCheckpoint().GetPreparePosition()))
		}
		if err != nil {
			return err
		}
	}
}
