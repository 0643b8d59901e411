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

// RemoveAdministrator takes one from it.
func (s *Service) RemoveAdministrator(ctx context.Context, c Caller, o projections.Organization, id string) error {
	_, err := s.changeOrganization(ctx, c, o.ID, func(state *domain.Organization) (domain.Event, error) { return state.RemoveAdministrator(id) })
	return err
}
