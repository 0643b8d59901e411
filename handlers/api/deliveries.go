package api

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// delivery is one message to one webhook, and what became of it.
type delivery struct {
	Type        string                    `json:"__type__"`
	ID          string                    `json:"id"`
	WebhookID   string                    `json:"webhook_id"`
	MessageID   string                    `json:"message_id"` // the header webhook-id
	MessageType string                    `json:"type"`
	Subject     deliverySubject           `json:"subject"`
	Position    string                    `json:"position"`
	Replay      *string                   `json:"replay"` // the id of the replay that it is of, null if it is live
	State       projections.DeliveryState `json:"state"`
	Attempt     int                       `json:"attempt"` // how many were made
	Attempts    []attempt                 `json:"attempts"`
	InsertedAt  string                    `json:"inserted_at"`
	AttemptedAt *string                   `json:"attempted_at"` // the last time
	ScheduledAt *string                   `json:"scheduled_at"` // the next attempt, if it was put off
	CompletedAt *string                   `json:"completed_at"`
	DiscardedAt *string                   `json:"discarded_at"`
	CancelledAt *string                   `json:"cancelled_at"`
	Args        json.RawMessage           `json:"args"` // the message
}

type deliverySubject struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type attempt struct {
	At       string  `json:"at"`
	Duration int64   `json:"duration_ms"`
	Status   *int    `json:"status"` // null if there was no answer
	Answer   string  `json:"answer"` // its first bytes
	Error    *string `json:"error"`  // null if it succeeded
}

func showDelivery(l projections.Logged) delivery {
	kind, id := projections.SplitStream(l.Subject)
	if kind == projections.KindEndpoint {
		kind = "webhook"
	}
	out := delivery{
		Type: "WebhookEvent", ID: l.ID, WebhookID: l.Endpoint, MessageID: l.WebhookID, MessageType: l.Type, Subject: deliverySubject{string(kind), id},
		Position: l.Position, Replay: orNull(l.Lane), State: l.State, Attempt: len(l.Attempts), Attempts: []attempt{},
		InsertedAt: formatTime(l.Made), AttemptedAt: timeOrNull(l.LastTry), Args: l.Body,
	}
	for _, a := range l.Attempts {
		out.Attempts = append(out.Attempts, attempt{formatTime(a.At), a.Duration.Milliseconds(), orNull(a.Status), a.Answer, orNull(a.Error)})
	}
	ended := map[projections.DeliveryState]**string{
		projections.StatePending: &out.ScheduledAt, projections.StateDelivered: &out.CompletedAt, projections.StateFailed: &out.DiscardedAt, projections.StateCancelled: &out.CancelledAt,
	}[l.State]
	if *ended = timeOrNull(l.Ended); l.State == projections.StatePending {
		*ended = timeOrNull(l.Next)
	}
	return out
}

func timeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := formatTime(t)
	return &text
}

// deliveries waits until the outbox has seen what was asked of it.
func (a *API) deliveries(r *request) (*projections.Outbox, error) {
	at, err := a.Read.Acknowledged(r.Context())
	if err != nil {
		return nil, err
	}
	return a.Outbox, a.Outbox.Fresh(r.Context(), at)
}

// listDeliveries lists deliveries, the newest first. The Link to the next page (RFC 8288) leads there by the last delivery of this one, so that it costs the
// same wherever it is and shows none twice when new ones come; a page that is found by its number alone may only be so deep.
func (a *API) listDeliveries(w http.ResponseWriter, r *request) error {
	p, q, err := deliveriesQuery(r)
	if err != nil {
		return err
	}
	if err := a.among(r, &q); err != nil {
		return err
	}
	outbox, err := a.deliveries(r)
	if err != nil {
		return err
	}
	found, err := outbox.Log(r.Context(), q)
	if err != nil {
		return err
	}
	if len(found.Items) == p.perPage {
		next := maps.Clone(r.params)
		next.Set("page", strconv.Itoa(p.page+1))
		next.Set("before", strconv.FormatInt(found.Last, 10))
		w.Header().Set("Link", `</api/v2/webhook-events?`+next.Encode()+`>; rel="next"`)
	}
	capped := q.Counted() && found.Total >= projections.MaxCounted
	return answer(w, http.StatusOK, deliveryList{list{"List", shown(found.Items, showDelivery), p.of(found.Total), found.Total}, capped})
}

