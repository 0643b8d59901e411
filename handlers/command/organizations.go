package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// CreateOrganization makes an organization; its domain comes from its name and must be free. Webhooks that were another one's of this domain, which is
// deleted, are disabled: they are not to receive what is this one's.
func (s *Service) CreateOrganization(ctx context.Context, c Caller, organizationName string) (projections.Organization, error) {
	event, err := domain.CreateOrganization(organizationName)
	if err != nil {
		return projections.Organization{}, err
	}
	claimed := organizationDomain(event.Domain)
	return decide(ctx, s, s.claimStream(claimed), func() (projections.Organization, error) {
		id := newID() // another one in each attempt: the last one's stream may have been fenced
		stream := projections.KindOrganization.Stream(id)
		var draft draft
		meta := s.meta(c, event.Domain)
		if err := s.claim(ctx, &draft, meta, claimed, stream); err != nil {
			return projections.Organization{}, err
		}
		if err := s.orphan(ctx, &draft, meta, event.Domain); err != nil { // before the organization, of which they are not to hear
			return projections.Organization{}, err
		}
		draft.add(stream, eventstore.NoStream, meta, event)
		if err := s.append(ctx, draft); err != nil {
			return projections.Organization{}, err
		}
		return organizationOf(id, keep(s, stream, folded[domain.Organization]{}, meta.RecordedAt, event)), nil
	})
}

// orphan adds to the draft that the webhooks of a domain are disabled.
func (s *Service) orphan(ctx context.Context, d *draft, meta domain.Meta, organization string) error {
	left, err := s.Read.EndpointsOf(ctx, organization)
	if err != nil {
		return err
	}
	for _, p := range left {
		stream := projections.KindEndpoint.Stream(p.ID)
		f, err := load[domain.Endpoint](ctx, s, stream)
		if err != nil {
			return err
		}
		if event := f.State.Disable("its organization was deleted"); event != nil && f.State.Organization == organization {
			d.add(stream, f.Version, meta, event)
		}
	}
	return nil
}

func organizationDomain(slug string) name { return name{"organizations", "domain", slug} }

// Beginning is where an organization begins in the log: behind it stands all that it is told of, and nothing that another organization of its domain was, for the domain is
// claimed before anything else happens in it.
func (s *Service) Beginning(ctx context.Context, id, slug string) (eventstore.Position, error) {
	stream, owner := s.claimStream(organizationDomain(slug)), projections.KindOrganization.Stream(id)
	for r, err := range s.Log.Read(ctx, stream, 0) {
		if err != nil {
			return eventstore.Position{}, fmt.Errorf("read %s: %w", stream, err)
		}
		e, err := domain.Decode(r.Type, r.Data)
		if err != nil {
			return eventstore.Position{}, fmt.Errorf("read %s: %w", stream, err)
		}
		if e == (domain.NameClaimed{Owner: owner}) {
			return r.Position, nil
		}
	}
	return eventstore.Position{}, fmt.Errorf("no claim of %s is by %s", stream, owner)
}

func organizationOf(id string, f folded[domain.Organization]) projections.Organization {
	return projections.Organization{ID: id, Domain: f.State.Domain, Name: f.State.Name, Created: f.Created, Updated: f.Modified}
}

// RenameOrganization gives it another name; its domain stays.
func (s *Service) RenameOrganization(ctx context.Context, c Caller, id, organizationName string) (projections.Organization, error) {
	return s.changeOrganization(ctx, c, id, func(state *domain.Organization) (domain.Event, error) { return state.Rename(organizationName) })
}

// changeOrganization appends what change decides about an organization that exists.
func (s *Service) changeOrganization(ctx context.Context, c Caller, id string, change func(*domain.Organization) (domain.Event, error)) (projections.Organization, error) {
	stream := projections.KindOrganization.Stream(id)
	return decide(ctx, s, stream, func() (projections.Organization, error) {
		o, err := s.organization(ctx, id)
		if err != nil {
			return projections.Organization{}, err
		}
		event, err := change(&o.State)
		if err != nil || event == nil {
			return organizationOf(id, o), err
		}
		var draft draft
		meta := s.meta(c, o.State.Domain)
		draft.add(stream, o.Version, meta, event)
		if err := s.append(ctx, draft); err != nil {
			return projections.Organization{}, err
		}
		return organizationOf(id, keep(s, stream, o, meta.RecordedAt, event)), nil
	})
}

// DeleteOrganization deletes an organization with its directories and its connections; its domain is free again.
func (s *Service) DeleteOrganization(ctx context.Context, c Caller, id string) error {
	stream := projections.KindOrganization.Stream(id)
	_, err := decide(ctx, s, stream, func() (struct{}, error) {
		o, err := s.organization(ctx, id)
		if err != nil {
			return struct{}{}, err
		}
		var draft draft
		meta := s.meta(c, o.State.Domain)
		if err := s.endDirectories(ctx, &draft, c, meta, id, stream); err != nil {
			return struct{}{}, err
		}
		if err := s.endConnections(ctx, &draft, meta, id, stream); err != nil {
			return struct{}{}, err
		}
		draft.add(stream, o.Version, meta, domain.OrganizationDeleted{})
		if err := s.release(ctx, &draft, meta, organizationDomain(o.State.Domain), stream); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.append(ctx, draft)
	})
	return err
}

// endDirectories adds to the draft the end of an organization's directories, and that none begins meanwhile.
func (s *Service) endDirectories(ctx context.Context, draft *draft, c Caller, meta domain.Meta, id, stream string) error {
	there, err := s.Read.DirectoriesOf(ctx, id)
	if err != nil {
		return err
	}
	free := []name{directoryOf(id, ""), directoryOf(id, domain.API)}
	for _, d := range there {
		if err := s.endDirectory(ctx, draft, c, d); err != nil {
			return err
		}
		free = slices.DeleteFunc(free, func(n name) bool { return n == directoryOf(id, d.Provider) })
	}
	for _, n := range free {
		if err := s.touch(ctx, draft, meta, n, stream); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) organization(ctx context.Context, id string) (folded[domain.Organization], error) {
	o, err := load[domain.Organization](ctx, s, projections.KindOrganization.Stream(id))
	if err == nil && !o.State.Exists() {
		err = domain.Refuse(domain.NotFound, "there is no such organization")
	}
	return o, err
}
