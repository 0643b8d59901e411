package command

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// departuresTogether bounds how many departures are looked up at once.
const departuresTogether = 256

// Departures takes those who were deleted out of their groups, one event each, until the context ends. A shared log needs it: there a deletion
// stands by itself, and somebody may join a group while another process deletes him. It may stop anywhere and go on, in this process or in
// another, or in several at once: who is still to leave, the read model knows, and the events' ids follow from that.
func (s *Service) Departures(ctx context.Context, logger *slog.Logger) error {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(30*time.Second),
		backoff.WithMaxElapsedTime(0))
	for {
		moved, err := s.departAll(ctx)
		var again <-chan time.Time
		if err == nil {
			pauses.Reset()
		} else if ctx.Err() == nil {
			pause := pauses.NextBackOff()
			logger.LogAttrs(ctx, slog.LevelError, "the deleted cannot leave their groups for now", slog.Duration("pause", pause), slog.String("error", err.Error()))
			moved, again = nil, time.After(pause)
		}
		select {
		case <-moved:
		case <-again:
		case <-ctx.Done():
			return nil
		}
	}
}

// departAll takes those out that the read model knows of, and answers what closes when it may know of others.
func (s *Service) departAll(ctx context.Context) (<-chan struct{}, error) {
	found, moved, err := s.Read.Leaving(ctx, departuresTogether)
	for _, l := range found {
		if err == nil {
			err = s.depart(ctx, l)
		}
	}
	return moved, err
}

// depart takes one member out of one group, unless that was done meanwhile.
func (s *Service) depart(ctx context.Context, l projections.Leaving) error {
	stream := projections.KindGroup.Stream(l.Group)
	_, err := decide(ctx, s, stream, func() (none struct{}, err error) {
		g, err := load[domain.Group](ctx, s, stream)
		if err != nil || !g.State.Exists() {
			return none, err
		}
		standing, err := s.Read.Standing(ctx, l.Directory, l.Group, []string{l.Member})
		if err != nil || len(standing) == 0 {
			return none, err
		}
		event := domain.GroupMembersChanged{MembersDelta: domain.MembersDelta{Removed: standing}}
		meta := l.Meta
		meta.RecordedAt = s.Now()
		var d draft
		d.add(stream, g.Version, meta, event)
		if d.err == nil {
			d.writes[0].Entries[0].ID = departureID(l, g.Version)
		}
		return none, s.append(ctx, d)
	})
	if err != nil {
		return fmt.Errorf("%s leaves group %s: %w", l.Member, l.Group, err)
	}
	return nil
}

// departureID is the same in every process, so that two of them write one event.
func departureID(l projections.Leaving, at eventstore.Version) eventstore.ID {
	sum := sha256.Sum256(fmt.Append(nil, l.Meta.CausationID, l.Member, l.Group, at))
	return eventstore.ID(sum[:16])
}
