package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/local"
	"github.com/rollcall-sync/rollcall/projections"
)

type replayCommand struct {
	Subject string   `arg:"" optional:"" help:"A user, group or directory, as user-<id>: prints it as it was. Without one: prints the changes of the range."`
	Data    string   `help:"Folder of the log; a running server does not mind." default:"./rollcall-data" type:"path"`
	At      string   `help:"For a subject: a position or an RFC 3339 time; now if not given." placeholder:"WHEN"`
	From    string   `help:"For a range: the position or time behind which it begins." default:"0" placeholder:"WHEN"`
	To      string   `help:"For a range: the position or time at which it ends; the head if not given." placeholder:"WHEN"`
	Types   []string `help:"For a range: only these types, as directory.user.*." placeholder:"TYPE,..."`
}

// Run shows the past. It reads the log and changes nothing.
func (c replayCommand) Run(ctx context.Context, to *console) (err error) {
	log, err := local.OpenReader(c.Data)
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

func (c replayCommand) subject(ctx context.Context, log *local.Reader, to *console) error {
	kind, id := projections.SplitStream(c.Subject)
	if kind != projections.KindUser && kind != projections.KindGroup && kind != projections.KindDirectory || id == "" {
		return fmt.Errorf("%q is not user-<id>, group-<id> or directory-<id>", c.Subject)
	}
	at, err := position(ctx, log, c.At)
	if err != nil {
		return fmt.Errorf("--at: %w", err)
	}
	s, err := projections.FoldAt(ctx, log, kind, id, at)
	if err != nil {
		return err
	}
	if s.Version == eventstore.NoStream {
		return fmt.Errorf("there was no %s at position %s", c.Subject, at)
	}
	return jsonLines(to, func(line func(any) error) error {
		return line(past{c.Subject, s.Version, at.String(), s.Snapshot()})
	})
}

// changes prints the very messages that webhooks carry.
func (c replayCommand) changes(ctx context.Context, log *local.Reader, to *console) error {
	from, err := position(ctx, log, c.From)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	until, err := position(ctx, log, c.To)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	wanted := domain.Endpoint{URL: "stdout", EventCodes: c.Types}
	if len(c.Types) == 0 {
		wanted.EventCodes = []string{"all"}
	}
	for _, code := range wanted.EventCodes {
		if !slices.ContainsFunc(domain.MessageTypes, func(kind string) bool {
			one := domain.Endpoint{URL: "stdout", EventCodes: []string{code}}
			return one.Wants(kind, "")
		}) {
			return fmt.Errorf("--types: no message is of type %q; there are %s", code, strings.Join(domain.MessageTypes, " "))
		}
	}
	changes, err := projections.NewChanges(log)
	if err != nil {
		return err
	}
	return jsonLines(to, func(line func(any) error) error {
		for r, err := range log.All(ctx, from) {
			if err != nil {
				return err
			}
			if until.Before(r.Position) {
				return nil
			}
			s, err := projections.DecodeRecord(r)
			if err != nil {
				return err
			}
			m, ok, err := changes.Message(ctx, s)
			if err != nil {
				return err
			}
			if ok && wanted.Wants(m.Type, "") {
				if err := line(m); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// readable is a log that position looks into.
type readable interface {
	All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error]
	Head(ctx context.Context) (eventstore.Position, error)
}

var errNotWhen = errors.New("neither a position nor an RFC 3339 time")

// position is the place in the log that a text means: a position, the last one recorded by a time, or the head for "" and "head".
func position(ctx context.Context, log readable, text string) (eventstore.Position, error) {
	if text == "" || text == "head" {
		return log.Head(ctx)
	}
	if at, err := eventstore.ParsePosition(text); err == nil {
		return at, nil
	}
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return eventstore.Position{}, fmt.Errorf("%q is %w", text, errNotWhen)
	}
	var at eventstore.Position
	for r, err := range log.All(ctx, at) {
		if err != nil {
			return at, err
		}
		meta, err := domain.DecodeMeta(r.Meta)
		if err != nil {
			return at, fmt.Errorf("record at position %s: %w", r.Position, err)
		}
		if meta.RecordedAt.After(when) {
			break
		}
		at = r.Position
	}
	return at, nil
}
