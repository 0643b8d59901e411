package command

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// AddAdministrator gives an organization another administrator.
func (s *Service) AddAdministrator(ctx context.Context, c Caller, o projections.Organization, email string) (projections.Administrator, error) {
	added := domain.Administrator{ID: newID(), Email: email}
	o, err := s.changeOrganization(ctx, c, o.ID, func(state *domain.Organization) (domain.Event, error) { return state.AddAdministrator(added) })
	return projections.Administrator{Administrator: added, Created: o.Updated}, err
}

// RemoveAdministrator takes one from it. No link of his leads anywhere any more, and nobody is invited by his address again who does not name it.
func (s *Service) RemoveAdministrator(ctx context.Context, c Caller, o projections.Organization, id string) error {
	stream := projections.KindOrganization.Stream(o.ID)
	_, err := decide(ctx, s, stream, func() (none struct{}, err error) {
		f, err := s.organization(ctx, o.ID)
		if err != nil {
			return none, err
		}
		event, err := f.State.RemoveAdministrator(id)
		if err != nil {
			return none, err
		}
		var draft draft
		meta := s.meta(c, o.Domain)
		if err := s.touch(ctx, &draft, meta, administratorsOf(o.ID), stream); err != nil { // so that he is not invited meanwhile as the only one
			return none, err
		}
		if err := s.uninvite(ctx, &draft, c, o, f.State.Administrator(id).Email); err != nil { // first, for he can be removed again if only that is written
			return none, err
		}
		draft.add(stream, f.Version, meta, event)
		return none, s.append(ctx, draft)
	})
	return err
}

// administratorsOf is the claim that whoever removes an administrator of an organization touches, and whoever invites one without naming him.
func administratorsOf(organizationID string) name { return name{organizationID, "administrators", ""} }

// uninvite adds to the draft that an administrator sets nothing of an organization up any more.
func (s *Service) uninvite(ctx context.Context, draft *draft, c Caller, o projections.Organization, email string) error {
	directories, err := s.Read.DirectoriesOf(ctx, o.ID)
	if err != nil {
		return err
	}
	for _, d := range directories {
		stream := projections.KindDirectory.Stream(d.ID)
		f, err := load[domain.Directory](ctx, s, stream)
		if err != nil {
			return err
		}
		if event := f.State.RemoveAdmin(email); event != nil {
			draft.add(stream, f.Version, s.metaIn(c, d), event)
		}
	}
	connections, err := s.Read.ConnectionsOf(ctx, o.ID)
	if err != nil {
		return err
	}
	for _, of := range connections {
		stream := projections.KindConnection.Stream(of.ID)
		f, err := load[domain.Connection](ctx, s, stream)
		if err != nil {
			return err
		}
		if event := f.State.RemoveAdmin(email); event != nil {
			draft.add(stream, f.Version, s.meta(c, o.Domain), event)
		}
	}
	return nil
}
