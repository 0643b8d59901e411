package command

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// name is a unique value within a scope.
type name struct {
	scope     string // a directory's id, an organization's id, or "organizations"
	attribute string
	key       string
}

func (s *Service) claimStream(n name) string { return "name-" + s.Keys.Name(n.scope, n.attribute, n.key) }

// claim adds to the draft that the owner, a stream, takes the name. A name that is held is a uniqueness error. A crash between the
// records of one batch (which local cannot have) may leave a claim whose owner does not hold the name: it is fenced, so that
// a writer who was only slow conflicts, and then taken over.
func (s *Service) claim(ctx context.Context, d *draft, meta domain.Meta, n name, owner string) error {
	stream := s.claimStream(n)
	c, err := load[domain.Claim](ctx, s, stream)
	if err != nil {
		return err
	}
	if c.State.Owner != "" && c.State.Owner != owner {
		held, err := s.holds(ctx, c.State.Owner, n)
		if err != nil {
			return err
		}
		if held {
			return domain.RefuseFor(domain.Conflict, domain.Uniqueness, "%s is taken", n.attribute)
		}
		if err := s.fence(ctx, meta, c.State.Owner, stream); err != nil {
			return err
		}
	}
	d.add(stream, c.Version, meta, domain.NameClaimed{Owner: owner})
	return nil
}

// release adds to the draft that the owner gives the name back; a name that another one has taken over stays with it.
func (s *Service) release(ctx context.Context, d *draft, meta domain.Meta, n name, owner string) error {
	stream := s.claimStream(n)
	c, err := load[domain.Claim](ctx, s, stream)
	if err != nil || c.State.Owner != owner {
		return err
	}
	d.add(stream, c.Version, meta, domain.NameReleased{})
	return nil
}

// holds asks the owner's own stream, which is the truth, whether it goes by the name.
func (s *Service) holds(ctx context.Context, owner string, n name) (bool, error) {
	switch kind, _ := projections.SplitStream(owner); kind {
	case projections.KindUser:
		u, err := load[domain.User](ctx, s, owner)
		if err != nil || !u.State.Exists() {
			return false, err
		}
		key, err := domain.NameKey(u.State.Attributes.Text("userName"))
		return err == nil && key == n.key, nil
	case projections.KindOrganization:
		o, err := load[domain.Organization](ctx, s, owner)
		return o.State.Exists(), err
	case projections.KindDirectory:
		d, err := load[domain.Directory](ctx, s, owner)
		return d.State.Exists(), err
	}
	return false, nil
}

// fence appends to the stream of a user that does not hold the claim, at the very version at which that was seen.
func (s *Service) fence(ctx context.Context, meta domain.Meta, owner, claim string) error {
	if kind, _ := projections.SplitStream(owner); kind != projections.KindUser {
		return nil
	}
	u, err := load[domain.User](ctx, s, owner)
	if err != nil {
		return err
	}
	var d draft
	d.add(owner, u.Version, meta, domain.UserClaimRevoked{Claim: claim})
	return s.append(ctx, d)
}

// userName is the claim of a user's name in a directory.
func userName(directory string, a domain.Attributes) (name, error) {
	key, err := domain.NameKey(a.Text("userName"))
	return name{directory, "userName", key}, err
}

