package webhook

import (
	"bytes"
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
	answerKept    = 512      // bytes of an answer that are kept, and of an error
	answerDrained = 16 << 10 // bytes that are read for the connection's sake, which can then be used again
)

// signed is what every message is sent with.
func signed(version, id string, at time.Time, body []byte, replay bool, by ...keys.Signing) http.Header {
	header := http.Header{
		"Content-Type": {"application/json"},
		"User-Agent":   {"Rollcall/" + version},
		// The id makes the request idempotent, so the transport may repeat it when a connection that was kept turns out to
		// be closed. An empty list says so to the transport and is not sent.
		"Idempotency-Key": {},
	}
	header.Set(HeaderID, id)
	header.Set(HeaderTimestamp, timestamp(at))
	header.Set(HeaderSignature, Sign(id, at, body, by...))
	if replay {
		header.Set(HeaderReplay, "true")
	}
	return header
}

// exchange is the request and its answer; status and text of the answer go to made. An error tells why the message was not accepted.
func exchange(ctx context.Context, client *http.Client, target string, header http.Header, body []byte, made *projections.Attempt) (answer, error) {
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	r, err := http.NewRequestWithContext(traced, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return answer{kind: unreachable}, errors.New("the endpoint's URL cannot be used")
	}
	r.Header = header
	response, err := client.Do(r)
	if err != nil {
		return answer{kind: failure(ctx, connected.Load())}, bare(err)
	}
	defer response.Body.Close()
	made.Status = response.StatusCode
	// The status is the answer. That the rest of it breaks off or takes too long does not unsay it.
	text, _ := io.ReadAll(io.LimitReader(response.Body, answerKept))
	made.Answer = strings.ToValidUTF8(string(text), "\uFFFD")
	_, _ = io.CopyN(io.Discard, response.Body, answerDrained)
	a := answered(response.StatusCode, response.Header, time.Now())
	if a.kind != accepted {
		err = fmt.Errorf("it answered %d %s", made.Status, http.StatusText(made.Status))
	}
	return a, err
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

// bare is the error without the request's URL, whose query may hold what nobody should read, and no longer than is kept.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no whole answer came in time")
	}
	if text := err.Error(); len(text) > answerKept { // it may quote what came
		return errors.New(strings.ToValidUTF8(text[:answerKept], "\uFFFD"))
	}
	return err
}
