package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// name is a unique value within a scope.
type name struct {
	scope     string // a directory's id, an organization's id, or "organizations"
	attribute string
	key       string
}

func (s *Service) claimStream(n name) string {
	return "name-" + s.Keys.Name(n.scope, n.attribute, n.key)
}

// claim adds to the draft that the owner, a stream, takes the name. A name that is held is a uniqueness error. A crash between the
// records of one batch (which local cannot have) may leave a claim whose owner does not hold the name: it is fenced, so that
// a writer who was only slow conflicts, and then taken over.
func (s *Service) claim(ctx context.Context, d *draft, meta domain.Meta, n name, owner string) error {
	stream := s.claimStream(n)
	if d.hopeful {
		d.add(stream, eventstore.NoStream, meta, domain.NameClaimed{Owner: owner})
		return nil
	}
	c, err := load[domain.Claim](ctx, s, stream)
	if err != nil {
		return err
	}
	held, err := s.fence(ctx, meta, n, c.State.Owner, owner)
	if err != nil {
		return err
	}
	if held {
		return taken(n)
	}
	d.add(stream, c.Version, meta, domain.NameClaimed{Owner: owner})
	return nil
}

// fence keeps whoever claims a name from coming to hold it, and tells whether he does already. The name's next owner is no other.
func (s *Service) fence(ctx context.Context, meta domain.Meta, n name, by, next string) (held bool, err error) {
	if by == "" || by == next {
		return false, nil
	}
	held, at, err := s.arrived(ctx, by, n)
	if held || err != nil {
		return held, err
	}
	var fence draft
	fence.add(by, at, meta, domain.UserClaimRevoked{Claim: s.claimStream(n)})
	return false, s.append(ctx, fence)
}

// taken is the refusal of a name that another one holds.
func taken(n name) error {
	e := domain.RefuseFor(domain.Conflict, domain.Uniqueness, "%s is taken", n.attribute)
	e.Fields = map[string]string{n.attribute: "is taken"}
	return e
}

func isTaken(err error) bool {
	var e *domain.Error
	return errors.As(err, &e) && e.Reason == domain.Uniqueness
}

// A claim stands in a shared log before its owner does. Whoever meets one looks for the owner that long before it is taken for one that
// will not come, for those who fence each other's creations get nowhere.
const (
	arrival      = time.Second
	firstArrival = 5 * time.Millisecond
)

// arrived is holds, but waits for an owner that may be on its way.
func (s *Service) arrived(ctx context.Context, owner string, n name) (held bool, at eventstore.Version, err error) {
	for pause := firstArrival; ; pause *= 2 {
		held, at, err = s.holds(ctx, owner, n)
		if held || err != nil || !s.Shared || pause > arrival/2 {
			return held, at, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false, at, ctx.Err()
		}
	}
}

// release adds to the draft that the owner gives the name back; a name that another one has taken over stays with it.
func (s *Service) release(ctx context.Context, d *draft, meta domain.Meta, n name, owner string) error {
	stream := s.claimStream(n)
	c, err := load[domain.Claim](ctx, s, stream)
	if err != nil || c.State.Owner != owner {
		return err
	}
	ends := d.ends
	d.add(stream, c.Version, meta, domain.NameReleased{})
	d.ends = append(ends, end{stream, c.Version})
	return nil
}

// guard loads a claim that guards what the read model is asked about next: the model then shows all that stood in the log when the claim was seen, also what
// was written and not acknowledged yet, and what comes later moves the claim.
func (s *Service) guard(ctx context.Context, stream string) (folded[domain.Claim], error) {
	c, err := load[domain.Claim](ctx, s, stream)
	if err != nil {
		return c, err
	}
	head, err := s.Log.Head(ctx)
	if err == nil {
		s.Read.ExpectRest(head)
	}
	return c, err
}

// touch adds to the draft that the owner takes a free name and gives it back: whoever is about to take it conflicts, and looks again. Where somebody
// has come to hold it meanwhile, the decision is to be taken again.
func (s *Service) touch(ctx context.Context, d *draft, meta domain.Meta, n name, owner string) error {
	stream := s.claimStream(n)
	c, err := s.guard(ctx, stream)
	if err != nil {
		return err
	}
	held, err := s.fence(ctx, meta, n, c.State.Owner, owner)
	if err != nil {
		return err
	}
	if held {
		return &eventstore.ConflictError{Stream: stream, Expected: eventstore.NoStream, Actual: c.Version}
	}
	d.add(stream, c.Version, meta, domain.NameClaimed{Owner: owner}, domain.NameReleased{})
	return nil
}

// holds asks the owner's own stream, which is the truth, whether it goes by the name, and at which version it was seen.
func (s *Service) holds(ctx context.Context, owner string, n name) (bool, eventstore.Version, error) {
	switch kind, _ := projections.SplitStream(owner); kind {
	case projections.KindUser:
		u, err := load[domain.User](ctx, s, owner)
		return u.State.Exists() && goesBy(u.State.Attributes, n), u.Version, err
	case projections.KindGroup:
		g, err := load[domain.Group](ctx, s, owner)
		return g.State.Exists() && groupKey(g.State.Attributes) == n.key, g.Version, err
	case projections.KindOrganization:
		o, err := load[domain.Organization](ctx, s, owner)
		return o.State.Exists(), o.Version, err
	case projections.KindDirectory:
		d, err := load[domain.Directory](ctx, s, owner)
		return d.State.Exists(), d.Version, err
	case projections.KindConnection: // of an application: it leads there
		c, err := load[domain.Connection](ctx, s, owner)
		return c.State.Exists() && c.State.Default.Application == n.scope, c.Version, err
	case projections.KindApplication: // of itself: it is deleted
		a, err := load[domain.Application](ctx, s, owner)
		return !a.State.Exists(), a.Version, err
	}
	return false, 0, fmt.Errorf("the claim of a %s belongs to %s, which can hold none", n.attribute, owner)
}

// The attributes by which no two users of a directory go.
const (
	byUserName = "userName"
	byEmail    = "email" // where nobody pushes: a provider may give two users one address
)

// userNames are the claims of a user in a directory.
func userNames(d projections.Directory, a domain.Attributes) ([]name, error) {
	key, err := domain.NameKey(a.Text(byUserName))
	if err != nil {
		return nil, err
	}
	names := []name{{d.ID, byUserName, key}}
	if email := a.PrimaryEmail(); email != "" && !d.Provider.Pushes() {
		if key, err = domain.NameKey(email); err != nil {
			return nil, err
		}
		names = append(names, name{d.ID, byEmail, key})
	}
	return names, nil
}

// goesBy tells whether a user with these attributes has the name.
func goesBy(a domain.Attributes, n name) bool {
	text := a.Text(byUserName)
	if n.attribute == byEmail {
		text = a.PrimaryEmail()
	}
	key, err := domain.NameKey(text)
	return err == nil && key == n.key
}

// groupName is the claim of a group's name in a directory; claimed is false where its provider may give two groups one name.
func groupName(d projections.Directory, a domain.Attributes) (n name, claimed bool) {
	return name{d.ID, "displayName", groupKey(a)}, d.Provider.NamesGroups()
}

// groupKey is what two groups of one name share: no case, and no spaces around it.
func groupKey(a domain.Attributes) string {
	return domain.FoldKey(strings.TrimSpace(a.Text("displayName")))
}
