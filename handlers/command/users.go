package command

import (
	"context"
	"maps"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// CreateUser provisions a user in a directory, or brings back the one that a provider that restores means: see suspended. A userName
// that is taken is a uniqueness error.
func (s *Service) CreateUser(ctx context.Context, c Caller, d projections.Directory, attributes domain.Attributes) (projections.User, error) {
	event, err := domain.ProvisionUser(d.ID, attributes)
	if err != nil {
		return projections.User{}, err
	}
	claimed, err := userName(d.ID, attributes)
	if err != nil {
		return projections.User{}, err
	}
	return decide(ctx, s, s.claimStream(claimed), func() (projections.User, error) {
		if id, u, err := s.suspended(ctx, d, attributes); err != nil {
			return projections.User{}, err
		} else if id != "" {
			return s.become(ctx, c, d, id, u, attributes)
		}
		id := newID() // another one in each attempt: the last one's stream may have been fenced
		stream := projections.KindUser.Stream(id)
		var draft draft
		meta := s.metaIn(c, d)
		if err := s.claim(ctx, &draft, meta, claimed, stream); err != nil {
			return projections.User{}, err
		}
		draft.add(stream, eventstore.NoStream, meta, event)
		if err := s.append(ctx, draft); err != nil {
			return projections.User{}, err
		}
		return userOf(id, keep(s, stream, folded[domain.User]{}, meta.RecordedAt, event)), nil
	})
}

func userOf(id string, f folded[domain.User]) projections.User {
	return projections.User{ID: id, Version: f.Version, Attributes: f.State.Attributes, Created: f.Created, Modified: f.Modified}
}

// ReplaceUser gives a user these attributes and no others (RFC 7644 §3.5.1), but for active: where it is not given it stays, so
// that nobody suspended comes back by what a client left out.
func (s *Service) ReplaceUser(ctx context.Context, c Caller, d projections.Directory, id string, attributes domain.Attributes) (projections.User, error) {
	return s.changeUser(ctx, c, d, id, func(before domain.Attributes) (domain.Attributes, error) {
		active, was := before["active"]
		if _, given := attributes["active"]; given || !was {
			return attributes, nil
		}
		next := maps.Clone(attributes)
		next["active"] = active
		return next, nil
	})
}

// PatchUser applies operations to a user (RFC 7644 §3.5.2): all, or none.
func (s *Service) PatchUser(ctx context.Context, c Caller, d projections.Directory, id string, operations []domain.PatchOp) (projections.User, error) {
	return s.changeUser(ctx, c, d, id, func(a domain.Attributes) (domain.Attributes, error) {
		next, _, err := d.Dialect().Patch(domain.UserType, a, operations)
		return next, err
	})
}

func (s *Service) changeUser(ctx context.Context, c Caller, d projections.Directory, id string, change func(domain.Attributes) (domain.Attributes, error)) (projections.User, error) {
	return decide(ctx, s, projections.KindUser.Stream(id), func() (projections.User, error) {
		u, err := s.user(ctx, c, d, id)
		if err != nil {
			return projections.User{}, err
		}
		attributes, err := change(u.State.Attributes)
		if err != nil {
			return projections.User{}, err
		}
		return s.become(ctx, c, d, id, u, attributes)
	})
}

// become takes a user that was loaded to other attributes, and its claim to another name.
func (s *Service) become(ctx context.Context, c Caller, d projections.Directory, id string, u folded[domain.User], attributes domain.Attributes) (projections.User, error) {
	event, err := u.State.Become(attributes)
	if err != nil || event == nil {
		return userOf(id, u), err
	}
	var draft draft
	meta, stream := s.metaIn(c, d), projections.KindUser.Stream(id)
	before, err := userName(d.ID, u.State.Attributes)
	if err != nil {
		return projections.User{}, err
	}
	after, err := userName(d.ID, attributes)
	if err != nil {
		return projections.User{}, err
	}
	if before != after {
		if err := s.claim(ctx, &draft, meta, after, stream); err != nil {
			return projections.User{}, err
		}
	}
	draft.add(stream, u.Version, meta, event)
	if before != after {
		if err := s.release(ctx, &draft, meta, before, stream); err != nil {
			return projections.User{}, err
		}
	}
	if err := s.append(ctx, draft); err != nil {
		return projections.User{}, err
	}
	return userOf(id, keep(s, stream, u, meta.RecordedAt, event)), nil
}

// DeleteUser deletes a user, takes it out of its groups and frees its userName, in one batch.
func (s *Service) DeleteUser(ctx context.Context, c Caller, d projections.Directory, id string) error {
	stream := projections.KindUser.Stream(id)
	done, err := s.locks.deleting(ctx, d.ID)
	if err != nil {
		return err
	}
	defer done()
	_, err = decide(ctx, s, stream, func() (struct{}, error) {
		u, err := s.user(ctx, c, d, id)
		if err != nil {
			return struct{}{}, err
		}
		var draft draft
		meta := s.metaIn(c, d)
		draft.add(stream, u.Version, meta, domain.UserDeleted{})
		if err := s.leaveGroups(ctx, &draft, meta, d, id); err != nil {
			return struct{}{}, err
		}
		held, err := userName(d.ID, u.State.Attributes)
		if err != nil {
			return struct{}{}, err
		}
		if err := s.release(ctx, &draft, meta, held, stream); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.append(ctx, draft)
	})
	return err
}

// user loads a user that exists in the directory and stands as the caller wants.
func (s *Service) user(ctx context.Context, c Caller, d projections.Directory, id string) (folded[domain.User], error) {
	u, err := load[domain.User](ctx, s, projections.KindUser.Stream(id))
	if err != nil {
		return folded[domain.User]{}, err
	}
	if !u.State.Exists() || u.State.Directory != d.ID {
		return folded[domain.User]{}, domain.Refuse(domain.NotFound, "there is no such user")
	}
	return u, c.allows(u.Version)
}
