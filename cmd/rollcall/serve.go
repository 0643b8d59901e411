package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
)

type serveCommand struct {
	serverConfig `embed:""`
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(ctx context.Context, to *console) (err error) {
	logger := c.logger(to)
	s, err := open(ctx, &c.serverConfig, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	watching, seen := context.WithCancel(ctx)
	defer seen()
	go s.showProgress(watching, to.err)
	return s.run(ctx, func() error {
		seen()
		return s.welcome(ctx, c, to)
	})
}

// welcome makes the first API key and says where the server is.
func (s *server) welcome(ctx context.Context, c *serveCommand, to *console) error {
	if c.APIKey != "" {
		id, secret, _ := keys.SplitToken(string(c.APIKey))
		if err := s.commands.PresetAPIKey(ctx, system, "preset", id, secret); err != nil {
			return err
		}
	}
	_, total, err := s.read.APIKeys(ctx, "", "", 1, 1)
	if err != nil {
		return err
	}
	if total == 0 {
		key, err := s.firstKey(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(to.out, "API key (shown once, keep it): %s\n", key)
	}
	close(s.ready) // before it is told: who reads it may ask /readyz
	fmt.Fprintf(to.out, "Rollcall %s is ready at %s\n", version(), s.url)
	s.logger.LogAttrs(ctx, slog.LevelInfo, "ready", slog.String("url", s.url), slog.String("data", c.Data), slog.String("version", version()))
	return nil
}

// showProgress tells how far a read model has come that is built anew, once a second, until the context ends. Quick starts show nothing.
func (s *server) showProgress(ctx context.Context, w io.Writer) {
	head, err := s.log.Head(ctx)
	if err != nil {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, p := range s.runner.States() {
				if p.Position.Before(head) && p.Failure == nil {
					fmt.Fprintln(w, progressLine(p.Name, p.Position, head))
				}
			}
		}
	}
}

// progressLine draws a bar. Positions are only compared elsewhere; here their numbers serve as an estimate.
func progressLine(name string, at, goal eventstore.Position) string {
	have, _ := at.Numbers()
	want, _ := goal.Numbers()
	return bar("building "+name, float64(have)/float64(max(want, 1))) + fmt.Sprintf(" (position %s of %s)", at, goal)
}

// bar draws how much of something is done.
func bar(what string, done float64) string {
	const width = 30
	drawn := make([]rune, width)
	for i := range drawn {
		drawn[i] = '·'
		if float64(i) < done*width {
			drawn[i] = '█'
		}
	}
	return fmt.Sprintf("%-20s %s %3.0f%%", what, string(drawn), done*100)
}
