package mail

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/rollcall-sync/rollcall/projections"
)

// round is a Mailer that runs, and what it has under way. Nobody waits for slow answers to another organization's mails, for each has one under way at a
// time; so the mails of one invitation, and of all that it supersedes, go in their order.
type round struct {
	*Mailer
	underWay map[string]bool // organizations of which a mail is
	left     map[string]bool // mails of which the log knows more than the read model, until something moves
	ended    chan attempted
	pause    <-chan time.Time // in which nothing is begun, for our own side fails; nil outside of pauses
	pauses   *backoff.ExponentialBackOff
}

// attempted is a mail that is not under way any more.
type attempted struct {
	mail projections.Mail
	did  bool // what it needed
	err  error
}

const (
	atOnce     = 8           // bounds the mails under way
	longestNap = time.Minute // after which it is looked again, for a clock may be set
)

func newRound(m *Mailer) *round {
	return &round{Mailer: m, underWay: map[string]bool{}, left: map[string]bool{}, ended: make(chan attempted), pauses: ownPauses()}
}

func (r *round) run(ctx, held context.Context) {
	for {
		var again <-chan time.Time
		if next := r.begin(ctx, held); !next.IsZero() {
			again = time.After(next.Sub(r.config.Now()))
		}
		select {
		case a := <-r.ended:
			r.end(ctx, a)
		case <-r.pause:
			r.pause = nil
		case <-r.config.Read.MailsMoved():
			clear(r.left)
		case <-again:
			clear(r.left)
		case <-ctx.Done():
			for len(r.underWay) > 0 {
				r.end(ctx, <-r.ended)
			}
			return
		}
	}
}

// begin begins with the mails that are due, as many as may be under way, and tells when to look again if nothing happens before; the zero time is never.
func (r *round) begin(ctx, held context.Context) time.Time {
	for len(r.underWay) < atOnce && r.pause == nil && ctx.Err() == nil {
		now := r.config.Now()
		due, next, err := r.config.Read.DueMails(ctx, now, 1, slices.AppendSeq(slices.Collect(maps.Keys(r.underWay)), maps.Keys(r.left))...)
		switch nap := now.Add(longestNap); {
		case err != nil:
			r.fail(ctx, err)
		case len(due) > 0:
			r.underWay[due[0].OrganizationID] = true
			go func() {
				did, err := r.handle(ctx, held, due[0])
				r.ended <- attempted{due[0], did, err}
			}()
		case next.After(nap) || next.IsZero() && len(r.left) > 0:
			return nap
		default:
			return next
		}
	}
	return time.Time{}
}

func (r *round) end(ctx context.Context, a attempted) {
	delete(r.underWay, a.mail.OrganizationID)
	switch {
	case a.err != nil:
		r.fail(ctx, a.err)
	case a.did:
		r.pauses.Reset()
	default:
		r.left[a.mail.ID] = true
	}
}

// fail pauses after what failed on our own side. Mails that fail together make one pause.
func (r *round) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if r.pause == nil {
		r.pause = time.After(r.pauses.NextBackOff())
	}
	r.config.Logger.LogAttrs(ctx, slog.LevelError, "mails cannot be sent for now", slog.String("error", err.Error()))
}
