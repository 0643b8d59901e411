package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

const (
	answerKept    = 512      // bytes of an answer that are kept
	answerDrained = 16 << 10 // bytes that are read for the connection's sake, which can then be used again
)

// attempt sends a delivery once. An error means that nothing was sent, for a reason of our own.
func (d *Deliverer) attempt(ctx context.Context, t projections.Target, of projections.Delivery) (projections.Attempt, answer, error) {
	body, err := d.config.Outbox.Body(ctx, of.Seq)
	if err != nil {
		return projections.Attempt{}, answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(time.Duration(t.State.Timeout)*time.Second, d.config.Timeout))
	defer cancel()
	at, began := d.config.Now(), time.Now() // the duration is measured on the monotonic clock
	header, err := d.header(t, of, at, body)
	if err != nil {
		return projections.Attempt{}, answer{}, err
	}
	made := projections.Attempt{At: at}
	a, err := d.exchange(ctx, t.State.URL, header, body, &made)
	made.Duration = time.Since(began)
	switch {
	case err != nil:
		made.Error = err.Error()
	case a.kind != accepted:
		made.Error = fmt.Sprintf("it answered %d %s", made.Status, http.StatusText(made.Status))
	}
	return made, a, nil
}

// header is what a message is sent with: the endpoint's own headers, and Rollcall's.
func (d *Deliverer) header(t projections.Target, of projections.Delivery, at time.Time, body []byte) (http.Header, error) {
	var signing []keys.Signing
	for _, sealed := range t.State.Keys(at) {
		key, err := d.config.OpenKey(t.ID, sealed)
		if err != nil {
			return nil, fmt.Errorf("open the signing key: %w", err)
		}
		signing = append(signing, key)
	}
	own, err := d.config.OpenHeaders(t.ID, t.State.Headers)
	if err != nil {
		return nil, fmt.Errorf("open the headers: %w", err)
	}
	header := http.Header{
		"Content-Type": {"application/json"},
		"User-Agent":   {"Rollcall/" + d.config.Version},
		// The id makes the request idempotent, so the transport may repeat it when a connection that was kept turns out to
		// be closed. An empty list says so to the transport and is not sent.
		"Idempotency-Key": {},
	}
	for name, value := range own {
		header.Set(name, value)
	}
	header.Set(HeaderID, of.WebhookID)
	header.Set(HeaderTimestamp, timestamp(at))
	header.Set(HeaderSignature, Sign(of.WebhookID, at, body, signing...))
	if of.Lane != "" {
		header.Set(HeaderReplay, "true")
	}
	return header, nil
}

// exchange is the request and its answer; status and text of the answer go to made.
func (d *Deliverer) exchange(ctx context.Context, target string, header http.Header, body []byte, made *projections.Attempt) (answer, error) {
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	r, err := http.NewRequestWithContext(traced, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return answer{kind: unreachable}, errors.New("the endpoint's URL cannot be used")
	}
	r.Header = header
	response, err := d.client.Do(r)
	if err != nil {
		return answer{kind: failure(ctx, connected.Load())}, bare(err)
	}
	defer response.Body.Close()
	made.Status = response.StatusCode
	// The status is the answer. That the rest of it breaks off or takes too long does not unsay it.
	text, _ := io.ReadAll(io.LimitReader(response.Body, answerKept))
	made.Answer = strings.ToValidUTF8(string(text), "\uFFFD")
	_, _ = io.CopyN(io.Discard, response.Body, answerDrained)
	return answered(response.StatusCode, response.Header, d.config.Now()), nil
}

func failure(ctx context.Context, connected bool) kind {
	switch {
	case !connected:
		return unreachable
	case ctx.Err() != nil:
		return timedOut
	}
	return broken
}

// bare is the error without the request's URL, whose query may hold what nobody should read.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no whole answer came in time")
	}
	return err
}
