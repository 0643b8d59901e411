package projections

import "github.com/rollcall-sync/rollcall/eventstore"

// Limits on what is remembered: all together some megabytes.
const (
	memosKept       = 4096 // of each kind
	userKept        = 4096 // bytes of one
	membershipsKept = 50   // of one member
)

// memos are what the read model need not be asked for again: the directory of each request, and the users that providers come back to.
type memos struct {
	directories *memo[Directory]
	users       *memo[placedUser]
	memberships *memo[[]Membership] // by directory and member, for they tell of its groups
}

// placedUser is a user with the directory that it is in.
type placedUser struct {
	User
	directory string
}

func newMemos() memos {
	return memos{
		directories: newMemo(memosKept, func(Directory) bool { return true }),
		users:       newMemo(memosKept, func(u placedUser) bool { return len(u.JSON) <= userKept }),
		memberships: newMemo(memosKept, func(in []Membership) bool { return len(in) <= membershipsKept }),
	}
}

// forget drops what the records change, after that was committed and before anybody is told of it.
func (m memos) forget(records []eventstore.Record) {
	var users []string
	groups, all := false, false
	for _, r := range records {
		switch kind, id := SplitStream(r.Stream); kind {
		case KindUser:
			users = append(users, id)
		case KindGroup:
			groups = true
		case KindDirectory, KindOrganization:
			all = true
		}
	}
	if all {
		m.directories.clear()
		m.users.clear()
	} else if len(users) > 0 {
		m.users.forget(users...)
	}
	if all || groups {
		m.memberships.clear()
	}
}
