package projections

import (
	"context"
	"errors"
	"iter"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Log is what a Runner reads.
type Log interface {
	Follow(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Batch, error]
}

// subscriber is the log as a watermill Subscriber. One message is one batch, which travels in the message's context and
// is never encoded again. A nack ends the subscription: what was refused once is not sent for ever.
type subscriber struct {
	log  Log
	from eventstore.Position
	end  func(error) // told why the log could not be followed on
}

type batchKey struct{}

// batchOf is the batch that a message carries.
func batchOf(m *message.Message) eventstore.Batch {
	return m.Context().Value(batchKey{}).(eventstore.Batch)
}

// Subscribe implements message.Subscriber. The channel closes after a nack, after an error of the log, and with the context.
func (s *subscriber) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for b, err := range s.log.Follow(ctx, s.from) {
			if err != nil {
				if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
					s.end(err)
				}
				return
			}
			if !hand(ctx, out, b) {
				return
			}
		}
	}()
	return out, nil
}

// hand gives one batch over and tells whether it was taken.
func hand(ctx context.Context, out chan<- *message.Message, b eventstore.Batch) bool {
	// The batch in hand is finished though the subscription ends meanwhile.
	m := message.NewMessageWithContext(context.WithValue(context.WithoutCancel(ctx), batchKey{}, b), watermill.NewUUID(), nil)
	select {
	case out <- m:
	case <-ctx.Done():
		return false
	}
	select {
	case <-m.Acked():
		return true
	case <-m.Nacked():
		return false
	}
}

// Close implements message.Subscriber. The router also ends the context that it gave to Subscribe; there is nothing else to close.
func (s *subscriber) Close() error { return nil }
