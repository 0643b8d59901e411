package domain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Event is a stored fact. The set is closed: eventTypes lists it, EVENTS.md describes it.
type Event interface {
	// EventName is the name under which the event is stored. It never changes and never follows the Go type's name.
	EventName() string
}

// SchemaVersion is the version of event data that this code writes. Decode reads it and every earlier one.
const SchemaVersion = 1

// Source tells through which door an event came.
type Source string

// The doors.
const (
	SourceSCIM   Source = "scim"
	SourceAPI    Source = "api"
	SourceSystem Source = "system"

	SourceOnboarding Source = "onboarding" // an invited administrator
)

// Meta stands beside each event: who, through what and when. It holds no personal data.
type Meta struct {
	CorrelationID string    `json:"$correlationId"`         // the request that began it all
	CausationID   string    `json:"$causationId,omitempty"` // the event that this one follows from, if any
	Actor         string    `json:"actor"`                  // token:<id>, apikey:<id>, invitation:<id> or system
	Source        Source    `json:"source"`
	Organization  string    `json:"organization,omitempty"` // its domain (slug)
	Directory     string    `json:"directory,omitempty"`    // its id
	Provider      Provider  `json:"provider,omitempty"`
	Request       string    `json:"request,omitempty"` // the request id that the caller was told
	RecordedAt    time.Time `json:"recorded_at"`       // UTC, milliseconds
	Schema        int       `json:"schema"`
}

// APIKey is the id of the API key that acted, "" if none did.
func (m Meta) APIKey() string {
	id, acted := strings.CutPrefix(m.Actor, "apikey:")
	if !acted {
		return ""
	}
	return id
}

// eventTypes is the closed set: each stored name with the way to read it.
var eventTypes = map[string]func([]byte) (Event, error){
	"installation.created":        read[InstallationCreated],
	"name.claimed":                read[NameClaimed],
	"name.released":               read[NameReleased],
	"organization.created":        read[OrganizationCreated],
	"organization.updated":        read[OrganizationUpdated],
	"organization.deleted":        read[OrganizationDeleted],
	"directory.activated":         read[DirectoryActivated],
	"directory.updated":           read[DirectoryUpdated],
	"directory.token_reset":       read[DirectoryTokenReset],
	"directory.deactivated":       read[DirectoryDeactivated],
	"directory.reactivated":       read[DirectoryReactivated],
	"directory.deleted":           read[DirectoryDeleted],
	"user.provisioned":            read[UserProvisioned],
	"user.updated":                read[UserUpdated],
	"user.deactivated":            read[UserDeactivated],
	"user.reactivated":            read[UserReactivated],
	"user.deleted":                read[UserDeleted],
	"user.claim_revoked":          read[UserClaimRevoked],
	"import.begun":                read[ImportBegun],
	"import.completed":            read[ImportCompleted],
	"import.withdrawn":            read[ImportWithdrawn],
	"import.taken_back":           read[ImportTakenBack],
	"group.created":               read[GroupCreated],
	"group.updated":               read[GroupUpdated],
	"group.members_changed":       read[GroupMembersChanged],
	"group.deleted":               read[GroupDeleted],
	"endpoint.created":            read[EndpointCreated],
	"endpoint.updated":            read[EndpointUpdated],
	"endpoint.key_rotated":        read[EndpointKeyRotated],
	"endpoint.paused":             read[EndpointPaused],
	"endpoint.disabled":           read[EndpointDisabled],
	"endpoint.enabled":            read[EndpointEnabled],
	"endpoint.tested":             read[EndpointTested],
	"endpoint.deleted":            read[EndpointDeleted],
	"endpoint.replay_requested":   read[EndpointReplayRequested],
	"endpoint.replay_cancelled":   read[EndpointReplayCancelled],
	"endpoint.recovery_requested": read[EndpointRecoveryRequested],
	"endpoint.resend_requested":   read[EndpointResendRequested],
	"endpoint.delivery_cancelled": read[EndpointDeliveryCancelled],
	"deliveries.attempted":        read[DeliveriesAttempted],
	"deliveries.replayed":         read[DeliveriesReplayed],
	"deliveries.recovered":        read[DeliveriesRecovered],
	"deliveries.relayed":          read[DeliveriesRelayed],
	"deliveries.moved":            read[DeliveriesMoved],
	"apikey.created":              read[APIKeyCreated],
	"apikey.deleted":              read[APIKeyDeleted],
	"application.created":         read[ApplicationCreated],
	"application.updated":         read[ApplicationUpdated],
	"application.deleted":         read[ApplicationDeleted],

	"connection.created":            read[ConnectionCreated],
	"connection.updated":            read[ConnectionUpdated],
	"connection.activated":          read[ConnectionActivated],
	"connection.disabled":           read[ConnectionDisabled],
	"connection.deleted":            read[ConnectionDeleted],
	"connection.redirection_added":  read[ConnectionRedirectionAdded],
	"connection.onboarding_started": read[ConnectionOnboardingStarted],
	"connection.onboarding_updated": read[ConnectionOnboardingUpdated],
	"connection.onboarding_reset":   read[ConnectionOnboardingReset],
	"connection.admin_invited":      read[ConnectionAdminInvited],
	"connection.invitation_sent":    read[ConnectionInvitationSent],
	"connection.seat_taken":         read[ConnectionSeatTaken],

	"organization.administrator_added":   read[OrganizationAdministratorAdded],
	"organization.administrator_removed": read[OrganizationAdministratorRemoved],
	"directory.admin_invited":            read[DirectoryAdminInvited],
	"directory.invitation_sent":          read[DirectoryInvitationSent],
	"directory.invitation_accepted":      read[DirectoryInvitationAccepted],
	"connection.invitation_accepted":     read[ConnectionInvitationAccepted],
	"directory.onboarding_reset":         read[DirectoryOnboardingReset],
	"directory.admin_removed":            read[DirectoryAdminRemoved],
	"connection.admin_removed":           read[ConnectionAdminRemoved],

	"mail.attempted": read[MailAttempted],
	"mail.sent":      read[MailSent],
	"mail.given_up":  read[MailGivenUp],
}

