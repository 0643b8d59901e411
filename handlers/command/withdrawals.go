package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

const (
	// importWithin is how long an import of all or nothing is left alone before it is withdrawn: its process has died, or does not come on.
	importWithin = time.Minute
	// withdrawWithin bounds how long one that failed is taken back before it is answered.
	withdrawWithin = 30 * time.Second
	// importsTogether bounds how many that have not ended are looked up at once.
	importsTogether = 16
)

// Withdrawals takes back the imports of all or nothing that do not go on, until the context ends. It may stop anywhere and go on, in this process or in another, or in
// several at once: the import's own stream tells what is to be taken back, and whether it is.
func (s *Service) Withdrawals(ctx context.Context, logger *slog.Logger) error {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(30*time.Second),
		backoff.WithMaxElapsedTime(0))
	for {
		pause, moved, err := s.withdrawAll(ctx)
		if err == nil {
			pauses.Reset()
		} else if ctx.Err() == nil {
			pause, moved = pauses.NextBackOff(), nil
			logger.LogAttrs(ctx, slog.LevelError, "an import cannot be taken back for now", slog.Duration("pause", pause), slog.String("error", err.Error()))
		}
		select {
		case <-moved:
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// withdrawAll withdraws the imports whose time is over. It answers when the next one's may be, and what closes when there may be others.
func (s *Service) withdrawAll(ctx context.Context) (time.Duration, <-chan struct{}, error) {
	found, moved, err := s.Read.UnendedImports(ctx, importsTogether)
	if err != nil {
		return 0, nil, err
	}
	next := importWithin
	var failed []error
	for _, i := range found { // each by the clock of its own server
		if left := importWithin - s.Now().Sub(i.Meta.RecordedAt); left > 0 {
			next = min(next, left)
			continue
		}
		if _, err := s.withdraw(ctx, Caller{Actor: i.Meta.Actor, Source: i.Meta.Source, Request: i.Meta.Request}, i.ID); err != nil {
			failed = append(failed, err) // the others go on
		}
	}
	return next, moved, errors.Join(failed...)
}

// withdrawNow is withdraw, for an import that failed: also if whoever asked for it is gone.
func (s *Service) withdrawNow(ctx context.Context, c Caller, id string) (stands bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawWithin)
	defer cancel()
	return s.withdraw(ctx, c, id)
}

// withdraw keeps an import from being completed and takes back what is written of it, unless it stands already. One that has not begun is none.
func (s *Service) withdraw(ctx context.Context, c Caller, id string) (stands bool, err error) {
	stream := projections.KindImport.Stream(id)
	i, err := decide(ctx, s, stream, func() (folded[domain.Import], error) {
		i, err := load[domain.Import](ctx, s, stream)
		if err != nil || i.State.State != domain.ImportRuns {
			return i, err
		}
		var draft draft
		meta := s.meta(c, "")
		meta.Directory = i.State.Directory
		draft.add(stream, i.Version, meta, domain.ImportWithdrawn{})
		if err := s.append(ctx, draft); err != nil {
			return i, err
		}
		return keep(s, stream, i, meta.RecordedAt, domain.ImportWithdrawn{}), nil
	})
	if err != nil || i.State.State != domain.ImportRevoked {
		return i.State.State == domain.ImportStands, err
	}
	d, err := s.Read.Directory(ctx, i.State.Directory)
	if errors.Is(err, projections.ErrNotFound) { // its users are gone with it
		d, err = projections.Directory{ID: i.State.Directory}, nil
		i.State.Users = nil
	}
	for _, u := range i.State.Users {
		if err == nil {
			err = s.takeBack(ctx, c, d, u)
		}
	}
	if err != nil {
		return false, fmt.Errorf("take import %s back: %w", id, err)
	}
	var draft draft
	meta := s.metaIn(c, d)
	if err := s.release(ctx, &draft, meta, importing(d), stream); err != nil {
		return false, err
	}
	draft.add(stream, i.Version, meta, domain.ImportTakenBack{})
	return false, unlessDone(s.append(ctx, draft))
}

// unlessDone passes over a conflict with another process that did the same.
func unlessDone(err error) error {
	var conflict *eventstore.ConflictError
	if errors.As(err, &conflict) {
		return nil
	}
	return err
}

// takeBack takes back what an import did to a user, and keeps what it has not done yet from coming.
func (s *Service) takeBack(ctx context.Context, c Caller, d projections.Directory, u domain.ImportedUser) error {
	stream, at := projections.KindUser.Stream(u.ID), eventstore.Version(u.Version)
	_, err := decide(ctx, s, stream, func() (none struct{}, err error) {
		f, err := load[domain.User](ctx, s, stream)
		if err != nil || f.Version > at {
			return none, err
		}
		var fence draft
		fence.add(stream, f.Version, s.metaIn(c, d), domain.UserClaimRevoked{Claim: s.claimStream(importing(d))})
		return none, s.append(ctx, fence)
	})
	if err != nil {
		return err
	}
	before, done, ours, err := s.imported(ctx, stream, u)
	switch {
	case err != nil:
		return err
	case ours && at == eventstore.NoStream:
		err = s.DeleteUser(ctx, c, d, u.ID)
	case ours:
		err = s.undo(ctx, c, d, u.ID, before, done)
	}
	refused, failed := refusal(err) // who is deleted since then needs nothing, and what can not be any more stays
	if failed != nil || refused != nil && refused.Code == domain.Conflict {
		return err // others were faster: it is tried again
	}
	return s.giveBack(ctx, c, d, stream, u)
}

// undo takes back what was done to a user. A name that another one has taken since then stays as it is.
func (s *Service) undo(ctx context.Context, c Caller, d projections.Directory, id string, before, done domain.Attributes) error {
	var stay []string // attributes
	for {
		_, err := s.changeUser(ctx, c, d, id, func(now domain.Attributes) (domain.Attributes, error) {
			return domain.Undo(before, done, now, stay...), nil
		})
		if !isTaken(err) || len(stay) == 2 {
			return err
		}
		if _, email := domain.Shown(err).Fields[byEmail]; email {
			stay = append(stay, "emails")
		} else {
			stay = append(stay, byUserName)
		}
	}
}

// imported is a user before and after an import's event; ours is false if that did not come.
func (s *Service) imported(ctx context.Context, stream string, u domain.ImportedUser) (before, done domain.Attributes, ours bool, err error) {
	var state domain.User
	at := eventstore.Version(u.Version)
	for r, err := range s.Log.Read(ctx, stream, 0) {
		if err != nil {
			return nil, nil, false, fmt.Errorf("load %s: %w", stream, err)
		}
		stored, err := projections.DecodeRecord(r)
		if err != nil {
			return nil, nil, false, fmt.Errorf("load %s: %w", stream, err)
		}
		if r.Version > at && r.ID.String() != u.Event {
			return nil, nil, false, nil
		}
		before = state.Attributes
		if state.Apply(stored.Event); r.Version > at {
			return before, state.Attributes, true, nil
		}
	}
	return nil, nil, false, nil
}

// giveBack releases the names that an import claimed for a user who does not go by them.
func (s *Service) giveBack(ctx context.Context, c Caller, d projections.Directory, stream string, u domain.ImportedUser) error {
	f, err := load[domain.User](ctx, s, stream)
	if err != nil {
		return err
	}
	var held []string
	if f.State.Exists() {
		names, err := userNames(d, f.State.Attributes)
		if err != nil {
			return err
		}
		for _, n := range names {
			held = append(held, s.claimStream(n))
		}
	}
	for _, claim := range u.Claims {
		n, err := load[domain.Claim](ctx, s, claim)
		if err != nil {
			return err
		}
		if n.State.Owner != stream || slices.Contains(held, claim) {
			continue
		}
		var draft draft
		draft.add(claim, n.Version, s.metaIn(c, d), domain.NameReleased{})
		if err := unlessDone(s.append(ctx, draft)); err != nil {
			return err
		}
	}
	return nil
}
