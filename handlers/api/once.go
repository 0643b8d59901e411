package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/projections"
)

const (
	idempotencyKey    = "Idempotency-Key"
	maxIdempotencyKey = 255

	// maxReply bounds what is kept of an answer. Only previews of the past are larger, which change nothing: they are made again.
	maxReply = 2 << 20
)

// reply is an answer as it is kept: sealed, for it may show a secret.
type reply struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
}

// once carries a request that has an Idempotency-Key out once: sent again it is answered as the first time. An error that is ours, or that waiting may
// heal, is not kept, so that the request can be sent again.
func (a *API) once(h handler) handler {
	return func(w http.ResponseWriter, r *request) error {
		key, err := keyGiven(r)
		if err != nil {
			return err
		}
		if key == "" {
			return h(w, r)
		}
		var body []byte
		if r.ContentLength != 0 {
			if body, err = handlers.ReadBody(w, r.Request, maxBody, "application/json"); err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return a.onceBy(a.asked(r, key, body), w, r, h)
	}
}

// onceBy is once, for what was read of the request.
func (a *API) onceBy(asked projections.Asked, w http.ResponseWriter, r *request, h handler) error {
	kept, err := a.Replies.Begin(r.Context(), asked)
	if err != nil {
		return refuseRepeat(w, err)
	}
	if kept != "" {
		return a.repeat(w, r, asked.ID, kept)
	}
	ended := false
	defer func() {
		if !ended {
			a.Replies.Leave(asked)
		}
	}()
	given := &recorded{header: http.Header{}}
	if err := h(given, r); err != nil {
		e := domain.Shown(err)
		if status(e) >= http.StatusInternalServerError || e.Code == domain.RateLimited || e.Code == domain.Unauthorized { // a token that expired is followed by another
			maps.Copy(w.Header(), given.header)
			return err
		}
		handlers.NoteFault(r.Request, err)
		show(given, r.Request, e)
	}
	sealed, err := a.seal(asked.ID, given)
	if err != nil {
		return err
	}
	if ended = len(sealed) <= maxReply; ended {
		if err := a.Replies.Keep(r.Context(), asked, sealed); err != nil {
			handlers.NoteFault(r.Request, err) // it was carried out, and is answered
		}
	}
	given.send(w)
	return nil
}

// keyGiven is the Idempotency-Key of a request, "" for one without.
func keyGiven(r *request) (string, error) {
	given := r.Header.Values(idempotencyKey)
	if len(given) == 0 {
		return "", nil
	}
	if len(given) > 1 || given[0] == "" || len(given[0]) > maxIdempotencyKey || strings.ContainsFunc(given[0], func(c rune) bool { return c < ' ' || c > '~' }) {
		return "", domain.RefuseField(idempotencyKey, "is not one key of 1 to %d characters of ASCII", maxIdempotencyKey)
	}
	return given[0], nil
}

// asked is what a request with an Idempotency-Key asks. The body, or what stands for it, tells it from others.
func (a *API) asked(r *request, key string, body []byte) projections.Asked {
	master := a.Commands.Keys
	return projections.Asked{
		ID: master.Name(r.key.ID, idempotencyKey, key), Caller: r.key.ID,
		What:    master.Name(r.key.ID, "request", r.Method+" "+r.URL.RequestURI()+"\n"+string(body)),
		Request: handlers.RequestID(r.Request), At: a.Commands.Now(),
	}
}

// refuseRepeat words why a request is neither carried out nor answered as before.
func refuseRepeat(w http.ResponseWriter, err error) error {
	var full *projections.TooManyRepliesError
	switch {
	case errors.Is(err, projections.ErrAskedOther):
		return domain.Refuse(domain.Conflict, "another request was sent with this Idempotency-Key; take another one")
	case errors.Is(err, projections.ErrUnderWay):
		w.Header().Set("Retry-After", "1")
		return domain.Refuse(domain.Conflict, "the request with this Idempotency-Key is under way; send it again for its answer")
	case errors.Is(err, projections.ErrReplyLost):
		return domain.Refuse(domain.Conflict, "the request with this Idempotency-Key was carried out, but its answer is lost; look at what is there before you send another one")
	case errors.As(err, &full):
		e := domain.Refuse(domain.RateLimited, "this API key has sent %d requests with an Idempotency-Key within %d hours; send fewer, or send them without", projections.MaxReplies, projections.RepliesKept/time.Hour)
		e.After = full.After + time.Second
		return e
	}
	return err
}

// repeat answers as before.
func (a *API) repeat(w http.ResponseWriter, r *request, id, kept string) error {
	var before reply
	text, err := a.Commands.Keys.Open(id, kept)
	if err == nil {
		err = json.Unmarshal(text, &before)
	}
	if err != nil {
		return fmt.Errorf("read a reply: %w", err)
	}
	handlers.Note(r.Request, slog.Bool("repeated", true))
	w.Header().Set("Idempotency-Replayed", "true")
	(&recorded{before.Header, before.Status, []byte(before.Body)}).send(w)
	return nil
}

func (a *API) seal(id string, given *recorded) (string, error) {
	text, err := json.Marshal(reply{given.status, given.header, string(given.body)})
	if err != nil {
		return "", fmt.Errorf("encode a reply: %w", err)
	}
	return a.Commands.Keys.Seal(id, text), nil
}

// recorded is an answer that is yet to be sent.
type recorded struct {
	header http.Header
	status int
	body   []byte
}

func (g *recorded) Header() http.Header    { return g.header }
func (g *recorded) WriteHeader(status int) { g.status = status }
func (g *recorded) Flush()                 {} // it is sent as a whole

func (g *recorded) Write(b []byte) (int, error) {
	g.body = append(g.body, b...)
	return len(b), nil
}

func (g *recorded) send(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeWithin)) // an import may have taken longer than the server waits for other answers
	maps.Copy(w.Header(), g.header)
	w.WriteHeader(g.status)
	_, _ = w.Write(g.body) // the client is gone if this fails
}
