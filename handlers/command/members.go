package command

import (
	"context"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// delta is what a plan changes. The read model is asked who is a member; it has seen at least the version of the group that was
// loaded, and if it has seen more the append conflicts.
func (s *Service) delta(ctx context.Context, d projections.Directory, group string, plan domain.MembersPlan) (domain.MembersDelta, error) {
	if plan.Empty() {
		return domain.MembersDelta{}, nil
	}
	var standing []domain.Member
	var err error
	if plan.Clear {
		standing, err = s.Read.StandingAll(ctx, d.ID, group)
	} else {
		standing, err = s.Read.Standing(ctx, d.ID, group, plan.IDs())
	}
	if err != nil {
		return domain.MembersDelta{}, err
	}
	delta := plan.Delta(standing)
	delta.Added = slices.DeleteFunc(delta.Added, func(m domain.Member) bool { return m.ID == group }) // a group is not its own member
	return s.known(ctx, d, delta)
}

// known takes out of those added who are deleted, and marks those that are groups of the directory, for an identity provider does not
// always say so. A provider may name somebody whose deletion it has not heard of: such a member would be shown never and
// counted for ever. An id that was nobody's yet stays, since a provider may make the group before its members.
func (s *Service) known(ctx context.Context, d projections.Directory, delta domain.MembersDelta) (domain.MembersDelta, error) {
	if len(delta.Added) == 0 {
		return delta, nil
	}
	ids := make([]string, len(delta.Added))
	for i, m := range delta.Added {
		ids[i] = m.ID
	}
	groups, err := s.Read.GroupNames(ctx, d.ID, ids)
	if err != nil {
		return domain.MembersDelta{}, err
	}
	gone, err := s.Read.Gone(ctx, d.ID, ids)
	if err != nil {
		return domain.MembersDelta{}, err
	}
	added := make([]domain.Member, 0, len(delta.Added))
	for _, m := range delta.Added {
		if gone[m.ID] {
			continue
		}
		if _, is := groups[m.ID]; is {
			m.Type = "Group"
		}
		added = append(added, m)
	}
	delta.Added = added
	return delta, nil
}
