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

// ImportAll is Import of all profiles, or of none if one is refused or a user stands in two of them: then nothing is written. It is one batch of the
// log, which the local log writes as a whole or not at all, also if the process dies. A shared log writes it in order, so that a crash may leave the first
// of them written, and the same import again completes it; those that stood when another process came between are answered as unchanged.
func (s *Service) ImportAll(ctx context.Context, c Caller, o projections.Organization, profiles []domain.Profile) ([]Imported, error) {
	return s.importTogether(ctx, c, o, profiles, true)
}

func (s *Service) importTogether(ctx context.Context, c Caller, o projections.Organization, profiles []domain.Profile, whole bool) ([]Imported, error) {
	return decide(ctx, s, s.making(o), func() ([]Imported, error) {
		b := batched{streams: map[string]bool{}}
		d, err := s.apiDirectory(ctx, &b.draft, c, o)
		if err != nil {
			return nil, err
		}
		meta := s.metaIn(c, d)
		for _, p := range profiles {
			one, err := s.plan(ctx, meta, d, p)
			one.Err, err = refusal(err)
			if err != nil {
				return nil, err
			}
			if one.Err == nil && !b.takes(one) {
				if !whole {
					break // the next batch begins with it
				}
				one.Err = domain.Refuse(domain.Conflict, "it means a user, or has a userName or an e-mail address, that stands in another line too")
			}
			b.add(one)
		}
		if whole && b.refused || !b.changes {
			return b.answer(), b.draft.err
		}
		if err := s.append(ctx, b.draft); err != nil {
			return nil, err
		}
		for _, one := range b.planned {
			if one.event != nil {
				keep(s, one.stream, one.user, meta.RecordedAt, one.event)
			}
		}
		return b.answer(), nil
	})
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
