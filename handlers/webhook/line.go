package webhook

import (
	"context"
	"log/slog"

	"github.com/rollcall-sync/rollcall/projections"
)

var fates = map[projections.Fate]string{projections.Retry: "retry", projections.Delivered: "delivered", projections.Failed: "failed"}

// line logs an attempt: the one line that tells of it. Bodies, URLs and secrets are never among it.
func (w *worker) line(e ended, v verdict) {
	level := slog.LevelInfo
	if e.answer.kind != accepted {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{
		slog.String("endpoint", e.delivery.Endpoint),
		slog.String("webhook_id", e.delivery.WebhookID),
		slog.String("type", e.delivery.Type),
		slog.String("subject", e.delivery.Subject),
		slog.Int("status", e.attempt.Status),
		slog.Duration("duration", e.attempt.Duration),
		slog.String("outcome", string(e.answer.kind)),
		slog.String("fate", fates[v.fate]),
		slog.Int("tries", v.tries),
		slog.Bool("down", w.health.down()),
	}
	if e.answer.kind != accepted {
		attrs = append(attrs, slog.String("error", e.attempt.Error))
	}
	w.config.Logger.LogAttrs(context.Background(), level, "webhook", attrs...)
}

func (w *worker) trouble(ctx context.Context, doing string, err error) {
	w.config.Logger.LogAttrs(ctx, slog.LevelError, doing, slog.String("endpoint", w.target.ID), slog.String("error", err.Error()))
}
