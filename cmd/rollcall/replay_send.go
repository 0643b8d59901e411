package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/webhook"
	"github.com/rollcall-sync/rollcall/projections"
)

// checkTarget tells what is wrong with --to and what goes with it.
func (c *replayCommand) checkTarget() error {
	var wrong []error
	if u, err := url.Parse(c.To); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		wrong = append(wrong, fmt.Errorf("--to %q is not an http or https URL without credentials", c.To))
	}
	if c.Subject != "" {
		wrong = append(wrong, errors.New("--to sends the changes of a range, not a subject"))
	}
	if c.SigningKey != "" {
		if _, err := keys.ParseSigning(string(c.SigningKey)); err != nil {
			wrong = append(wrong, fmt.Errorf("--signing-key: %w", err))
		}
	}
	return errors.Join(wrong...)
}

// send sends the changes of a range one after the other, and shows how far it has come. What ends it early tells where to go on.
func (c *replayCommand) send(ctx context.Context, log projections.Past, to *console, from, until eventstore.Position, wants projections.Wants) error {
	key := keys.NewSigning(false)
	if c.SigningKey != "" {
		var err error
		if key, err = keys.ParseSigning(string(c.SigningKey)); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(to.out, "signing key (shown once): %s\n", key.Shared())
	}
	types, err := projections.Tally(ctx, log, from, until, wants)
	if err != nil {
		return err
	}
	total := 0
	for _, n := range types {
		total += n
	}
	sender := webhook.NewSender(c.To, key, version())
	defer sender.Close()
	sent, at, shown := 0, from, time.Now()
	for t, err := range projections.Tell(ctx, log, from, until, wants) {
		if err == nil && t.Message != nil {
			err = c.sendOne(ctx, sender, t)
		}
		if err != nil {
			return fmt.Errorf("%d of %d changes were sent; go on with --from %s: %w", sent, total, at, err)
		}
		if at = t.Record.Position; t.Message == nil {
			continue
		}
		if sent++; time.Since(shown) > time.Second {
			shown = time.Now()
			fmt.Fprintln(to.err, sendingLine(sent, total, at))
		}
	}
	fmt.Fprintf(to.out, "sent %d changes to %s\n", sent, c.To)
	return nil
}

func (c *replayCommand) sendOne(ctx context.Context, sender *webhook.Sender, t projections.Told) error {
	body, err := t.Message.Body()
	if err != nil {
		return err
	}
	return sender.Send(ctx, projections.WebhookID(t.Record.ID, cmp.Or(c.Webhook, c.To)), body)
}

func sendingLine(sent, total int, at eventstore.Position) string {
	return bar(fmt.Sprintf("sent %d of %d", sent, total), float64(sent)/float64(max(total, 1))) + fmt.Sprintf(" (position %s)", at)
}
