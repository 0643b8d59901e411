package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rollcall-sync/rollcall/eventstore"
)

type exportCommand struct {
	logConfig `embed:""`

	After string `help:"Only what stands behind this position." default:"0" placeholder:"POSITION"`
}

// exported is one line: an event as it stands in the log. Secrets in it are sealed.
type exported struct {
	Position string             `json:"position"`
	Stream   string             `json:"stream"`
	Version  eventstore.Version `json:"version"`
	ID       string             `json:"id"`
	Type     string             `json:"type"`
	Data     json.RawMessage    `json:"data"`
	Meta     json.RawMessage    `json:"meta"`
}

// Validate implements kong's validation.
func (c *exportCommand) Validate() error {
	_, err := eventstore.ParsePosition(c.After)
	if err != nil {
		err = fmt.Errorf("--after: %w", err)
	}
	return errors.Join(c.logConfig.Validate(), err)
}

// Run prints the events.
func (c *exportCommand) Run(ctx context.Context, to *console) (err error) {
	after, err := eventstore.ParsePosition(c.After)
	if err != nil {
		return err
	}
	log, err := c.reader(ctx)
	if err != nil {
		return err
	}
	defer closing(log, &err)
	return jsonLines(to, func(line func(any) error) error {
		for r, err := range log.All(ctx, after) {
			if err != nil {
				return err
			}
			if err := line(exported{r.Position.String(), r.Stream, r.Version, r.ID.String(), r.Type, r.Data, r.Meta}); err != nil {
				return err
			}
		}
		return nil
	})
}

// jsonLines writes one JSON object a line.
func jsonLines(to *console, each func(line func(any) error) error) error {
	buffered := bufio.NewWriter(to.out)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	if err := each(lines.Encode); err != nil {
		return err
	}
	return buffered.Flush()
}
