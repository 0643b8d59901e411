package command

import (
	"context"
	"errors"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// Outcome is what became of a user by an import.
type Outcome string

// The outcomes.
const (
	Created   Outcome = "created"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged"
)

// Imported is what became of one profile of an import.
type Imported struct {
	ID      string // of the user
	Outcome Outcome
	Err     *domain.Error // why it was refused; nil if it was not
}

// importedTogether is how many profiles are one batch of the log.
const importedTogether = 100

// Import makes or changes the users whom profiles mean in the API directory of an organization, in their order: each that of its userName or, without one, of its
// e-mail address. It takes as many as go into one batch, one at least, and answers what became of these; the others are to come with the next call. A
// profile that is refused leaves the others alone. The same again changes nothing.
func (s *Service) Import(ctx context.Context, c Caller, o projections.Organization, profiles []domain.Profile) ([]Imported, error) {
	profiles = profiles[:min(len(profiles), importedTogether)]
	if s.Shared { // where a batch may be written in part, and nobody would know in which
		profiles = profiles[:min(len(profiles), 1)]
	}
	return s.importTogether(ctx, c, o, profiles, false)
}

func (s *Service) importTogether(ctx context.Context, c Caller, o projections.Organization, profiles []domain.Profile, whole bool) ([]Imported, error) {
	return decide(ctx, s, s.making(o), func() ([]Imported, error) {
		b := batched{streams: map[string]bool{}}
		d, err := s.apiDirectory(ctx, &b.draft, c, o)
		if err != nil {
			return nil, err
		}
		meta := s.metaIn(c, d)
		if err := s.planAll(ctx, &b, meta, d, profiles, whole); err != nil {
			return nil, err
		}
		if whole && b.refused || !b.changes {
			return b.answer(), b.draft.err
		}
		if err := s.append(ctx, b.draft); err != nil {
			return nil, err
		}
		s.keepAll(b.planned, meta)
		return b.answer(), nil
	})
}

// planAll plans what becomes of profiles: of all as a whole, or of as many as go into one batch.
func (s *Service) planAll(ctx context.Context, b *batched, meta domain.Meta, d projections.Directory, profiles []domain.Profile, whole bool) error {
	for _, p := range profiles {
		one, err := s.plan(ctx, meta, d, p)
		one.Err, err = refusal(err)
		if err != nil {
			return err
		}
		if one.Err == nil && !b.takes(one) {
			if !whole {
				break // the next batch begins with it
			}
			one.Err = domain.Refuse(domain.Conflict, "it means a user, or has a userName or an e-mail address, that stands in another line too")
		}
		b.add(one)
	}
	return nil
}

// keepAll remembers the users after what was planned of them is written.
func (s *Service) keepAll(all []planned, meta domain.Meta) {
	for _, one := range all {
		if one.event != nil {
			keep(s, one.stream, one.user, meta.RecordedAt, one.event)
		}
	}
}

// refusal is an error that is the profile's own, and not one of the log or of the whole import.
func refusal(err error) (*domain.Error, error) {
	var e *domain.Error
	if errors.As(err, &e) && e.Code != domain.Unavailable && e.Code != domain.Internal {
		return e, nil
	}
	return nil, err
}

// batched is what becomes one batch: a stream stands in it once, for a version is expected of it once.
type batched struct {
	draft   draft
	planned []planned
	streams map[string]bool
	refused bool // one was
	changes bool // something of a user
}

// takes tells whether what is planned goes into the batch too.
func (b *batched) takes(one planned) bool {
	if b.streams[one.stream] {
		return false
	}
	for _, w := range one.draft.writes {
		if b.streams[w.Stream] {
			return false
		}
	}
	return true
}

func (b *batched) add(one planned) {
	b.planned = append(b.planned, one)
	if one.Err != nil {
		b.refused = true
		return
	}
	b.changes = b.changes || one.event != nil
	b.streams[one.stream] = true
	for _, w := range one.draft.writes {
		b.streams[w.Stream] = true
	}
	b.draft.join(one.draft)
}

func (b *batched) answer() []Imported {
	out := make([]Imported, len(b.planned))
	for i, one := range b.planned {
		out[i] = one.Imported
	}
	return out
}
