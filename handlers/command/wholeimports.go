package command

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// ImportAll is Import of all profiles, or of none if one is refused or a user stands in two of them: then nothing of it stands when it is answered.
//
// It is one batch of the log, which the local log writes as a whole or not at all, also if the process dies. A shared log writes it in order, so that it
// may be seen, and told of, in part. There it begins with an event that tells what is to come, and stands once its last event says so; what ends before that, for another
// process changed or took something of it, or the log is gone, or the process died, is taken back: by this call before it answers, else by Withdrawals.
func (s *Service) ImportAll(ctx context.Context, c Caller, o projections.Organization, profiles []domain.Profile) ([]Imported, error) {
	if !s.Shared {
		return s.importTogether(ctx, c, o, profiles, true)
	}
	var conflict *eventstore.ConflictError
	for range decideTries {
		id := newID()
		out, err := alone(ctx, s, s.making(o), func() ([]Imported, error) { return s.importWhole(ctx, c, o, id, profiles) })
		if err == nil {
			return out, nil
		}
		stands, wrong := s.withdrawNow(ctx, c, id)
		switch {
		case wrong != nil: // nobody knows what stands, until the next one takes it back
			e := domain.Refuse(domain.Unavailable, "the import could not be stored now, and is taken back in a moment; send it again then")
			e.Cause = errors.Join(err, wrong)
			return nil, e
		case stands:
			return out, nil
		case !errors.As(err, &conflict):
			return nil, err
		}
	}
	e := domain.Refuse(domain.Conflict, "others are changing the same users; nothing is written, try again")
	e.Cause = conflict
	return nil, e
}

// importWhole writes an import into a shared log. What it answers beside an error holds if all of it came to be written.
func (s *Service) importWhole(ctx context.Context, c Caller, o projections.Organization, id string, profiles []domain.Profile) ([]Imported, error) {
	var all draft
	d, err := s.apiDirectory(ctx, &all, c, o)
	if err != nil {
		return nil, err
	}
	meta, stream, only := s.metaIn(c, d), projections.KindImport.Stream(id), s.claimStream(importing(d))
	turn, err := s.onlyImport(ctx, only) // before any user is looked at, who may be another one's that is taken back
	if err != nil {
		return nil, err
	}
	b := batched{streams: map[string]bool{}}
	if err := s.planAll(ctx, &b, meta, d, profiles, true); err != nil {
		return nil, err
	}
	if b.refused || !b.changes {
		return b.answer(), nil
	}
	begun := domain.ImportBegun{Directory: d.ID}
	var claims, users, releases draft
	for _, one := range b.planned {
		if one.event == nil {
			continue
		}
		at := slices.IndexFunc(one.draft.writes, func(w eventstore.Write) bool { return w.Stream == one.stream })
		w := one.draft.writes[at]
		user := domain.ImportedUser{ID: one.ID, Version: uint64(w.Expected), Event: w.Entries[0].ID.String()}
		for _, claim := range one.draft.writes[:at] {
			user.Claims = append(user.Claims, claim.Stream)
		}
		begun.Users = append(begun.Users, user)
		claims.join(one.draft.part(0, at))
		users.join(one.draft.part(at, at+1))
		releases.join(one.draft.part(at+1, len(one.draft.writes)))
		releases.ends = append(releases.ends, one.draft.ends...)
	}
	all.add(stream, eventstore.NoStream, meta, begun)
	all.add(only, turn, meta, domain.NameClaimed{Owner: stream})
	all.join(claims)
	all.join(users)
	all.add(stream, 1, meta, domain.ImportCompleted{})
	all.add(only, turn+1, meta, domain.NameReleased{})
	all.join(releases)
	all.ends = append(releases.ends, end{only, turn + 1})
	if err := s.append(ctx, all); err != nil {
		return b.answer(), err
	}
	s.keepAll(b.planned, meta)
	return b.answer(), nil
}

// importing is the claim of the one import of all or nothing that is under way in a directory: what is still taken back must be nobody else's
// unchanged user.
func importing(d projections.Directory) name { return name{d.ID, "import", ""} }

// onlyImport is the version of the claim at which no import is under way.
func (s *Service) onlyImport(ctx context.Context, claim string) (eventstore.Version, error) {
	c, err := load[domain.Claim](ctx, s, claim)
	if err != nil || c.State.Owner == "" {
		return c.Version, err
	}
	i, err := load[domain.Import](ctx, s, c.State.Owner)
	if err == nil && !i.State.Ended() {
		err = domain.Refuse(domain.Unavailable, "another import of all or nothing is under way in this organization, or is taken back; send this one again in a moment")
	}
	return c.Version, err
}
