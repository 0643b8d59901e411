package domain

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// ConnectionCreated begins a connection, with its onboarding, and with a default redirection and an invitation if they are given.
type ConnectionCreated struct {
	OrganizationID  string       `json:"organization_id"`
	ServiceProvider string       `json:"sp_id"`
	Onboarding      Onboarding   `json:"onboarding"`
	Redirection     *Redirection `json:"default_redirection,omitempty"`
	Invitation      *Invitation  `json:"invitation,omitempty"`
}

// ConnectionEdit is what one request changed of a connection; what is absent stayed.
type ConnectionEdit struct {
	Provider           Provider           `json:"provider_type,omitempty"`
	Metadata           []EntityDescriptor `json:"metadata,omitempty"`
	Policy             Policy             `json:"user_security_type,omitempty"`
	SeatsLimit         *int               `json:"seats_limit,omitempty"`
	UpdateUsers        *bool              `json:"update_user_new_connection,omitempty"`
	DefaultRedirection string             `json:"default_redirection,omitempty"` // its id
}

// ConnectionUpdated changes a connection and leaves it as active as it was.
type ConnectionUpdated struct{ ConnectionEdit }

// ConnectionActivated opens a connection, with whatever else the same request changed.
type ConnectionActivated struct{ ConnectionEdit }

// ConnectionDisabled closes a connection, with whatever else the same request changed.
type ConnectionDisabled struct{ ConnectionEdit }

// ConnectionDeleted ends it for good.
type ConnectionDeleted struct{}

func (ConnectionCreated) EventName() string   { return "connection.created" }
func (ConnectionUpdated) EventName() string   { return "connection.updated" }
func (ConnectionActivated) EventName() string { return "connection.activated" }
func (ConnectionDisabled) EventName() string  { return "connection.disabled" }
func (ConnectionDeleted) EventName() string   { return "connection.deleted" }

// Connection is an organization's way to sign in.
type Connection struct {
	OrganizationID  string // "" until it is created
	ServiceProvider string // how the identity provider knows us
	Active          bool
	Deleted         bool
	Provider        Provider           // "" until one is chosen
	Metadata        []EntityDescriptor // of the identity provider; none until they are given
	Policy          Policy
	SeatsLimit      int  // 0 for none
	UpdateUsers     bool // root attributes of users are updated at each sign-in, and not only when a user is made
	Onboarding      Onboarding
	Invited         Invited       // the onboarding's administrator
	XMLProvided     bool          // metadata were given since the onboarding began
	Redirections    []Redirection // the selectable ones, in the order in which they came
	Default         Redirection   // the one that is the default; the zero one if there is none
}

// Exists tells whether there is such a connection now.
func (c *Connection) Exists() bool { return c.OrganizationID != "" && !c.Deleted }

// Apply folds an event into the state.
func (c *Connection) Apply(e Event) {
	switch e := e.(type) {
	case ConnectionCreated:
		*c = Connection{OrganizationID: e.OrganizationID, ServiceProvider: e.ServiceProvider, Active: true, Policy: PolicyNone, UpdateUsers: true, Onboarding: e.Onboarding}
		if e.Redirection != nil {
			c.addRedirection(*e.Redirection)
		}
		if e.Invitation != nil {
			c.Invited = c.Invited.invite(*e.Invitation)
		}
	case ConnectionUpdated:
		c.edit(e.ConnectionEdit)
	case ConnectionActivated:
		c.edit(e.ConnectionEdit)
		c.Active = true
	case ConnectionDisabled:
		c.edit(e.ConnectionEdit)
		c.Active = false
	case ConnectionRedirectionAdded:
		c.addRedirection(e.Redirection)
	case ConnectionOnboardingStarted:
		c.Onboarding, c.Provider, c.XMLProvided, c.Invited = e.Onboarding, e.Provider, false, Invited{}
	case ConnectionOnboardingUpdated:
		if e.Email != "" { // whoever was invited before is not in charge any more
			c.Onboarding.Email, c.Invited = e.Email, Invited{}
		}
		if e.Provider != "" {
			c.Provider = e.Provider
		}
	case ConnectionOnboardingReset:
		c.Provider, c.XMLProvided, c.Invited = "", false, Invited{}
	case ConnectionAdminInvited:
		c.Invited = c.Invited.invite(e.Invitation)
	case ConnectionInvitationSent:
		c.Invited = c.Invited.send(e.InvitationSent)
	case ConnectionInvitationAccepted:
		c.Invited = c.Invited.accept()
	case ConnectionAdminRemoved:
		c.Onboarding.Email, c.Invited = "", Invited{}
	case ConnectionDeleted:
		c.Deleted = true
	}
}

func (c *Connection) edit(e ConnectionEdit) {
	if e.Provider != "" {
		c.Provider = e.Provider
	}
	if e.Metadata != nil {
		c.Metadata, c.XMLProvided = e.Metadata, true
	}
	if e.Policy != "" {
		c.Policy = e.Policy
	}
	if e.SeatsLimit != nil {
		c.SeatsLimit = *e.SeatsLimit
	}
	if e.UpdateUsers != nil {
		c.UpdateUsers = *e.UpdateUsers
	}
	if r, known := c.Redirection(e.DefaultRedirection); known {
		c.Default = r
	}
}