// among narrows a query to what is sent to the endpoints that the key may know of.
func (a *API) among(r *request, q *projections.LogQuery) (err error) {
	if q.Among, err = a.endpoints(r); err != nil || q.Among == nil || q.Endpoint == "" {
		return err
	}
	if slices.Contains(q.Among, q.Endpoint) {
		q.Among = []string{q.Endpoint}
	} else {
		q.Among = []string{}
	}
	q.Endpoint = ""
	return nil
}

// deliveryList is a list whose total may be so large that nobody counts it to its end.
type deliveryList struct {
	list
	TotalCapped bool `json:"total_capped,omitempty"` // there are so many or more
}

func deliveriesQuery(r *request) (p paging, q projections.LogQuery, err error) {
	wrong := map[string]string{}
	q.Before = int64(number(r.params, "before", 0, math.MaxInt, wrong))
	if p, err = pageOf(r); err == nil {
		err = refuseFields(wrong)
	}
	if err != nil {
		return p, q, err
	}
	if q.Before == 0 && (p.page-1)*p.perPage > projections.MaxSkipped {
		return p, q, domain.RefuseField("page", "is more than %d deliveries away from the newest one; follow the Link headers from an earlier page, or narrow the list by state, type, subject or webhook_id", projections.MaxSkipped)
	}
	q.Page, q.PerPage = p.page, p.perPage
	q.Endpoint, q.State, q.Type = r.params.Get("webhook_id"), projections.DeliveryState(r.params.Get("state")), r.params.Get("type")
	if text := r.params.Get("subject"); text != "" {
		q.Subject, err = subjectOf(text)
	}
	return p, q, err
}

// subjectOf reads what a delivery is about: the stream of what messages tell of.
func subjectOf(text string) (string, error) {
	if kind, _ := projections.SplitStream(text); kind.Tells() {
		return text, nil
	}
	return "", domain.RefuseField("subject", "is not user-<id>, group-<id>, directory-<id>, organization-<id> or connection-<id>")
}

func (a *API) delivery(r *request, id string) (projections.Logged, error) {
	outbox, err := a.deliveries(r)
	if err != nil {
		return projections.Logged{}, err
	}
	return outbox.Logged(r.Context(), id)
}

func (a *API) getDelivery(w http.ResponseWriter, r *request) error {
	return answer(w, http.StatusOK, showDelivery(r.delivery))
}

// resend sends a delivery again that has ended, outside the order of its subject.
func (a *API) resend(w http.ResponseWriter, r *request) error {
	if r.delivery.State == projections.StatePending {
		return domain.Refuse(domain.Conflict, "the delivery has not ended; it is tried again by itself")
	}
	if err := a.Commands.ResendDelivery(r.Context(), r.caller(), r.delivery.Endpoint, r.delivery.ID); err != nil {
		return err
	}
	return a.answerDelivery(w, r, http.StatusAccepted)
}

// cancelDelivery gives up a delivery; what comes after it to the same subject goes on.
func (a *API) cancelDelivery(w http.ResponseWriter, r *request) error {
	if r.delivery.State != projections.StatePending {
		return domain.Refuse(domain.Conflict, "the delivery has ended: it is %s", r.delivery.State)
	}
	if err := a.Commands.CancelDelivery(r.Context(), r.caller(), r.delivery.Endpoint, r.delivery.ID); err != nil {
		return err
	}
	return a.answerDelivery(w, r, http.StatusOK)
}

// answerDelivery shows a delivery after a command.
func (a *API) answerDelivery(w http.ResponseWriter, r *request, status int) error {
	l, err := a.delivery(r, r.delivery.ID)
	if err != nil {
		return unlessFound(err, "the delivery is there no more")
	}
	return answer(w, status, showDelivery(l))
}

// recover sends all again that was given up since a time. It is asked for in steps, for it may be very
// much, and the answer waits for none of them.
func (a *API) recover(w http.ResponseWriter, r *request) error {
	var since string
	if err := (fields{"since": &since}).read(w, r); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, since)
	if err != nil {
		return domain.RefuseField("since", "is not an RFC 3339 time")
	}
	p, err := a.Commands.RecoverDeliveries(r.Context(), r.caller(), r.webhook.ID, at)
	return a.answerWebhook(w, http.StatusAccepted, p, err)
}
