package command

import (
	"context"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

// newToken makes a bearer token: what is shown once, and what is kept.
func newToken() (shown string, kept domain.Token) {
	id, secret := newID(), keys.NewSecret()
	return id + "." + secret, domain.Token{ID: id, Hash: keys.Hash(secret)}
}

// ActivateDirectory gives an organization its directory and answers the token that the provider must send. An organization has one.
func (s *Service) ActivateDirectory(ctx context.Context, c Caller, o projections.Organization, provider domain.Provider, dialect domain.Dialect) (d projections.Directory, token string, err error) {
	shown, kept := newToken()
	event := domain.DirectoryActivated{OrganizationID: o.ID, Provider: provider, Token: kept, Strict: dialect.Strict}
	d, err = decide(ctx, s, s.claimStream(directoryOf(o.ID)), func() (projections.Directory, error) {
		id := newID() // another one in each attempt: the last one's stream may have been fenced
		stream := projections.KindDirectory.Stream(id)
		if _, err := s.organization(ctx, o.ID); err != nil {
			return projections.Directory{}, err
		}
		var draft draft
		meta := s.meta(c, o.Domain)
		meta.Directory, meta.Provider = id, provider
		if err := s.claim(ctx, &draft, meta, directoryOf(o.ID), stream); err != nil {
			return projections.Directory{}, err
		}
		draft.add(stream, eventstore.NoStream, meta, event)
		if err := s.append(ctx, draft); err != nil {
			return projections.Directory{}, err
		}
		return directoryFrom(id, o.Domain, keep(s, stream, folded[domain.Directory]{}, meta.RecordedAt, event)), nil
	})
	return d, shown, err
}

func directoryOf(organizationID string) name { return name{organizationID, "directory-sync", ""} }

func directoryFrom(id, organization string, f folded[domain.Directory]) projections.Directory {
	return projections.Directory{
		ID: id, OrganizationID: f.State.OrganizationID, Organization: organization, Provider: f.State.Provider, Strict: f.State.Strict, Active: f.State.Active,
		Token: f.State.Token, Previous: f.State.Previous, PreviousUntil: f.State.PreviousUntil, Onboarding: f.State.Onboarding, Created: f.Created, Updated: f.Modified,
	}
}

// UpdateDirectory names another provider for a directory and answers its new token, with which the old one dies at once; and
// another dialect. "" leaves the provider, its token and all that is known of it, and answers no token; nil leaves the dialect.
func (s *Service) UpdateDirectory(ctx context.Context, c Caller, d projections.Directory, provider domain.Provider, dialect *domain.Dialect) (projections.Directory, string, error) {
	var shown string
	var kept domain.Token
	if provider != "" {
		shown, kept = newToken()
		d.Provider = provider
	}
	d, err := s.changeDirectory(ctx, c, d, func(state *domain.Directory) (domain.Event, error) { return state.Update(provider, kept, dialect) })
	return d, shown, err
}

// ResetToken gives a directory a new token; the old one lives on for the overlap.
func (s *Service) ResetToken(ctx context.Context, c Caller, d projections.Directory, overlap time.Duration) (projections.Directory, string, error) {
	shown, kept := newToken()
	d, err := s.changeDirectory(ctx, c, d, func(state *domain.Directory) (domain.Event, error) {
		return state.ResetToken(kept, s.Now().UTC().Truncate(time.Millisecond), overlap)
	})
	return d, shown, err
}

// SetDirectoryActive opens a directory to its provider, or closes it.
func (s *Service) SetDirectoryActive(ctx context.Context, c Caller, d projections.Directory, active bool) (projections.Directory, error) {
	return s.changeDirectory(ctx, c, d, func(state *domain.Directory) (domain.Event, error) { return state.SetActive(active), nil })
}

func (s *Service) changeDirectory(ctx context.Context, c Caller, d projections.Directory, change func(*domain.Directory) (domain.Event, error)) (projections.Directory, error) {
	stream := projections.KindDirectory.Stream(d.ID)
	return decide(ctx, s, stream, func() (projections.Directory, error) {
		f, err := s.directory(ctx, d.ID)
		if err != nil {
			return projections.Directory{}, err
		}
		event, err := change(&f.State)
		if err != nil || event == nil {
			return directoryFrom(d.ID, d.Organization, f), err
		}
		var draft draft
		meta := s.metaIn(c, d)
		draft.add(stream, f.Version, meta, event)
		if err := s.append(ctx, draft); err != nil {
			return projections.Directory{}, err
		}
		return directoryFrom(d.ID, d.Organization, keep(s, stream, f, meta.RecordedAt, event)), nil
	})
}

// DeleteDirectory deletes a directory with all that it holds: one event, one message.
func (s *Service) DeleteDirectory(ctx context.Context, c Caller, d projections.Directory) error {
	_, err := decide(ctx, s, projections.KindDirectory.Stream(d.ID), func() (struct{}, error) {
		var draft draft
		if err := s.endDirectory(ctx, &draft, c, d); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.append(ctx, draft)
	})
	return err
}

func (s *Service) endDirectory(ctx context.Context, draft *draft, c Caller, d projections.Directory) error {
	f, err := s.directory(ctx, d.ID)
	if err != nil {
		return err
	}
	meta, stream := s.metaIn(c, d), projections.KindDirectory.Stream(d.ID)
	draft.add(stream, f.Version, meta, domain.DirectoryDeleted{})
	return s.release(ctx, draft, meta, directoryOf(d.OrganizationID), stream)
}

func (s *Service) directory(ctx context.Context, id string) (folded[domain.Directory], error) {
	f, err := load[domain.Directory](ctx, s, projections.KindDirectory.Stream(id))
	if err == nil && !f.State.Exists() {
		err = domain.Refuse(domain.NotFound, "there is no such directory")
	}
	return f, err
}
