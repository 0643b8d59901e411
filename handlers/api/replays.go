package api

import (
	"encoding/json"
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// replay is a range of the past that is sent to a webhook once more.
type replay struct {
	Type       string         `json:"__type__"`
	ID         string         `json:"id"`
	WebhookID  string         `json:"webhook_id"`
	From       string         `json:"from"` // positions
	To         string         `json:"to"`
	EventCodes []string       `json:"event_codes"`
	RateLimit  int            `json:"rate_limit"` // messages a second
	State      string         `json:"state"`
	Progress   replayProgress `json:"progress"`
	InsertedAt string         `json:"inserted_at"`
	EndedAt    *string        `json:"ended_at"`
}

// replayProgress is how far a replay has come.
type replayProgress struct {
	Position string `json:"position"` // up to there its messages are on their way
	Messages int    `json:"messages"` // so far
	Pending  int    `json:"pending"`  // of these, not ended
	Failed   int    `json:"failed"`   // of these, given up
}

func showReplay(p projections.Replay) replay {
	return replay{
		Type: "Replay", ID: p.ID, WebhookID: p.Endpoint, From: p.From.String(), To: p.Until.String(), EventCodes: p.EventCodes, RateLimit: p.RateLimit, State: p.State,
		Progress:   replayProgress{p.Reached.String(), p.Made, p.Open, p.Failed},
		InsertedAt: formatTime(p.Requested), EndedAt: timeOrNull(p.Ended),
	}
}

// preview is what a replay would send, or what a webhook would have received.
type preview struct {
	Type  string            `json:"__type__"`
	From  string            `json:"from"` // positions
	To    string            `json:"to"`
	Total int               `json:"total"`
	Types map[string]int    `json:"types"`
	Data  []json.RawMessage `json:"data,omitzero"` // the first messages, of a simulation
}

// span is a range that a body names.
type span struct {
	from, to projections.Cursor
	codes    []string
}

// readSpan reads a body with from, to and event_codes, and what more there is.
func (a *API) readSpan(w http.ResponseWriter, r *request, more fields) (s span, err error) {
	var from, to string
	f := fields{"from": &from, "to": &to, "event_codes": &s.codes}
	for name, place := range more {
		f[name] = place
	}
	if err := f.read(w, r); err != nil {
		return s, err
	}
	if from == "" {
		return s, domain.RefuseField("from", "is required: a cursor, an RFC 3339 time, or 0 for the start")
	}
	if to == "" {
		to = "head"
	}
	if s.codes, err = domain.CheckCodes(s.codes); err != nil {
		return s, err
	}
	if s.from, err = a.place(r, "from", from); err != nil {
		return s, err
	}
	if s.to, err = a.place(r, "to", to); err != nil {
		return s, err
	}
	if s.to.Position.Before(s.from.Position) {
		return s, domain.RefuseField("to", "is before from")
	}
	if s.from, err = a.since(r, r.webhook.OrganizationID, r.webhook.Organization, s.from); s.to.Position.Before(s.from.Position) {
		s.to = s.from // nothing of it is the organization's
	}
	return s, err
}

// wants selects what both the webhook's filter and the codes of the range ask for.
func (s span) wants(p projections.Endpoint) projections.Wants {
	return func(kind, organization string) bool {
		return p.Selects(kind, organization) && domain.Wanted(s.codes, kind)
	}
}

// preview counts the messages of a range.
func (a *API) preview(r *request, s span) (preview, error) {
	types, err := projections.Tally(r.Context(), a.Log, s.from.Position, s.to.Position, s.wants(r.webhook))
	out := preview{Type: "Preview", From: s.from.Position.String(), To: s.to.Position.String(), Types: types}
	for _, n := range types {
		out.Total += n
	}
	return out, err
}

// startReplay begins a replay, or tells with dry_run what it would send.
func (a *API) startReplay(w http.ResponseWriter, r *request) error {
	var dry bool
	wanted := domain.EndpointReplayRequested{}
	s, err := a.readSpan(w, r, fields{"rate_limit": &wanted.RateLimit, "dry_run": &dry})
	if err != nil {
		return err
	}
	if dry {
		shown, err := a.preview(r, s)
		if err != nil {
			return err
		}
		return answer(w, http.StatusOK, shown)
	}
	wanted.From, wanted.Until, wanted.EventCodes = s.from.Position.String(), s.to.Position.String(), s.codes
	id, err := a.requestReplay(r, r.webhook.ID, wanted)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v2/replays/"+id)
	return a.answerReplay(w, r, http.StatusAccepted, id)
}

// maxReplays is how many replays may run at a time: each reads the log for itself.
const maxReplays = 16

// requestReplay asks for a replay unless too many run. One request is answered after the other, so that no two take the last place.
func (a *API) requestReplay(r *request, endpoint string, wanted domain.EndpointReplayRequested) (string, error) {
	select {
	case a.beginning <- struct{}{}:
		defer func() { <-a.beginning }()
	case <-r.Context().Done():
		return "", r.Context().Err()
	}
	outbox, err := a.deliveries(r)
	if err != nil {
		return "", err
	}
	running, err := outbox.Replaying(r.Context())
	if err != nil {
		return "", err
	}
	if running >= maxReplays {
		return "", domain.Refuse(domain.RateLimited, "%d replays run, which is as many as may; wait until one has ended, or cancel one (DELETE /api/v2/replays/{id})", running)
	}
	return a.Commands.RequestReplay(r.Context(), r.caller(), endpoint, wanted)
}

const (
	defaultSimulated = 25
	maxSimulated     = 1000
)

// simulate tells what a webhook would have received in a range, and sends nothing.
func (a *API) simulate(w http.ResponseWriter, r *request) error {
	limit := defaultSimulated
	s, err := a.readSpan(w, r, fields{"limit": &limit})
	if err != nil {
		return err
	}
	if limit < 0 || limit > maxSimulated {
		return domain.RefuseField("limit", "is not a number from 0 to %d", maxSimulated)
	}
	shown, err := a.preview(r, s)
	if err != nil {
		return err
	}
	shown.Data = []json.RawMessage{}
	for t, err := range projections.Tell(r.Context(), a.Log, s.from.Position, s.to.Position, s.wants(r.webhook)) {
		if err != nil {
			return err
		}
		if len(shown.Data) == limit {
			break
		}
		if t.Message == nil {
			continue
		}
		body, err := t.Message.Body()
		if err != nil {
			return err
		}
		shown.Data = append(shown.Data, body)
	}
	return answer(w, http.StatusOK, shown)
}

func (a *API) listReplays(w http.ResponseWriter, r *request) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	outbox, err := a.deliveries(r)
	if err != nil {
		return err
	}
	endpoints, err := a.endpoints(r)
	if err != nil {
		return err
	}
	found, err := outbox.Replays(r.Context(), endpoints, p.page, p.perPage)
	if err != nil {
		return err
	}
	return answerPage(w, p, found.Items, found.Total, showReplay)
}

func (a *API) replay(r *request, id string) (projections.Replay, error) {
	outbox, err := a.deliveries(r)
	if err != nil {
		return projections.Replay{}, err
	}
	return outbox.Replay(r.Context(), id)
}

func (a *API) getReplay(w http.ResponseWriter, r *request) error {
	return answer(w, http.StatusOK, showReplay(r.replay))
}

// answerReplay shows a replay after a command.
func (a *API) answerReplay(w http.ResponseWriter, r *request, status int, id string) error {
	p, err := a.replay(r, id)
	if err != nil {
		return unlessFound(err, "the replay is there no more")
	}
	return answer(w, status, showReplay(p))
}

// cancelReplay ends a replay; what it has not delivered is not delivered.
func (a *API) cancelReplay(w http.ResponseWriter, r *request) error {
	if r.replay.State != projections.ReplayRunning {
		return domain.Refuse(domain.Conflict, "the replay has ended: it is %s", r.replay.State)
	}
	if err := a.Commands.CancelReplay(r.Context(), r.caller(), r.replay.Endpoint, r.replay.ID); err != nil {
		return err
	}
	return a.answerReplay(w, r, http.StatusOK, r.replay.ID)
}
