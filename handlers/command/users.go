package command

import (
	"context"
	"maps"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// CreateUser provisions a user in a directory, or brings back the one that a provider that restores means: see suspended. A userName
// that is taken is a uniqueness error, and so is an e-mail address where nobody pushes.
func (s *Service) CreateUser(ctx context.Context, c Caller, d projections.Directory, attributes domain.Attributes) (projections.User, error) {
	event, err := domain.ProvisionUser(d.ID, attributes)
	if err != nil {
		return projections.User{}, err
	}
	names, err := userNames(d, attributes)
	if err != nil {
		return projections.User{}, err
	}
	hopeful := true // most names are new
	return decide(ctx, s, s.claimStream(names[0]), func() (projections.User, error) {
		if id, u, err := s.suspended(ctx, d, attributes); err != nil {
			return projections.User{}, err
		} else if id != "" {
			return s.become(ctx, c, d, id, u, attributes)
		}
		draft := draft{hopeful: hopeful}
		hopeful = false
		meta := s.metaIn(c, d)
		id, err := s.provision(ctx, &draft, meta, names, event)
		if err != nil {
			return projections.User{}, err
		}
		if err := s.append(ctx, draft); err != nil {
			return projections.User{}, err
		}
		return userOf(id, keep(s, projections.KindUser.Stream(id), folded[domain.User]{}, meta.RecordedAt, event)), nil
	})
}

// provision adds to the draft a new user, with its claims before it.
func (s *Service) provision(ctx context.Context, draft *draft, meta domain.Meta, names []name, event domain.Event) (id string, err error) {
	id = newID() // another one in each attempt: the last one's stream may have been fenced
	stream := projections.KindUser.Stream(id)
	for _, n := range names {
		if err := s.claim(ctx, draft, meta, n, stream); err != nil {
			return "", err
		}
	}
	draft.add(stream, eventstore.NoStream, meta, event)
	return id, nil
}

func userOf(id string, f folded[domain.User]) projections.User {
	return projections.User{ID: id, Version: f.Version, JSON: projections.JSONOf(f.State.Attributes), Created: f.Created, Modified: f.Modified}
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

// become takes a user that was loaded to other attributes, and its claims to other names.
func (s *Service) become(ctx context.Context, c Caller, d projections.Directory, id string, u folded[domain.User], attributes domain.Attributes) (projections.User, error) {
	event, err := u.State.Become(attributes)
	if err != nil || event == nil {
		return userOf(id, u), err
	}
	var draft draft
	meta := s.metaIn(c, d)
	if err := s.change(ctx, &draft, meta, d, id, u, event, attributes); err != nil {
		return projections.User{}, err
	}
	if err := s.append(ctx, draft); err != nil {
		return projections.User{}, err
	}
	return userOf(id, keep(s, projections.KindUser.Stream(id), u, meta.RecordedAt, event)), nil
}

// change adds to the draft the event that takes a user to other attributes, between the claims of its new names and the release of the old.
func (s *Service) change(ctx context.Context, draft *draft, meta domain.Meta, d projections.Directory, id string, u folded[domain.User], event domain.Event, attributes domain.Attributes) error {
	stream := projections.KindUser.Stream(id)
	before, err := userNames(d, u.State.Attributes)
	if err != nil {
		return err
	}
	after, err := userNames(d, attributes)
	if err != nil {
		return err
	}
	for _, n := range after {
		if !slices.Contains(before, n) {
			if err := s.claim(ctx, draft, meta, n, stream); err != nil {
				return err
			}
		}
	}
	draft.add(stream, u.Version, meta, event)
	for _, n := range before {
		if !slices.Contains(after, n) {
			if err := s.release(ctx, draft, meta, n, stream); err != nil {
				return err
			}
		}
	}
	return nil
}

// DeleteUser deletes a user, takes it out of its groups and frees its names, in one batch.
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
		held, err := userNames(d, u.State.Attributes)
		if err != nil {
			return struct{}{}, err
		}
		for _, n := range held {
			if err := s.release(ctx, &draft, meta, n, stream); err != nil {
				return struct{}{}, err
			}
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
