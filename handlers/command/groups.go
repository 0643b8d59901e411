package command

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// CreateGroup makes a group with the members that the plan wants. A displayName that is taken is a uniqueness error where the provider finds its
// groups by it.
func (s *Service) CreateGroup(ctx context.Context, c Caller, d projections.Directory, attributes domain.Attributes, plan domain.MembersPlan) (projections.Group, error) {
	done, err := s.locks.joining(ctx, d.ID)
	if err != nil {
		return projections.Group{}, err
	}
	defer done()
	delta, err := s.known(ctx, d, plan.Delta(nil))
	if err != nil {
		return projections.Group{}, err
	}
	events, err := domain.CreateGroup(d.ID, attributes, delta.Added)
	if err != nil {
		return projections.Group{}, err
	}
	named, claims := groupName(d, attributes)
	return decide(ctx, s, s.claimStream(named), func() (projections.Group, error) {
		id := newID() // another one in each attempt: the last one's stream may have been fenced
		stream := projections.KindGroup.Stream(id)
		var draft draft
		meta := s.metaIn(c, d)
		if claims {
			if err := s.claim(ctx, &draft, meta, named, stream); err != nil {
				return projections.Group{}, err
			}
		}
		draft.add(stream, eventstore.NoStream, meta, events...)
		if err := s.append(ctx, draft); err != nil {
			return projections.Group{}, err
		}
		return groupOf(id, keep(s, stream, folded[domain.Group]{}, meta.RecordedAt, events...)), nil
	})
}

func groupOf(id string, f folded[domain.Group]) projections.Group {
	return projections.Group{ID: id, Version: f.Version, JSON: projections.JSONOf(f.State.Attributes), Count: f.State.Count, Created: f.Created, Modified: f.Modified}
}

// ReplaceGroup gives a group these attributes and these members, and no others (RFC 7644 §3.5.1).
func (s *Service) ReplaceGroup(ctx context.Context, c Caller, d projections.Directory, id string, attributes domain.Attributes, plan domain.MembersPlan) (projections.Group, error) {
	return s.changeGroup(ctx, c, d, id, func(domain.Attributes) (domain.Attributes, domain.MembersPlan, error) { return attributes, plan, nil })
}

// PatchGroup applies operations to a group (RFC 7644 §3.5.2): all, or none. Its cost follows the members that the operations name,
// unless they replace all members.
func (s *Service) PatchGroup(ctx context.Context, c Caller, d projections.Directory, id string, operations []domain.PatchOp) (projections.Group, error) {
	return s.changeGroup(ctx, c, d, id, func(a domain.Attributes) (domain.Attributes, domain.MembersPlan, error) {
		return d.Dialect().Patch(domain.GroupType, a, operations)
	})
}

func (s *Service) changeGroup(ctx context.Context, c Caller, d projections.Directory, id string, change func(domain.Attributes) (domain.Attributes, domain.MembersPlan, error)) (projections.Group, error) {
	stream := projections.KindGroup.Stream(id)
	done, err := s.locks.joining(ctx, d.ID)
	if err != nil {
		return projections.Group{}, err
	}
	defer done()
	return decide(ctx, s, stream, func() (projections.Group, error) {
		g, err := s.group(ctx, c, d, id)
		if err != nil {
			return projections.Group{}, err
		}
		attributes, plan, err := change(g.State.Attributes)
		if err != nil {
			return projections.Group{}, err
		}
		delta, err := s.delta(ctx, d, id, plan)
		if err != nil {
			return projections.Group{}, err
		}
		events, err := g.State.Become(attributes, delta)
		if err != nil || len(events) == 0 {
			return groupOf(id, g), err
		}
		var draft draft
		meta := s.metaIn(c, d)
		before, _ := groupName(d, g.State.Attributes)
		after, claims := groupName(d, attributes)
		renamed := claims && before != after
		if renamed {
			if err := s.claim(ctx, &draft, meta, after, stream); err != nil {
				return projections.Group{}, err
			}
		}
		draft.add(stream, g.Version, meta, events...)
		if renamed {
			if err := s.release(ctx, &draft, meta, before, stream); err != nil {
				return projections.Group{}, err
			}
		}
		if err := s.append(ctx, draft); err != nil {
			return projections.Group{}, err
		}
		return groupOf(id, keep(s, stream, g, meta.RecordedAt, events...)), nil
	})
}

// DeleteGroup deletes a group and takes it out of the groups that it is in, in one batch. Its members stay.
func (s *Service) DeleteGroup(ctx context.Context, c Caller, d projections.Directory, id string) error {
	stream := projections.KindGroup.Stream(id)
	done, err := s.locks.deleting(ctx, d.ID)
	if err != nil {
		return err
	}
	defer done()
	_, err = decide(ctx, s, stream, func() (struct{}, error) {
		g, err := s.group(ctx, c, d, id)
		if err != nil {
			return struct{}{}, err
		}
		var draft draft
		meta := s.metaIn(c, d)
		draft.add(stream, g.Version, meta, domain.GroupDeleted{})
		if err := s.leaveGroups(ctx, &draft, meta, d, id); err != nil {
			return struct{}{}, err
		}
		if held, claims := groupName(d, g.State.Attributes); claims {
			if err := s.release(ctx, &draft, meta, held, stream); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, s.append(ctx, draft)
	})
	return err
}

// leaveGroups adds to the draft of a deletion that the user or group leaves every group that it is in. In a shared log, where the draft might be
// written in part, departures do.
func (s *Service) leaveGroups(ctx context.Context, draft *draft, meta domain.Meta, d projections.Directory, member string) error {
	if s.Shared {
		return nil
	}
	in, err := s.Read.Memberships(ctx, d.ID, []string{member})
	if err != nil || draft.err != nil {
		return err
	}
	meta.CausationID = draft.writes[0].Entries[0].ID.String()
	for _, m := range in[member] {
		if !m.Direct {
			continue
		}
		g, err := load[domain.Group](ctx, s, projections.KindGroup.Stream(m.Group))
		if err != nil {
			return err
		}
		// Asked again, since the group may have changed, or gone, before it was loaded.
		gone, err := s.Read.Standing(ctx, d.ID, m.Group, []string{member})
		if err != nil {
			return err
		}
		if len(gone) > 0 {
			draft.add(projections.KindGroup.Stream(m.Group), g.Version, meta, domain.GroupMembersChanged{MembersDelta: domain.MembersDelta{Removed: gone}})
		}
	}
	return nil
}

// group loads a group that exists in the directory and stands as the caller wants.
func (s *Service) group(ctx context.Context, c Caller, d projections.Directory, id string) (folded[domain.Group], error) {
	g, err := load[domain.Group](ctx, s, projections.KindGroup.Stream(id))
	if err != nil {
		return folded[domain.Group]{}, err
	}
	if !g.State.Exists() || g.State.Directory != d.ID {
		return folded[domain.Group]{}, domain.Refuse(domain.NotFound, "there is no such group")
	}
	return g, c.allows(g.Version)
}
