package mail

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/rollcall-sync/rollcall/projections"
)

// outcome is what came of an attempt.
type outcome string

const (
	sent    outcome = "sent"
	retried outcome = "retried"
	givenUp outcome = "given_up"
)

// outcome decides what comes of an attempt to send a mail, and when it is tried again, if it is. A nil failure is none.
func (m *Mailer) outcome(one projections.Mail, f *failure) (outcome, time.Time) {
	switch n := len(one.Attempts); {
	case f == nil:
		return sent, time.Time{}
	case f.permanent || n >= len(m.config.Retries):
		return givenUp, time.Time{}
	default:
		return retried, m.config.Now().Add(jittered(m.config.Retries[n]))
	}
}

// jittered is a pause up to a tenth longer or shorter, so that mails that failed together are not tried together.
func jittered(pause time.Duration) time.Duration {
	return pause - pause/10 + time.Duration(rand.Int64N(int64(pause/5)+1))
}

// tell tells what came of an attempt, again and again until that is durable: what is not told is done again. When the context has ended it is tried once
// more.
func (m *Mailer) tell(ctx, held context.Context, one projections.Mail, at time.Time, f *failure) {
	came, retry := m.outcome(one, f)
	m.attempts.WithLabelValues(string(came)).Inc()
	attrs := []slog.Attr{slog.String("mail", one.ID), slog.String("organization", one.Organization), slog.String("outcome", string(came)),
		slog.Int("attempt", len(one.Attempts)+1), slog.Duration("took", m.config.Now().Sub(at))}
	if f != nil {
		attrs = append(attrs, slog.String("error", f.logged))
	}
	m.config.Logger.LogAttrs(ctx, slog.LevelInfo, "mail", attrs...)
	durably := context.WithoutCancel(held)
	pauses := ownPauses()
	for {
		last := ctx.Err() != nil || held.Err() != nil
		var err error
		if came == sent {
			err = m.config.Commands.MailSent(durably, one, at)
		} else {
			err = m.config.Commands.MailFailed(durably, one, at, f.shown, retry)
		}
		if err == nil {
			return
		}
		m.config.Logger.LogAttrs(ctx, slog.LevelError, "what became of a mail cannot be told", slog.String("mail", one.ID), slog.Bool("given_up", last), slog.String("error", err.Error()))
		if last {
			return
		}
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
		case <-held.Done():
		}
	}
}

// ownPauses are the pauses between tries of what fails on our own side.
func ownPauses() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(30*time.Second),
		backoff.WithMultiplier(2), backoff.WithMaxElapsedTime(0))
}
