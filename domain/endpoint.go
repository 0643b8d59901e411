package domain

import (
	"cmp"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// Sealed is a secret that must be read again, encrypted under the master key: what stands in the log and in exports.
type Sealed string

// EndpointSettings are where an endpoint wants its messages, which, and how.
type EndpointSettings struct {
	Name         string   `json:"name"`
	URL          string   `json:"url"`
	EventCodes   []string `json:"event_codes"`
	Organization string   `json:"organization,omitempty"` // a domain; "" for all organizations
	// OrganizationID is whose it is. Its domain may be another organization's once this one is deleted, and what it was sent is not that one's to see. It is ""
	// for all organizations, and where it was created before this was kept: then it is nobody's.
	OrganizationID string   `json:"organization_id,omitempty"`
	Headers        Sealed   `json:"headers,omitempty"`      // sent with each message: a JSON object, sealed since a value may be a secret
	HeaderNames    []string `json:"header_names,omitempty"` // of Headers, in order
	RateLimit      int      `json:"rate_limit,omitempty"`   // attempts a second, 0 for any number
	Concurrency    int      `json:"concurrency,omitempty"`  // attempts at the same time, 0 for the server's default
	Timeout        int      `json:"timeout,omitempty"`      // of an attempt in seconds, 0 for the server's default
}

// SigningKey is what messages are signed with. Public is "" for the symmetric scheme (v1); for the asymmetric one (v1a) it is the public key as
// it is shown, and Secret is the seed of its private one.
type SigningKey struct {
	Secret Sealed `json:"secret"`
	Public string `json:"public_key,omitempty"`
}

// EndpointCreated begins a webhook endpoint.
type EndpointCreated struct {
	EndpointSettings
	SigningKey
}

// EndpointUpdated gives it other settings, all of them.
type EndpointUpdated struct{ EndpointSettings }

// EndpointKeyRotated gives it another signing key. Messages are signed with the one before too, until PreviousUntil.
type EndpointKeyRotated struct {
	SigningKey
	PreviousUntil time.Time `json:"previous_until"`
}

// EndpointPaused holds its deliveries back. What happens meanwhile is kept for it.
type EndpointPaused struct{}

// EndpointDisabled stops its deliveries: it is taken for gone, and what happens meanwhile is not kept for it.
type EndpointDisabled struct {
	Reason string `json:"reason"`
}

// EndpointEnabled lets its deliveries go on.
type EndpointEnabled struct{}

// EndpointTested asks for test messages to it: a sample of each of the types, or one of the type webhook.test if there are none.
type EndpointTested struct {
	Types []string `json:"types,omitempty"`
}

// EndpointDeleted ends it.
type EndpointDeleted struct{}

func (EndpointCreated) EventName() string    { return "endpoint.created" }
func (EndpointUpdated) EventName() string    { return "endpoint.updated" }
func (EndpointKeyRotated) EventName() string { return "endpoint.key_rotated" }
func (EndpointPaused) EventName() string     { return "endpoint.paused" }
func (EndpointDisabled) EventName() string   { return "endpoint.disabled" }
func (EndpointEnabled) EventName() string    { return "endpoint.enabled" }
func (EndpointTested) EventName() string     { return "endpoint.tested" }
func (EndpointDeleted) EventName() string    { return "endpoint.deleted" }

// Endpoint is a webhook's URL, signing key and filter.
type Endpoint struct {
	EndpointSettings            // URL is "" until it is created
	Key              SigningKey // of the messages
	Previous         SigningKey // signs too, until PreviousUntil
	PreviousUntil    time.Time
	Paused           bool
	Disabled         string // why, "" while it is not
	Enabled          int    // how often it was, after it was paused or disabled
	Deleted          bool
}

// Exists tells whether there is such an endpoint now.
func (p *Endpoint) Exists() bool { return p.URL != "" && !p.Deleted }

// Active tells whether messages are delivered to it.
func (p *Endpoint) Active() bool { return p.Exists() && !p.Paused && p.Disabled == "" }

// Apply folds an event into the state.
func (p *Endpoint) Apply(e Event) {
	switch e := e.(type) {
	case EndpointCreated:
		p.EndpointSettings, p.Key = e.EndpointSettings, e.SigningKey
	case EndpointUpdated:
		p.EndpointSettings = e.EndpointSettings
	case EndpointKeyRotated:
		p.Previous, p.PreviousUntil, p.Key = p.Key, e.PreviousUntil, e.SigningKey
	case EndpointPaused:
		p.Paused = true
	case EndpointDisabled:
		p.Disabled = e.Reason
	case EndpointEnabled:
		p.Paused, p.Disabled = false, ""
		p.Enabled++
	case EndpointDeleted:
		p.Deleted = true
	}
}

// Wants tells whether messages of this type from this organization are kept for the endpoint: while it is paused too.
func (p *Endpoint) Wants(kind, organization string) bool {
	return p.Exists() && p.Disabled == "" && p.Selects(kind, organization)
}

// Selects tells whether the endpoint's filter takes messages of this type from this organization, however the endpoint is.
func (p *Endpoint) Selects(kind, organization string) bool {
	return (p.Organization == "" || p.Organization == organization) && Wanted(p.EventCodes, kind)
}

// Keys are what a message is signed with at a time: the key, and during a rotation the one before.
func (p *Endpoint) Keys(now time.Time) []SigningKey {
	if now.Before(p.PreviousUntil) {
		return []SigningKey{p.Key, p.Previous}
	}
	return []SigningKey{p.Key}
}

// CreateEndpoint decides on a new endpoint. Whether its address may be reached is decided when it is dialled.
func CreateEndpoint(s EndpointSettings, key SigningKey) (Event, error) {
	s, err := s.checked()
	if err != nil {
		return nil, err
	}
	return EndpointCreated{s, key}, nil
}

// Update decides on other settings: nil if it has them already. Its organization stays, for that one may see what it was sent.
func (p *Endpoint) Update(s EndpointSettings) (Event, error) {
	if err := p.must(); err != nil {
		return nil, err
	}
	if s.Organization != p.Organization || s.OrganizationID != p.OrganizationID {
		return nil, RefuseField("organization", "cannot change; make another webhook")
	}
	s, err := s.checked()
	if err != nil || reflect.DeepEqual(s, p.EndpointSettings) {
		return nil, err
	}
	return EndpointUpdated{s}, nil
}

// Limits of settings.
const (
	MaxRateLimit   = 10_000
	MaxConcurrency = 64
	MaxTimeout     = 60
)

func (s EndpointSettings) checked() (EndpointSettings, error) {
	if err := checkName(s.Name); err != nil {
		return s, err
	}
	s.Name = strings.TrimSpace(s.Name)
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || len(s.URL) > 2048:
		return s, RefuseField("target_url", "is not an http or https URL")
	case u.User != nil:
		return s, RefuseField("target_url", "holds credentials; deliveries are signed instead")
	case u.Fragment != "":
		return s, RefuseField("target_url", "has a fragment, which is never sent")
	}
	for _, limit := range []struct {
		name    string
		is, max int
	}{{"rate_limit", s.RateLimit, MaxRateLimit}, {"concurrency", s.Concurrency, MaxConcurrency}, {"timeout", s.Timeout, MaxTimeout}} {
		if limit.is < 0 || limit.is > limit.max {
			return s, RefuseField(limit.name, "is not a number from 0 to %d", limit.max)
		}
	}
	s.EventCodes, err = CheckCodes(s.EventCodes)
	return s, err
}

