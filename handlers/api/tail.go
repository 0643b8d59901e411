package api

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rollcall-sync/rollcall/projections"
)

const (
	eventStream = "text/event-stream"
	heartbeat   = 15 * time.Second // of silence, and then a comment, so that nobody between takes the connection for dead
	writeWithin = 30 * time.Second // the client takes what is sent, or is taken for gone
)

// tail sends messages as server-sent events as they come. Each has its cursor as its id, and a client that comes back with Last-Event-ID goes on behind it.
func (a *API) tail(w http.ResponseWriter, r *request, wants projections.Wants) error {
	from := r.Header.Get("Last-Event-ID")
	if from == "" {
		from = r.params.Get("after")
	}
	after, err := a.after(r, from)
	if err != nil {
		return err
	}
	connection := http.NewResponseController(w)
	if err := errors.Join(connection.SetReadDeadline(time.Time{}), connection.SetWriteDeadline(time.Now().Add(writeWithin))); err != nil {
		return fmt.Errorf("keep the connection open: %w", err)
	}
	ctx, cancel := a.untilStop(r.Context())
	defer cancel()
	messages := make(chan projections.Fed)
	ended := make(chan error, 1)
	go func() {
		for m, err := range a.Feed.Tail(ctx, after, wants) {
			if err != nil {
				ended <- err
				return
			}
			select {
			case messages <- m:
			case <-ctx.Done():
			}
		}
	}()
	w.Header().Set("Content-Type", eventStream)
	w.WriteHeader(http.StatusOK)
	send := func(text []byte) bool {
		_ = connection.SetWriteDeadline(time.Now().Add(writeWithin)) // it was possible above
		_, err := w.Write(text)
		return err == nil && connection.Flush() == nil
	}
	silence := time.NewTicker(heartbeat)
	defer silence.Stop()
	for ok := send([]byte(": the feed of Rollcall\n\n")); ok; {
		text := []byte(": \n\n")
		select {
		case m := <-messages:
			if text, err = eventOf(m); err != nil {
				return nil // the answer has begun: it ends here, and the client comes back
			}
			silence.Reset(heartbeat)
		case <-silence.C:
		case <-ended:
			return nil
		case <-ctx.Done():
			return nil
		}
		_, err := a.asking(w, r.Request)
		ok = err == nil && send(text)
	}
	return nil
}

// eventOf is a message as a server-sent event.
func eventOf(m projections.Fed) ([]byte, error) {
	body, err := m.Message.Body() // one line: JSON holds no newline
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %s\nevent: %s\ndata: %s\n\n", m.Cursor, m.Message.Type, body)
	return b.Bytes(), nil
}
