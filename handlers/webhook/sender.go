package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

// Sender sends messages of the past to one URL, one after the other, signed and marked as those of a replay. It keeps nothing: whoever uses it knows how far
// it has come. For one goroutine.
type Sender struct {
	target, version string
	key             keys.Signing
	client          *http.Client
	pauses          func() backoff.BackOff
}

// ErrGone tells that the receiver answered 410: it wants nothing any more.
var ErrGone = errors.New("the receiver answered 410 Gone")

const (
	sendTimeout = 15 * time.Second // of one attempt
	sendGiveUp  = 5 * time.Minute  // of failures of one message
)

// NewSender makes a Sender. No address is closed to it: who names the URL is who runs the program.
func NewSender(target string, key keys.Signing, version string) *Sender {
	everywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	return &Sender{target, version, key, newGuard(everywhere, nil, 1, nil).client(), func() backoff.BackOff {
		return backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Second), backoff.WithMaxInterval(time.Minute), backoff.WithMaxElapsedTime(sendGiveUp))
	}}
}

// Send sends a message until it is accepted: for five minutes, with growing pauses. It ends early with the context and with ErrGone.
func (s *Sender) Send(ctx context.Context, webhookID string, body []byte) error {
	return backoff.Retry(func() error {
		bounded, cancel := context.WithTimeout(ctx, sendTimeout)
		defer cancel()
		var made projections.Attempt
		a, err := exchange(bounded, s.client, s.target, signed(s.version, webhookID, time.Now(), body, true, s.key), body, &made)
		if a.kind == gone {
			return backoff.Permanent(ErrGone)
		}
		if err != nil {
			return fmt.Errorf("send %s: %w", webhookID, err)
		}
		return nil
	}, backoff.WithContext(s.pauses(), ctx))
}

// Close closes the connections that are idle.
func (s *Sender) Close() { s.client.CloseIdleConnections() }
