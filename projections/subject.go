package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// Streams is what folding a subject reads.
type Streams interface {
	Read(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error]
}

// A group's snapshot lists its members up to shownMembers. The fold remembers them up to keptMembers, so that
// a group about that size is not read anew at each change.
const (
	shownMembers = 100
	keptMembers  = 200
)

// Subject is what messages tell of, folded to a version: a Kind that Tells. It is immutable: Next makes another.
type Subject struct {
	Kind         Kind
	ID           string
	Version      eventstore.Version
	organization domain.Organization
	directory    domain.Directory
	user         domain.User
	group        domain.Group
	connection   domain.Connection
	members      []domain.Member // in the order in which they came; nil if unknown, which a group of more than shownMembers may be
}

// tellable is what every kind of subject can do.
type tellable interface {
	Apply(domain.Event)
	Exists() bool
	Snapshot(id string) domain.Attributes
}

// state is the one state that the subject has.
func (s *Subject) state() tellable {
	switch s.Kind {
	case KindOrganization:
		return &s.organization
	case KindDirectory:
		return &s.directory
	case KindGroup:
		return &s.group
	case KindConnection:
		return &s.connection
	}
	return &s.user
}

// errMembersUnknown tells that a group has shrunk to a size at which its members are shown, and they were not kept.
var errMembersUnknown = errors.New("the group's members were not kept")

// Exists tells whether the subject is there at this version.
func (s *Subject) Exists() bool { return s.state().Exists() }

// Directory is the id of the directory that a user or a group belongs to, also after its deletion; "" before it was made. What belongs to none
// stands for itself.
func (s *Subject) Directory() string {
	switch s.Kind {
	case KindUser:
		return s.user.Directory
	case KindGroup:
		return s.group.Directory
	}
	return s.ID
}

// UserName is a user's name, also after its deletion; "" for other subjects.
func (s *Subject) UserName() string { return s.user.Attributes.Text("userName") }

// ExternalID is the id that the provider knows the subject by.
func (s *Subject) ExternalID() string {
	if s.Kind == KindGroup {
		return s.group.Attributes.Text("externalId")
	}
	return s.user.Attributes.Text("externalId")
}

// Count is how many members a group has.
func (s *Subject) Count() int { return s.group.Count }

// Snapshot is the whole subject, nil if it is not there. A group's lists its members up to a hundred.
func (s *Subject) Snapshot() domain.Attributes {
	if s.Kind != KindGroup || s.group.Count > shownMembers {
		return s.state().Snapshot(s.ID)
	}
	return s.listing(s.members)
}

// listing is a group's snapshot with these members.
func (s *Subject) listing(members []domain.Member) domain.Attributes {
	snapshot := s.group.Snapshot(s.ID)
	if snapshot == nil || len(members) == 0 {
		return snapshot
	}
	list := make([]any, len(members))
	for i, m := range members {
		one := map[string]any{"value": m.ID}
		if m.Type != "" {
			one["type"] = m.Type
		}
		list[i] = one
	}
	snapshot["members"] = list
	return snapshot
}

// Next is the subject after one more event.
func (s *Subject) Next(e domain.Event) (*Subject, error) {
	n := *s
	n.Version++
	if n.state().Apply(e); n.Kind == KindGroup {
		return &n, n.follow(domain.DeltaOf(e))
	}
	return &n, nil
}

func (s *Subject) follow(delta domain.MembersDelta) error {
	switch {
	case s.members == nil && s.group.Count > shownMembers:
		return nil
	case s.members == nil && s.Version > 1:
		return errMembersUnknown
	case s.group.Count > keptMembers:
		s.members = nil
		return nil
	case len(delta.Removed) == 0:
		s.members = slices.Concat(s.members, delta.Added)
	default:
		s.members = slices.DeleteFunc(slices.Clone(s.members), func(m domain.Member) bool {
			return slices.ContainsFunc(delta.Removed, func(r domain.Member) bool { return r.ID == m.ID })
		})
		s.members = append(s.members, delta.Added...)
	}
	if s.members == nil {
		s.members = []domain.Member{}
	}
	return nil
}

// Fold reads a subject's stream up to a version; 0 is all of it.
func Fold(ctx context.Context, log Streams, kind Kind, id string, upTo eventstore.Version) (*Subject, error) {
	s, _, err := fold(ctx, log, kind, id, func(r eventstore.Record) bool { return upTo == 0 || r.Version <= upTo })
	return s, err
}

// FoldAt reads a subject's stream up to a position in the log.
func FoldAt(ctx context.Context, log Streams, kind Kind, id string, at eventstore.Position) (*Subject, error) {
	s, _, err := fold(ctx, log, kind, id, func(r eventstore.Record) bool { return !at.Before(r.Position) })
	return s, err
}

// WholeAt is a subject at a position in the log with its snapshot, in which a group of any size lists all its members.
func WholeAt(ctx context.Context, log Streams, kind Kind, id string, at eventstore.Position) (*Subject, domain.Attributes, error) {
	s, members, err := fold(ctx, log, kind, id, func(r eventstore.Record) bool { return !at.Before(r.Position) })
	switch {
	case err != nil:
		return nil, nil, err
	case kind == KindGroup:
		return s, s.listing(members), nil
	}
	return s, s.Snapshot(), nil
}

// fold also answers all members of a group, in the order in which they came: a whole read knows them at any size.
func fold(ctx context.Context, log Streams, kind Kind, id string, until func(eventstore.Record) bool) (*Subject, []domain.Member, error) {
	s := &Subject{Kind: kind, ID: id}
	type place struct {
		nth    int
		member domain.Member
	}
	came := map[string]place{}
	nth := 0
	for r, err := range log.Read(ctx, kind.Stream(id), 0) {
		if err != nil {
			return nil, nil, fmt.Errorf("fold %s: %w", kind.Stream(id), err)
		}
		if !until(r) {
			break
		}
		e, err := domain.Decode(r.Type, r.Data)
		if err != nil {
			return nil, nil, fmt.Errorf("fold %s at position %s: %w", kind.Stream(id), r.Position, err)
		}
		delta := domain.DeltaOf(e)
		for _, m := range delta.Removed {
			delete(came, m.ID)
		}
		for _, m := range delta.Added {
			came[m.ID] = place{nth, m}
			nth++
		}
		if s, err = s.Next(e); err != nil && !errors.Is(err, errMembersUnknown) {
			return nil, nil, err
		}
	}
	members := make([]domain.Member, 0, len(came))
	for _, p := range slices.SortedFunc(maps.Values(came), func(a, b place) int { return a.nth - b.nth }) {
		members = append(members, p.member)
	}
	if kind == KindGroup && len(members) <= keptMembers {
		s.members = members
	}
	return s, members, nil
}