// MaxKeyOverlap bounds how long two signing keys are valid.
const MaxKeyOverlap = 30 * 24 * time.Hour

// RotateKey decides on another signing key of the same scheme; the one before is valid for the overlap. While one is that was promised to be, another
// rotation would end it early: it is refused, unless it is to end all keys before at once, as when one has leaked.
func (p *Endpoint) RotateKey(key SigningKey, now time.Time, overlap time.Duration) (Event, error) {
	if err := p.must(); err != nil {
		return nil, err
	}
	if overlap < 0 || overlap > MaxKeyOverlap {
		return nil, RefuseField("overlap", "is not between 0s and %dh", MaxKeyOverlap/time.Hour)
	}
	if overlap > 0 && now.Before(p.PreviousUntil) {
		return nil, Refuse(Conflict, "the key before the last rotation is valid until %s; rotate again then, or with overlap=0s to end all keys before at once", p.PreviousUntil.UTC().Format(time.RFC3339))
	}
	return EndpointKeyRotated{key, now.Add(overlap)}, nil
}

// Pause decides to hold its deliveries back: nil if they are, or it is disabled.
func (p *Endpoint) Pause() (Event, error) {
	if err := p.must(); err != nil || !p.Active() {
		return nil, err
	}
	return EndpointPaused{}, nil
}

// Enable decides to let its deliveries go on: nil if they do.
func (p *Endpoint) Enable() (Event, error) {
	if err := p.must(); err != nil || p.Active() {
		return nil, err
	}
	return EndpointEnabled{}, nil
}

// Disable decides to stop its deliveries: nil if they are stopped already, or it is none. The reason is never empty, as this is what
// tells a disabled endpoint.
func (p *Endpoint) Disable(reason string) Event {
	if p.Disabled != "" || !p.Exists() {
		return nil
	}
	return EndpointDisabled{cmp.Or(reason, "unknown")}
}

// Test decides on test messages, samples of the types that the codes select; one of the type webhook.test if there are none.
func (p *Endpoint) Test(codes []string) (Event, error) {
	if err := p.mustBeActive(); err != nil {
		return nil, err
	}
	var types []string
	if len(codes) > 0 {
		if _, err := CheckCodes(codes); err != nil {
			return nil, err
		}
		for _, kind := range MessageTypes {
			if Wanted(codes, kind) {
				types = append(types, kind)
			}
		}
	}
	return EndpointTested{types}, nil
}

func (p *Endpoint) must() error {
	if !p.Exists() {
		return Refuse(NotFound, "there is no such webhook")
	}
	return nil
}

// mustBeActive refuses what would send to an endpoint to which nothing is sent.
func (p *Endpoint) mustBeActive() error {
	if err := p.must(); err != nil {
		return err
	}
	switch {
	case p.Disabled != "":
		return Refuse(Conflict, "the webhook is disabled (%s), so that nothing is delivered to it; enable it first", p.Disabled)
	case p.Paused:
		return Refuse(Conflict, "the webhook is paused, so that nothing is delivered to it; enable it first")
	}
	return nil
}
