package domain

import (
	"slices"
	"strings"
)

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
