package api

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

type webhook struct {
	Type           string            `json:"__type__"`
	ID             string            `json:"id"`
	Name           string            `json:"name"`
	TargetURL      string            `json:"target_url"`
	EventCodes     []string          `json:"event_codes"`
	Organization   *string           `json:"organization"` // its domain, null for all
	Headers        map[string]string `json:"headers"`      // their values are hidden
	RateLimit      *int              `json:"rate_limit"`   // attempts a second, null for any number
	Concurrency    *int              `json:"concurrency"`  // attempts at a time, null for the server's default
	Timeout        *int              `json:"timeout"`      // seconds, null for the server's default
	Active         bool              `json:"active"`
	DisabledReason *string           `json:"disabled_reason"`         // null while active
	SignatureType  string            `json:"signature_type"`          // v1 or v1a
	SignatureKey   string            `json:"signature_key,omitempty"` // of v1: in the answer that made it, and never again
	PublicKey      *string           `json:"public_key"`              // of v1a
	PreviousKey    *previousKey      `json:"previous_key"`            // null unless it signs too
	InsertedAt     string            `json:"inserted_at"`
	UpdatedAt      string            `json:"updated_at"`
}

// previousKey is the key before a rotation, while messages are signed with it too.
type previousKey struct {
	PublicKey *string `json:"public_key"`
	Until     string  `json:"until"`
}

const (
	symmetric  = "v1"
	asymmetric = "v1a"
)

func (a *API) showWebhook(p projections.Endpoint) webhook {
	shown := webhook{
		Type: "Webhook", ID: p.ID, Name: p.Name, TargetURL: p.URL, EventCodes: p.EventCodes,
		Organization: orNull(p.Organization), Headers: map[string]string{}, RateLimit: orNull(p.RateLimit), Concurrency: orNull(p.Concurrency), Timeout: orNull(p.Timeout),
		Active: p.Active(), DisabledReason: orNull(p.Disabled),
		SignatureType: symmetric, PublicKey: orNull(p.Key.Public),
		InsertedAt: formatTime(p.Created), UpdatedAt: formatTime(p.Updated),
	}
	for _, name := range p.HeaderNames {
		shown.Headers[name] = hidden
	}
	if p.Paused && p.Disabled == "" {
		shown.DisabledReason = orNull("paused")
	}
	if p.Key.Public != "" {
		shown.SignatureType = asymmetric
	}
	if a.Commands.Now().Before(p.PreviousUntil) {
		shown.PreviousKey = &previousKey{orNull(p.Previous.Public), formatTime(p.PreviousUntil)}
	}
	return shown
}

// orNull is null for what is not set.
func orNull[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

// settings are the fields of a webhook that may be set.
func settings(s *domain.EndpointSettings, headers *map[string]string) fields {
	return fields{
		"name": &s.Name, "target_url": &s.URL, "event_codes": &s.EventCodes, "headers": headers,
		"rate_limit": &s.RateLimit, "concurrency": &s.Concurrency, "timeout": &s.Timeout,
	}
}

func (a *API) createWebhook(w http.ResponseWriter, r *request) error {
	var wanted domain.EndpointSettings
	var headers map[string]string
	var organization string
	signature := symmetric
	f := settings(&wanted, &headers)
	f["organization"], f["signature_type"] = &organization, &signature
	if err := f.read(w, r); err != nil {
		return err
	}
	if signature != symmetric && signature != asymmetric {
		return domain.RefuseField("signature_type", "is neither %s nor %s", symmetric, asymmetric)
	}
	if err := a.checkTarget(wanted.URL); err != nil {
		return err
	}
	o, err := a.given(r, "organization", organization)
	if err != nil {
		return err
	}
	if !r.key.Sees(o.ID) {
		return domain.Refuse(domain.Forbidden, "this API key is for one organization only; give that as organization")
	}
	wanted.Organization, wanted.OrganizationID = o.Domain, o.ID
	key := keys.NewSigning(signature == asymmetric)
	p, err := a.Commands.CreateEndpoint(r.Context(), r.caller(), wanted, headers, key)
	if err != nil {
		return err
	}
	shown := a.showWebhook(p)
	shown.SignatureKey = key.Shared()
	w.Header().Set("Location", "/api/v2/webhooks/"+p.ID)
	return answer(w, http.StatusCreated, shown)
}

// checkTarget refuses at once an address that deliveries will never reach. A host name is judged where it is dialled, on what
// it then resolves to; plain http reaches allowed ranges only, so that without any it is refused for every host. What is no URL at all is the
// domain's to refuse.
func (a *API) checkTarget(target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return nil
	}
	address, err := netip.ParseAddr(u.Hostname())
	literal := err == nil
	address = address.WithZone("").Unmap()
	allowed := literal && slices.ContainsFunc(a.WebhookAllow, func(p netip.Prefix) bool { return p.Contains(address) })
	switch {
	case allowed:
		return nil
	case u.Scheme == "http" && (literal || len(a.WebhookAllow) == 0):
		return domain.RefuseField("target_url", "is not https; use https, or allow its private range in ROLLCALL_WEBHOOK_ALLOW")
	case literal && (!address.IsGlobalUnicast() || address.IsPrivate()):
		return domain.RefuseField("target_url", "is not on the public internet, and ROLLCALL_WEBHOOK_ALLOW does not list it")
	}
	return nil
}

