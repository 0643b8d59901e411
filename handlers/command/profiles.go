package command

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// MakeUser makes a user of whom an organization's application says so much. It is in the organization's API directory, where a userName or an e-mail address that
// is taken is a uniqueness error.
func (s *Service) MakeUser(ctx context.Context, c Caller, o projections.Organization, said domain.Profile) (projections.User, error) {
	return decide(ctx, s, s.making(o), func() (projections.User, error) {
		var draft draft
		d, err := s.apiDirectory(ctx, &draft, c, o)
		if err != nil {
			return projections.User{}, err
		}
		meta := s.metaIn(c, d)
		made, err := s.planNew(ctx, meta, d, said)
		if err != nil {
			return projections.User{}, err
		}
		draft.join(made.draft)
		if err := s.append(ctx, draft); err != nil {
			return projections.User{}, err
		}
		return userOf(made.ID, keep(s, made.stream, made.user, meta.RecordedAt, made.event)), nil
	})
}

// making is the stream on which those take turns who make users of an organization: whoever is first begins the directory.
func (s *Service) making(o projections.Organization) string {
	return s.claimStream(directoryOf(o.ID, domain.API))
}

// EditUser changes a user of an API directory as its application says. What is in a directory to which somebody pushes is a conflict.
func (s *Service) EditUser(ctx context.Context, c Caller, d projections.Directory, id string, said domain.Profile) (projections.User, error) {
	if err := mayEdit(d); err != nil {
		return projections.User{}, err
	}
	return s.changeUser(ctx, c, d, id, func(a domain.Attributes) (domain.Attributes, error) { return said.On(a), nil })
}

// RemoveUser deletes a user of an API directory.
func (s *Service) RemoveUser(ctx context.Context, c Caller, d projections.Directory, id string) error {
	if err := mayEdit(d); err != nil {
		return err
	}
	return s.DeleteUser(ctx, c, d, id)
}

func mayEdit(d projections.Directory) error {
	if d.Provider.Pushes() {
		return domain.Refuse(domain.Conflict, "directory sync holds this user: it is for the identity provider (%s) to change or remove, and would be overwritten here; ask the organization's administrator", d.Provider)
	}
	return nil
}

// meant is the user whom a profile means in an API directory: the one of its userName or, if it says none, of its e-mail address. The id is "" if
// there is none. What is asked is the log, so that one who was made a moment ago is found.
func (s *Service) meant(ctx context.Context, d projections.Directory, said domain.Profile) (id string, u folded[domain.User], err error) {
	n := name{scope: d.ID, attribute: byUserName}
	text := said.UserName()
	if text == "" {
		n.attribute, text = byEmail, said.Email()
	}
	if text == "" {
		return "", u, nil
	}
	if n.key, err = domain.NameKey(text); err != nil {
		return "", u, err
	}
	claim, err := load[domain.Claim](ctx, s, s.claimStream(n))
	if err != nil || claim.State.Owner == "" {
		return "", u, err
	}
	if u, err = load[domain.User](ctx, s, claim.State.Owner); err != nil || !u.State.Exists() || !goesBy(u.State.Attributes, n) {
		return "", folded[domain.User]{}, err
	}
	_, id = projections.SplitStream(claim.State.Owner)
	return id, u, nil
}

// planned is what becomes of a user by a profile: a part of a batch.
type planned struct {
	Imported
	draft  draft
	stream string
	user   folded[domain.User] // before
	event  domain.Event        // nil where nothing changes
}

// plan makes or changes the user whom a profile means, in a draft of its own.
func (s *Service) plan(ctx context.Context, meta domain.Meta, d projections.Directory, p domain.Profile) (out planned, err error) {
	id, u, err := s.meant(ctx, d, p)
	if err != nil {
		return planned{}, err
	}
	if id == "" {
		return s.planNew(ctx, meta, d, p)
	}
	out = planned{Imported: Imported{ID: id, Outcome: Unchanged}, stream: projections.KindUser.Stream(id), user: u}
	next := p.On(u.State.Attributes)
	if out.event, err = u.State.Become(next); err != nil || out.event == nil {
		return out, err
	}
	out.Outcome = Updated
	return out, s.change(ctx, &out.draft, meta, d, id, u, out.event, next)
}

func (s *Service) planNew(ctx context.Context, meta domain.Meta, d projections.Directory, p domain.Profile) (out planned, err error) {
	attributes, err := p.New()
	if err != nil {
		return planned{}, err
	}
	if out.event, err = domain.ProvisionUser(d.ID, attributes); err != nil {
		return planned{}, err
	}
	names, err := userNames(d, attributes)
	if err != nil {
		return planned{}, err
	}
	out.Outcome = Created
	if out.ID, err = s.provision(ctx, &out.draft, meta, names, out.event); err != nil {
		return planned{}, err
	}
	out.stream = projections.KindUser.Stream(out.ID)
	return out, nil
}
