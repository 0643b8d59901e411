package domain

import "time"

// Token is a directory's bearer token as it is kept: by its id and the SHA-256 of its secret, in hexadecimal.
type Token struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
}

// DirectoryActivated begins a directory. One to which nobody pushes has no token, which lets nobody in.
type DirectoryActivated struct {
	OrganizationID string   `json:"organization_id"`
	Provider       Provider `json:"provider"`
	Token          Token    `json:"token,omitzero"`
	Strict         bool     `json:"strict,omitempty"`
}

// DirectoryUpdated says what feeds the directory from now on. Another provider gets a token of its own, and the old one dies; where the
// token is the same, only the dialect is another.
type DirectoryUpdated struct {
	Provider Provider `json:"provider"`
	Token    Token    `json:"token"`
	Strict   bool     `json:"strict,omitempty"`
}

// DirectoryTokenReset gives a new token. The one before stays valid until PreviousUntil; the zero time is at once.
type DirectoryTokenReset struct {
	Token         Token     `json:"token"`
	PreviousUntil time.Time `json:"previous_until,omitzero"`
}

// DirectoryDeactivated closes the directory to its provider; what it holds stays.
type DirectoryDeactivated struct{}

// DirectoryReactivated opens it again.
type DirectoryReactivated struct{}

// DirectoryDeleted ends it, and with it every user and group that it holds: one event, one message.
type DirectoryDeleted struct{}

func (DirectoryActivated) EventName() string   { return "directory.activated" }
func (DirectoryUpdated) EventName() string     { return "directory.updated" }
func (DirectoryTokenReset) EventName() string  { return "directory.token_reset" }
func (DirectoryDeactivated) EventName() string { return "directory.deactivated" }
func (DirectoryReactivated) EventName() string { return "directory.reactivated" }
func (DirectoryDeleted) EventName() string     { return "directory.deleted" }

// Directory is an organization's feed of users and groups from one provider.
type Directory struct {
	OrganizationID string // "" until it is activated
	Provider       Provider
	Strict         bool // its Dialect
	Active         bool
	Deleted        bool
	Token          Token
	Previous       Token     // the token before, ...
	PreviousUntil  time.Time // ... valid until then
	Onboarding     DirectoryOnboarding
}

// Exists tells whether there is such a directory now.
func (d *Directory) Exists() bool { return d.OrganizationID != "" && !d.Deleted }

// Apply folds an event into the state.
func (d *Directory) Apply(e Event) {
	switch e := e.(type) {
	case DirectoryActivated:
		d.OrganizationID, d.Provider, d.Token, d.Strict, d.Active = e.OrganizationID, e.Provider, e.Token, e.Strict, true
	case DirectoryUpdated:
		if e.Token != d.Token {
			d.Previous, d.PreviousUntil = Token{}, time.Time{}
		}
		d.Provider, d.Token, d.Strict = e.Provider, e.Token, e.Strict
	case DirectoryTokenReset:
		d.Previous, d.PreviousUntil, d.Token = d.Token, e.PreviousUntil, e.Token
		if e.PreviousUntil.IsZero() {
			d.Previous = Token{}
		}
	case DirectoryDeactivated:
		d.Active = false
	case DirectoryReactivated:
		d.Active = true
	case DirectoryDeleted:
		d.Deleted = true
	default:
		d.Onboarding.Apply(e)
	}
}

// MaxTokenOverlap is the longest time that a token stays valid beside its successor.
const MaxTokenOverlap = 30 * 24 * time.Hour

// ResetToken decides on a new token; the one before lives on for the overlap. While one does that was promised to, another overlap would end it early: it
// is refused, unless all tokens before are to end at once.
func (d *Directory) ResetToken(token Token, now time.Time, overlap time.Duration) (Event, error) {
	if !d.Exists() {
		return nil, Refuse(NotFound, "there is no such directory")
	}
	if overlap < 0 || overlap > MaxTokenOverlap {
		return nil, RefuseField("overlap", "is between 0 and 720h, as 24h")
	}
	if overlap > 0 && now.Before(d.PreviousUntil) {
		return nil, Refuse(Conflict, "the token before the last reset is valid until %s; reset again then, or without an overlap to end all tokens before at once", d.PreviousUntil.UTC().Format(time.RFC3339))
	}
	e := DirectoryTokenReset{Token: token}
	if overlap > 0 {
		e.PreviousUntil = now.Add(overlap).UTC().Truncate(time.Millisecond)
	}
	return e, nil
}

// Update decides on another provider, which gets the token given, and on another dialect. "" leaves the provider with its
// token, and nil the dialect, as they are.
func (d *Directory) Update(provider Provider, token Token, dialect *Dialect) (Event, error) {
	if !d.Exists() {
		return nil, Refuse(NotFound, "there is no such directory")
	}
	e := DirectoryUpdated{d.Provider, d.Token, d.Strict}
	if provider != "" {
		e.Provider, e.Token = provider, token
	}
	if dialect != nil {
		e.Strict = dialect.Strict
	}
	if e == (DirectoryUpdated{d.Provider, d.Token, d.Strict}) {
		return nil, nil
	}
	return e, nil
}

// SetActive decides to open or close the directory: nil if it is so already, or is none.
func (d *Directory) SetActive(active bool) Event {
	switch {
	case active == d.Active || !d.Exists():
		return nil
	case active:
		return DirectoryReactivated{}
	}
	return DirectoryDeactivated{}
}

// Snapshot is the directory as messages show it, nil if it does not exist.
func (d *Directory) Snapshot(id string) Attributes {
	if !d.Exists() {
		return nil
	}
	s := Attributes{"id": id, "provider": string(d.Provider), "active": d.Active}
	if d.Strict {
		s["interop"] = Dialect{Strict: true}.String()
	}
	return s
}