func (a *API) listWebhooks(w http.ResponseWriter, r *request) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	found, total, err := a.Read.Endpoints(r.Context(), r.key.OrganizationID, p.page, p.perPage)
	if err != nil {
		return err
	}
	return answerPage(w, p, found, total, a.showWebhook)
}

func (a *API) getWebhook(w http.ResponseWriter, r *request) error {
	return answer(w, http.StatusOK, a.showWebhook(r.webhook))
}

// updateWebhook changes the fields that are given. Headers are given all or not at all; one whose value is "hidden" stays as it is.
func (a *API) updateWebhook(w http.ResponseWriter, r *request) error {
	object, err := readObject(w, r)
	if err != nil {
		return err
	}
	p, err := a.Commands.UpdateEndpoint(r.Context(), r.caller(), r.webhook.ID, func(s *domain.EndpointSettings, stood map[string]string) (map[string]string, error) {
		headers, organization := stood, ""
		f := settings(s, &headers)
		f["organization"] = &organization
		if err := f.take(object); err != nil {
			return nil, err
		}
		if organization != "" && organization != s.Organization && organization != s.OrganizationID {
			s.Organization = organization // which is refused
		}
		for name, value := range headers {
			if value != hidden {
				continue
			}
			known, is := domain.HeaderNamed(stood, name)
			if !is {
				return nil, domain.RefuseField("headers", "has no value for %s yet that could stay hidden; give one", name)
			}
			headers[name] = known
		}
		return headers, a.checkTarget(s.URL)
	})
	return a.answerWebhook(w, http.StatusOK, p, err)
}

// answerWebhook shows a webhook after a command.
func (a *API) answerWebhook(w http.ResponseWriter, status int, p projections.Endpoint, err error) error {
	if err != nil {
		return err
	}
	return answer(w, status, a.showWebhook(p))
}

func (a *API) enableWebhook(w http.ResponseWriter, r *request) error {
	p, err := a.Commands.EnableEndpoint(r.Context(), r.caller(), r.webhook.ID)
	return a.answerWebhook(w, http.StatusOK, p, err)
}

// pauseWebhook disables a webhook by hand: what happens meanwhile is kept for it, and sent once it is enabled.
func (a *API) pauseWebhook(w http.ResponseWriter, r *request) error {
	p, err := a.Commands.PauseEndpoint(r.Context(), r.caller(), r.webhook.ID)
	return a.answerWebhook(w, http.StatusOK, p, err)
}

// defaultOverlap is how long the key before a rotation signs too.
const defaultOverlap = 24 * time.Hour

func (a *API) rotateKey(w http.ResponseWriter, r *request) error {
	overlap, err := duration(r.params, "overlap", defaultOverlap)
	if err != nil {
		return err
	}
	p, key, err := a.Commands.RotateKey(r.Context(), r.caller(), r.webhook.ID, overlap)
	if err != nil {
		return err
	}
	shown := a.showWebhook(p)
	shown.SignatureKey = key.Shared()
	return answer(w, http.StatusOK, shown)
}

func (a *API) deleteWebhook(w http.ResponseWriter, r *request) error {
	if err := a.Commands.DeleteEndpoint(r.Context(), r.caller(), r.webhook.ID); err != nil {
		return err
	}
	return done(w)
}

// testWebhook asks for test messages, samples of the types that event_codes select; what becomes of them shows in their deliveries.
func (a *API) testWebhook(w http.ResponseWriter, r *request) error {
	var codes []string
	if err := (fields{"event_codes": &codes}).read(w, r); err != nil {
		return err
	}
	p, err := a.Commands.TestEndpoint(r.Context(), r.caller(), r.webhook.ID, codes)
	return a.answerWebhook(w, http.StatusAccepted, p, err)
}