// ConnectionState is how far a connection is.
type ConnectionState string

// The states of a connection. The first is spelled as it always was.
const (
	ConnectionInvitationPending ConnectionState = "it_admin_invitation_in_pending"
	ConnectionInvited           ConnectionState = "it_admin_invited"
	ConnectionConfiguring       ConnectionState = "configuring"
	ConnectionReady             ConnectionState = "ready"
	ConnectionClosed            ConnectionState = "disabled"
)

// State is how far the connection is.
func (c *Connection) State() ConnectionState {
	switch {
	case !c.Active:
		return ConnectionClosed
	case len(c.Metadata) > 0:
		return ConnectionReady
	case c.Provider != "":
		return ConnectionConfiguring
	case c.Invited.went():
		return ConnectionInvited
	}
	return ConnectionInvitationPending
}

// ConnectionName is the first part of a connection's id: the organization's domain, with underscores for its hyphens.
func ConnectionName(organization string) string { return strings.ReplaceAll(organization, "-", "_") }

// MaxConnections is how many connections an organization may have.
const MaxConnections = 100

// CreateConnection decides on a new connection. An invitation goes to the onboarding's administrator.
func CreateConnection(wanted ConnectionCreated) (Event, error) {
	if email := wanted.Onboarding.Email; email != "" {
		if err := CheckEmail("sso_admin_email", email); err != nil {
			return nil, err
		}
	}
	if wanted.Invitation != nil {
		if wanted.Onboarding.Email == "" {
			return nil, RefuseField("sso_admin_email", "is required where send_email is true")
		}
		to := wanted.Invitation.goes(wanted.Onboarding.Email)
		wanted.Invitation = &to
	}
	return wanted, nil
}

// MaxSeats bounds the number of seats.
const MaxSeats = 10_000_000

// Change decides on what is given of active and the edit, and leaves the rest as it is: nil if it is all so already.
func (c *Connection) Change(active *bool, e ConnectionEdit) (Event, error) {
	if err := c.must(); err != nil {
		return nil, err
	}
	if e.SeatsLimit != nil && (*e.SeatsLimit < 0 || *e.SeatsLimit > MaxSeats) {
		return nil, RefuseField("seats_limit", "is not a number from 0, which is no limit, to %d", MaxSeats)
	}
	if _, known := c.Redirection(e.DefaultRedirection); !known && e.DefaultRedirection != "" {
		return nil, RefuseField("default_redirection_id", "is no redirection of this connection; POST to its default-redirection makes one")
	}
	switch e = c.news(e); {
	case active != nil && *active && !c.Active:
		return ConnectionActivated{e}, nil
	case active != nil && !*active && c.Active:
		return ConnectionDisabled{e}, nil
	case reflect.ValueOf(e).IsZero():
		return nil, nil
	}
	return ConnectionUpdated{e}, nil
}

// news is what of an edit is not so already. The same metadata are news to an onboarding that waits for some.
func (c *Connection) news(e ConnectionEdit) ConnectionEdit {
	if e.Provider == c.Provider {
		e.Provider = ""
	}
	if c.XMLProvided && reflect.DeepEqual(e.Metadata, c.Metadata) {
		e.Metadata = nil
	}
	if e.Policy == c.Policy {
		e.Policy = ""
	}
	if e.SeatsLimit != nil && *e.SeatsLimit == c.SeatsLimit {
		e.SeatsLimit = nil
	}
	if e.UpdateUsers != nil && *e.UpdateUsers == c.UpdateUsers {
		e.UpdateUsers = nil
	}
	if e.DefaultRedirection == c.Default.ID {
		e.DefaultRedirection = ""
	}
	return e
}

func (c *Connection) must() error {
	if !c.Exists() {
		return Refuse(NotFound, "there is no such connection")
	}
	return nil
}

// Snapshot is the connection as messages show it, nil if it does not exist.
func (c *Connection) Snapshot(id string) Attributes {
	if !c.Exists() {
		return nil
	}
	onboarding := map[string]any{"id": c.Onboarding.ID, "state": string(c.OnboardingState())}
	s := Attributes{
		"id": id, "organization_id": c.OrganizationID, "sp_id": c.ServiceProvider, "active": c.Active, "state": string(c.State()),
		"user_security_type": string(c.Policy), "seats_limit": json.Number(strconv.Itoa(c.SeatsLimit)), "update_user_new_connection": c.UpdateUsers,
		"onboarding": onboarding,
	}
	if c.Onboarding.Email != "" {
		onboarding["sso_admin_email"] = c.Onboarding.Email
	}
	if !c.Invited.SentAt.IsZero() {
		onboarding["invitation_sent_at"] = c.Invited.SentAt.Format("2006-01-02T15:04:05.000Z")
	}
	if c.Provider != "" {
		s["provider_type"] = string(c.Provider)
	}
	if r := c.Default; r.ID != "" {
		s["default_redirection"] = map[string]any{"id": r.ID, "app_id": r.Application, "uri": r.URI}
	}
	if len(c.Metadata) > 0 {
		s["metadata"] = asAttribute(c.Metadata)
	}
	return s
}
