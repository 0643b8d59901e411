package command

import (
	"context"
	"errors"
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
func (s *Service) ActivateDirectory(ctx context.Context, c Caller, o projections.Organization, provider domain.Provider, dialect domain.Dialect) (projections.Directory, string, error) {
	shown, kept := newToken()
	d, err := s.activate(ctx, c, o, domain.DirectoryActivated{OrganizationID: o.ID, Provider: provider, Token: kept, Strict: dialect.Strict})
	return d, shown, err
}

func (s *Service) activate(ctx context.Context, c Caller, o projections.Organization, event domain.DirectoryActivated) (projections.Directory, error) {
	return decide(ctx, s, s.claimStream(directoryOf(o.ID, event.Provider)), func() (projections.Directory, error) {
		var draft draft
		d, err := s.begin(ctx, &draft, c, o, event)
		if err == nil {
			err = s.append(ctx, draft)
		}
		return d, err
	})
}

// begin adds to the draft a directory of an organization that is there.
func (s *Service) begin(ctx context.Context, draft *draft, c Caller, o projections.Organization, event domain.DirectoryActivated) (projections.Directory, error) {
	id := newID() // another one in each attempt: the last one's stream may have been fenced
	stream := projections.KindDirectory.Stream(id)
	if _, err := s.organization(ctx, o.ID); err != nil {
		return projections.Directory{}, err
	}
	meta := s.meta(c, o.Domain)
	meta.Directory, meta.Provider = id, event.Provider
	if err := s.claim(ctx, draft, meta, directoryOf(o.ID, event.Provider), stream); err != nil {
		return projections.Directory{}, err
	}
	draft.add(stream, eventstore.NoStream, meta, event)
	return directoryFrom(id, o.Domain, next(folded[domain.Directory]{}, event, meta.RecordedAt)), nil
}

// apiDirectory is the directory of the users that the organization's application makes. If it is not there yet it is added to the draft: it begins with
// its first user.
func (s *Service) apiDirectory(ctx context.Context, draft *draft, c Caller, o projections.Organization) (projections.Directory, error) {
	d, err := s.Read.APIDirectoryOf(ctx, o.ID)
	if !errors.Is(err, projections.ErrNotFound) {
		return d, err
	}
	d, err = s.begin(ctx, draft, c, o, domain.DirectoryActivated{OrganizationID: o.ID, Provider: domain.API})
	if isTaken(err) { // another request was faster
		return s.Read.APIDirectoryOf(ctx, o.ID)
	}
	return d, err
}

// directoryOf is the claim of an organization's one directory that a provider feeds, or of the one to which nobody pushes.
func directoryOf(organizationID string, provider domain.Provider) name {
	if !provider.Pushes() {
		return name{organizationID, string(domain.API), ""}
	}
	return name{organizationID, "directory-sync", ""}
}

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
	return s.changeDirectoryBeside(ctx, c, d, func(_ *draft, state *domain.Directory) (domain.Event, error) { return change(state) })
}

// changeDirectoryBeside appends what change decides about a directory that exists, after what it adds to the draft.
func (s *Service) changeDirectoryBeside(ctx context.Context, c Caller, d projections.Directory, change func(*draft, *domain.Directory) (domain.Event, error)) (projections.Directory, error) {
	stream := projections.KindDirectory.Stream(d.ID)
	return decide(ctx, s, stream, func() (projections.Directory, error) {
		f, err := s.directory(ctx, d.ID)
		if err != nil {
			return projections.Directory{}, err
		}
		var draft draft
		event, err := change(&draft, &f.State)
		if err != nil || event == nil {
			return directoryFrom(d.ID, d.Organization, f), err
		}
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
	return s.release(ctx, draft, meta, directoryOf(d.OrganizationID, d.Provider), stream)
}

func (s *Service) directory(ctx context.Context, id string) (folded[domain.Directory], error) {
	f, err := load[domain.Directory](ctx, s, projections.KindDirectory.Stream(id))
	if err == nil && !f.State.Exists() {
		err = domain.Refuse(domain.NotFound, "there is no such directory")
	}
	return f, err
}