// Modifies tells whether an event changes what is shown of its subject. Others ask for something, keep a late writer away, tell of a
// sign-in, or are about what is shown beside it.
func Modifies(e Event) bool {
	switch e.(type) {
	case DirectoryAdminInvited, DirectoryInvitationSent, DirectoryInvitationAccepted, DirectoryOnboardingReset, DirectoryAdminRemoved,
		ConnectionInvitationAccepted, ConnectionSeatTaken, UserClaimRevoked, EndpointTested, EndpointReplayRequested, EndpointReplayCancelled, EndpointRecoveryRequested, EndpointResendRequested, EndpointDeliveryCancelled:
		return false
	}
	return true
}

// Encode is an event as it is stored: its name and its data, a JSON object whose bytes depend on the event alone.
func Encode(e Event) (name string, data []byte, err error) {
	data, err = marshal(e)
	if err != nil {
		return "", nil, fmt.Errorf("encode %s: %w", e.EventName(), err)
	}
	return e.EventName(), data, nil
}

// Decode reads what Encode wrote, in this version or an earlier one.
func Decode(name string, data []byte) (Event, error) {
	r, known := eventTypes[name]
	if !known {
		return nil, fmt.Errorf("decode %s: no such event; this log was written by a newer Rollcall", name)
	}
	e, err := r(data)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	return e, nil
}

// read keeps numbers as they were written: an extension attribute may be larger than a float64 can hold. It reads one
// object and nothing after it.
func read[E Event](data []byte) (Event, error) {
	var e *E
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&e); err != nil {
		return nil, err
	}
	if _, err := d.Token(); e == nil || err != io.EOF {
		return nil, errors.New("not one JSON object")
	}
	return *e, nil
}

// marshal is json.Marshal without the escapes for HTML, which EventStoreDB's own UI would show.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// EncodeMeta is a Meta as it is stored.
func EncodeMeta(m Meta) ([]byte, error) {
	m.Schema = SchemaVersion
	m.RecordedAt = m.RecordedAt.UTC().Truncate(time.Millisecond)
	return marshal(m)
}

// DecodeMeta reads what EncodeMeta wrote.
func DecodeMeta(data []byte) (Meta, error) {
	var m Meta
	if err := json.Unmarshal(data, &m); err != nil {
		return Meta{}, fmt.Errorf("decode the meta: %w", err)
	}
	return m, nil
}
