package command

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// maxSuspended bounds how many users of one externalId are looked at; a provider gives each user its own.
const maxSuspended = 16

// suspended finds the user that a create means if the provider creates to bring back: a deactivated one of the directory with
// the same externalId. Of several it is the one of the same userName, else the oldest. A create that says that the user is
// inactive brings nobody back. The id is "" if a new user is meant.
func (s *Service) suspended(ctx context.Context, d projections.Directory, attributes domain.Attributes) (id string, found folded[domain.User], err error) {
	externalID := attributes.Text("externalId")
	if !d.Provider.Restores() || externalID == "" || !attributes.Active() {
		return "", found, nil
	}
	candidates, err := s.Read.Suspended(ctx, d.ID, externalID, maxSuspended)
	if err != nil {
		return "", found, err
	}
	wanted, err := userNames(d, attributes)
	if err != nil {
		return "", found, err
	}
	for _, candidate := range candidates {
		u, err := load[domain.User](ctx, s, projections.KindUser.Stream(candidate))
		if err != nil {
			return "", found, err
		}
		// Asked again of the log: another request may have brought it back meanwhile.
		if !u.State.Exists() || u.State.Attributes.Active() || u.State.Attributes.Text("externalId") != externalID {
			continue
		}
		if goesBy(u.State.Attributes, wanted[0]) {
			return candidate, u, nil
		}
		if id == "" {
			id, found = candidate, u
		}
	}
	return id, found, nil
}

// equals is the filter for users whose attribute has the value.
func equals(attribute string, value any) domain.Filter {
	ref, _ := domain.UserType.Resolve(attribute)
	return domain.Compare{Ref: ref, Op: domain.Equal, Value: value}
}
