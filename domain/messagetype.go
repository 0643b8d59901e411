package domain

import (
	"slices"
	"strings"
)

// The types of messages. Suspended and deleted are different facts.
const (
	TypeOrganizationCreated  = "organization.created"
	TypeOrganizationUpdated  = "organization.updated"
	TypeOrganizationDeleted  = "organization.deleted"
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
	TypeConnectionCreated    = "connection.created"
	TypeConnectionUpdated    = "connection.updated"
	TypeConnectionInvited    = "connection.admin_invited"
	TypeConnectionActivated  = "connection.activated"
	TypeConnectionDisabled   = "connection.disabled"
	TypeConnectionDeleted    = "connection.deleted"
	TypeWebhookTest          = "webhook.test"
)

// MessageTypes are all types that an endpoint may ask for.
var MessageTypes = []string{
	TypeOrganizationCreated, TypeOrganizationUpdated, TypeOrganizationDeleted,
	TypeDirectoryActivated, TypeDirectoryUpdated, TypeDirectoryDeactivated, TypeDirectoryDeleted,
	TypeUserCreated, TypeUserUpdated, TypeUserDeactivated, TypeUserReactivated, TypeUserDeleted,
	TypeGroupCreated, TypeGroupUpdated, TypeGroupMembersChanged, TypeGroupDeleted,
	TypeConnectionCreated, TypeConnectionUpdated, TypeConnectionInvited, TypeConnectionActivated, TypeConnectionDisabled, TypeConnectionDeleted,
}

// messageTypes are the types of the messages that events become, by the events' stored names. The others send none.
var messageTypes = map[string]string{
	"organization.created":  TypeOrganizationCreated,
	"organization.updated":  TypeOrganizationUpdated,
	"organization.deleted":  TypeOrganizationDeleted,
	"directory.activated":   TypeDirectoryActivated,
	"directory.reactivated": TypeDirectoryActivated,
	"directory.updated":     TypeDirectoryUpdated,
	"directory.deactivated": TypeDirectoryDeactivated,
	"directory.deleted":     TypeDirectoryDeleted,
	"user.provisioned":      TypeUserCreated,
	"user.updated":          TypeUserUpdated,
	"user.deactivated":      TypeUserDeactivated,
	"user.reactivated":      TypeUserReactivated,
	"user.deleted":          TypeUserDeleted,
	"group.created":         TypeGroupCreated,
	"group.updated":         TypeGroupUpdated,
	"group.members_changed": TypeGroupMembersChanged,
	"group.deleted":         TypeGroupDeleted,
	"endpoint.tested":       TypeWebhookTest,

	"connection.created":            TypeConnectionCreated,
	"connection.updated":            TypeConnectionUpdated,
	"connection.redirection_added":  TypeConnectionUpdated,
	"connection.onboarding_started": TypeConnectionUpdated,
	"connection.onboarding_updated": TypeConnectionUpdated,
	"connection.onboarding_reset":   TypeConnectionUpdated,
	"connection.admin_removed":      TypeConnectionUpdated,
	"connection.admin_invited":      TypeConnectionInvited,
	"connection.invitation_sent":    TypeConnectionInvited, // once more, for the mail may go much later, or never
	"connection.activated":          TypeConnectionActivated,
	"connection.disabled":           TypeConnectionDisabled,
	"connection.deleted":            TypeConnectionDeleted,
}

// MessageType is the type of the message that an event becomes, "" if it sends none.
func MessageType(e Event) string { return MessageTypeOf(e.EventName()) }

// MessageTypeOf is the type of the message that events of a stored name become, "" if they send none.
func MessageTypeOf(name string) string { return messageTypes[name] }

// Wanted tells whether one of the codes asks for messages of a type: a type, a prefix with *, or all.
func Wanted(codes []string, kind string) bool {
	return slices.ContainsFunc(codes, func(code string) bool { return covers(code, kind) })
}

func covers(code, kind string) bool {
	prefix, wild := strings.CutSuffix(code, "*")
	return code == "all" || code == kind || wild && strings.HasPrefix(kind, prefix)
}

// CheckCodes refuses codes that no message matches. None are all.
func CheckCodes(codes []string) ([]string, error) {
	if len(codes) == 0 {
		return []string{"all"}, nil
	}
	for _, code := range codes {
		if !slices.ContainsFunc(MessageTypes, func(kind string) bool { return covers(code, kind) }) {
			return nil, RefuseField("event_codes", "has %q, which no message matches; take all, directory.user.* or a type", code)
		}
	}
	return codes, nil
}
