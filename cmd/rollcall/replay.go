package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

type replayCommand struct {
	Subject   string `arg:"" optional:"" help:"A user, group, directory, organization or connection, as user-<id>: prints it as it was. Without one: prints the changes of the range."`
	logConfig `embed:""`

	At    string   `help:"For a subject: a position or an RFC 3339 time; now if not given." placeholder:"WHEN"`
	From  string   `help:"For a range: the position or time behind which it begins." default:"0" placeholder:"WHEN"`
	Until string   `help:"For a range: the position or time at which it ends; the head if not given." placeholder:"WHEN"`
	Types []string `help:"For a range: only these types, as directory.user.*." placeholder:"TYPE"`

	To         string `help:"For a range: a URL that the changes are sent to as signed webhooks, in order, instead of being printed." placeholder:"URL"`
	SigningKey secret `help:"With --to: what they are signed with, whsec_… or whsk_…; a new one is made and printed if not given." placeholder:"SECRET"`
	Webhook    string `help:"With --to: the id of a webhook, so that the messages have the ids that it knows them by." placeholder:"ID"`
}

// Validate implements kong's validation: all that is wrong, at once.
func (c *replayCommand) Validate() error {
	wrong := []error{c.logConfig.Validate()}
	if c.Subject != "" {
		if _, _, err := c.about(); err != nil {
			wrong = append(wrong, err)
		}
	}
	for _, flag := range []struct{ name, value string }{{"--at", c.At}, {"--from", c.From}, {"--until", c.Until}} {
		if err := projections.CheckWhen(flag.value); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", flag.name, err))
		}
	}
	if c.To != "" {
		wrong = append(wrong, c.checkTarget())
	}
	if _, err := domain.CheckCodes(c.Types); err != nil {
		wrong = append(wrong, fmt.Errorf("--types: %w; the types are %s", err, strings.Join(domain.MessageTypes, " ")))
	}
	return errors.Join(wrong...)
}

// about is what the subject names.
func (c *replayCommand) about() (kind projections.Kind, id string, err error) {
	kind, id = projections.SplitStream(c.Subject)
	if !kind.Tells() || id == "" {
		return kind, id, fmt.Errorf("%q is not user-<id>, group-<id>, directory-<id>, organization-<id> or connection-<id>", c.Subject)
	}
	return kind, id, nil
}

// Run shows the past. It reads the log and changes nothing.
func (c *replayCommand) Run(ctx context.Context, to *console) (err error) {
	log, err := c.reader(ctx)
	if err != nil {
		return err
	}
	defer closing(log, &err)
	if c.Subject != "" {
		return c.subject(ctx, log, to)
	}
	return c.changes(ctx, log, to)
}

// past is a subject as it was.
type past struct {
	Subject  string             `json:"subject"`
	Version  eventstore.Version `json:"version"`
	Position string             `json:"position"`
	State    domain.Attributes  `json:"state"` // null if it did not exist then
}

func (c *replayCommand) subject(ctx context.Context, log projections.Past, to *console) error {
	kind, id, err := c.about()
	if err != nil {
		return err
	}
	at, err := projections.Locate(ctx, log, nil, c.At)
	if err != nil {
		return fmt.Errorf("--at: %w", err)
	}
	s, state, err := projections.WholeAt(ctx, log, kind, id, at)
	if err != nil {
		return err
	}
	if s.Version == eventstore.NoStream {
		return fmt.Errorf("there was no %s at position %s", c.Subject, at)
	}
	return jsonLines(to, func(line func(any) error) error {
		return line(past{c.Subject, s.Version, at.String(), state})
	})
}

// changes prints the very messages that webhooks carry, or sends them.
func (c *replayCommand) changes(ctx context.Context, log projections.Past, to *console) error {
	from, err := projections.Locate(ctx, log, nil, c.From)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	until, err := projections.Locate(ctx, log, nil, c.Until)
	if err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	codes, err := domain.CheckCodes(c.Types)
	if err != nil {
		return err
	}
	wants := func(kind, _ string) bool { return domain.Wanted(codes, kind) }
	if c.To != "" {
		return c.send(ctx, log, to, from, until, wants)
	}
	return jsonLines(to, func(line func(any) error) error {
		for t, err := range projections.Tell(ctx, log, from, until, wants) {
			if err != nil {
				return err
			}
			if t.Message == nil {
				continue
			}
			if err := line(t.Message); err != nil {
				return err
			}
		}
		return nil
	})
}
