package domain

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// Sealed is a secret that must be read again, encrypted under the master key: what stands in the log and in exports.
type Sealed string

// EndpointCreated begins a webhook endpoint.
type EndpointCreated struct {
	Name         string   `json:"name"`
	URL          string   `json:"url"`
	EventCodes   []string `json:"event_codes"`
	Organization string   `json:"organization,omitempty"` // a domain; "" for all organizations
	Secret       Sealed   `json:"secret"`
}

// EndpointDisabled stops its deliveries.
type EndpointDisabled struct {
	Reason string `json:"reason"`
}

// EndpointTested asks for a test message to it.
type EndpointTested struct{}

// EndpointDeleted ends it.
type EndpointDeleted struct{}

func (EndpointCreated) EventName() string  { return "endpoint.created" }
func (EndpointDisabled) EventName() string { return "endpoint.disabled" }
func (EndpointTested) EventName() string   { return "endpoint.tested" }
func (EndpointDeleted) EventName() string  { return "endpoint.deleted" }

// Endpoint is a webhook's URL, secret and filter.
type Endpoint struct {
	Name         string
	URL          string // "" until it is created
	EventCodes   []string
	Organization string
	Secret       Sealed
	Disabled     string // why, "" while it is active
	Deleted      bool
}

// Exists tells whether there is such an endpoint now.
func (p *Endpoint) Exists() bool { return p.URL != "" && !p.Deleted }

// Apply folds an event into the state.
func (p *Endpoint) Apply(e Event) {
	switch e := e.(type) {
	case EndpointCreated:
		p.Name, p.URL, p.EventCodes, p.Organization, p.Secret = e.Name, e.URL, e.EventCodes, e.Organization, e.Secret
	case EndpointDisabled:
		p.Disabled = e.Reason
	case EndpointDeleted:
		p.Deleted = true
	}
}

// The types of messages. Suspended and deleted are different facts.
const (
	TypeDirectoryActivated   = "directory.activated"
	TypeDirectoryUpdated     = "directory.updated"
	TypeDirectoryDeactivated = "directory.deactivated"
	TypeDirectoryDeleted     = "directory.deleted"
	TypeUserCreated          = "directory.user.created"
	TypeUserUpdated          = "directory.user.updated"
	TypeUserDeactivated      = "directory.user.deactivated"
	TypeUserReactivated      = "directory.user.reactivated"
	TypeUserDeleted          = "directory.user.deleted"
	TypeGroupCreated         = "directory.group.created"
	TypeGroupUpdated         = "directory.group.updated"
	TypeGroupMembersChanged  = "directory.group.members_changed"
	TypeGroupDeleted         = "directory.group.deleted"
	TypeWebhookTest          = "webhook.test"
)

// MessageTypes are all types that an endpoint may ask for.
var MessageTypes = []string{
	TypeDirectoryActivated, TypeDirectoryUpdated, TypeDirectoryDeactivated, TypeDirectoryDeleted,
	TypeUserCreated, TypeUserUpdated, TypeUserDeactivated, TypeUserReactivated, TypeUserDeleted,
	TypeGroupCreated, TypeGroupUpdated, TypeGroupMembersChanged, TypeGroupDeleted,
}

// MessageType is the type of the message that an event becomes, "" if it sends none.
func MessageType(e Event) string {
	switch e.(type) {
	case DirectoryActivated, DirectoryReactivated:
		return TypeDirectoryActivated
	case DirectoryUpdated:
		return TypeDirectoryUpdated
	case DirectoryDeactivated:
		return TypeDirectoryDeactivated
	case DirectoryDeleted:
		return TypeDirectoryDeleted
	case UserProvisioned:
		return TypeUserCreated
	case UserUpdated:
		return TypeUserUpdated
	case UserDeactivated:
		return TypeUserDeactivated
	case UserReactivated:
		return TypeUserReactivated
	case UserDeleted:
		return TypeUserDeleted
	case GroupCreated:
		return TypeGroupCreated
	case GroupUpdated:
		return TypeGroupUpdated
	case GroupMembersChanged:
		return TypeGroupMembersChanged
	case GroupDeleted:
		return TypeGroupDeleted
	case EndpointTested:
		return TypeWebhookTest
	}
	return ""
}

// Wants tells whether the endpoint asks for messages of this type from this organization.
func (p *Endpoint) Wants(kind, organization string) bool {
	if !p.Exists() || p.Disabled != "" || p.Organization != "" && p.Organization != organization {
		return false
	}
	return slices.ContainsFunc(p.EventCodes, func(code string) bool { return covers(code, kind) })
}

func covers(code, kind string) bool {
	prefix, wild := strings.CutSuffix(code, "*")
	return code == "all" || code == kind || wild && strings.HasPrefix(kind, prefix)
}

// CreateEndpoint decides on a new endpoint. Whether its address may be reached is decided when it is dialled.
func CreateEndpoint(e EndpointCreated) (Event, error) {
	if err := checkName(e.Name); err != nil {
		return nil, err
	}
	e.Name = strings.TrimSpace(e.Name)
	u, err := url.Parse(e.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || len(e.URL) > 2048:
		return nil, RefuseField("target_url", "is not an http or https URL")
	case u.User != nil:
		return nil, RefuseField("target_url", "holds credentials; deliveries are signed instead")
	case u.Fragment != "":
		return nil, RefuseField("target_url", "has a fragment, which is never sent")
	}
	if len(e.EventCodes) == 0 {
		e.EventCodes = []string{"all"}
	}
	for _, code := range e.EventCodes {
		if !slices.ContainsFunc(MessageTypes, func(kind string) bool { return covers(code, kind) }) {
			return nil, RefuseField("event_codes", "has %q, which no message matches; take all, directory.user.* or a type", code)
		}
	}
	return e, nil
}

// Disable decides to stop its deliveries: nil if they are stopped already, or it is none. The reason is never empty, as this is what
// tells a disabled endpoint.
func (p *Endpoint) Disable(reason string) Event {
	if p.Disabled != "" || !p.Exists() {
		return nil
	}
	return EndpointDisabled{cmp.Or(reason, "unknown")}
}
