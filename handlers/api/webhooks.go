package api

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

type webhook struct {
	Type           string   `json:"__type__"`
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	TargetURL      string   `json:"target_url"`
	EventCodes     []string `json:"event_codes"`
	Organization   *string  `json:"organization"` // its domain, null for all
	Active         bool     `json:"active"`
	DisabledReason *string  `json:"disabled_reason"`         // null while active
	SignatureKey   string   `json:"signature_key,omitempty"` // in the answer that made it, and never again
	InsertedAt     string   `json:"inserted_at"`
	UpdatedAt      string   `json:"updated_at"`
}

func showWebhook(p projections.Endpoint) webhook {
	return webhook{
		Type: "Webhook", ID: p.ID, Name: p.Name, TargetURL: p.URL, EventCodes: p.EventCodes,
		Organization: textOrNull(p.Organization), Active: p.Disabled == "", DisabledReason: textOrNull(p.Disabled),
		InsertedAt: formatTime(p.Created), UpdatedAt: formatTime(p.Updated),
	}
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (a *API) createWebhook(w http.ResponseWriter, r *request) error {
	var wanted domain.EndpointCreated
	if err := (fields{
		"name": &wanted.Name, "target_url": &wanted.URL, "event_codes": &wanted.EventCodes, "organization": &wanted.Organization,
	}).read(w, r); err != nil {
		return err
	}
	if err := a.checkTarget(wanted.URL); err != nil {
		return err
	}
	if wanted.Organization != "" {
		o, err := a.Read.Organization(r.Context(), wanted.Organization)
		if errors.Is(err, projections.ErrNotFound) {
			return domain.RefuseField("organization", "is no organization's domain or id")
		}
		if err != nil {
			return err
		}
		wanted.Organization = o.Domain
	}
	secret := keys.NewSigningSecret()
	p, err := a.Commands.CreateEndpoint(r.Context(), r.caller(), wanted, secret)
	if err != nil {
		return err
	}
	shown := showWebhook(p)
	shown.SignatureKey = keys.FormatSigningSecret(secret)
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
	found, total, err := a.Read.Endpoints(r.Context(), p.page, p.perPage)
	if err != nil {
		return err
	}
	return answerPage(w, p, found, total, showWebhook)
}

func (a *API) webhook(r *request) (projections.Endpoint, error) {
	p, err := a.Read.Endpoint(r.Context(), r.PathValue("id"))
	return p, unlessFound(err, "there is no such webhook")
}

func (a *API) getWebhook(w http.ResponseWriter, r *request) error {
	p, err := a.webhook(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, showWebhook(p))
}

func (a *API) deleteWebhook(w http.ResponseWriter, r *request) error {
	if err := a.Commands.DeleteEndpoint(r.Context(), r.caller(), r.PathValue("id")); err != nil {
		return err
	}
	return done(w)
}

// testWebhook asks for a test message; what becomes of it shows in its delivery.
func (a *API) testWebhook(w http.ResponseWriter, r *request) error {
	p, err := a.webhook(r)
	if err != nil {
		return err
	}
	if p.Disabled != "" {
		return domain.Refuse(domain.Conflict, "the webhook is disabled (%s), so that nothing is delivered to it", p.Disabled)
	}
	if _, err := a.Commands.TestEndpoint(r.Context(), r.caller(), p.ID); err != nil {
		return err
	}
	return answer(w, http.StatusAccepted, showWebhook(p))
}
