package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb"
	"github.com/rollcall-sync/rollcall/projections"
)

type moveCommand struct {
	From           secret `help:"Where the log is: its folder, or esdb://… as for --store." required:"" placeholder:"WHERE"`
	To             secret `help:"Where it is to be: an empty EventStoreDB, or a folder that is not there." required:"" placeholder:"WHERE"`
	DeliveriesFrom string `help:"Where deliveries had come to if the deliveries file is lost: a position, an RFC 3339 time, or head." placeholder:"WHERE"`
}

// Help implements kong's longer help.
func (*moveCommand) Help() string {
	return `Stop every server that writes the log first. The log is copied record by record, compared with what it was, and what was still to be delivered goes
with it, so that servers at the new place lose no webhook and repeat none. The old log stays as it is; do not start a server on it again.
Whatever interrupts the command: the same command goes on.`
}

// placeOf is where a log is by the name of its folder, or by the connection string of an EventStoreDB.
func placeOf(text secret) logConfig {
	if strings.Contains(string(text), "://") {
		return logConfig{Store: text}
	}
	return logConfig{Data: kong.ExpandPath(string(text))}
}

// place names where the log is, without credentials.
func (c *logConfig) place() string {
	if c.shared() {
		return esdb.Redact(string(c.Store))
	}
	return c.Data
}

// Validate implements kong's validation.
func (c *moveCommand) Validate() error {
	from, to := placeOf(c.From), placeOf(c.To)
	var wrong []error
	for _, end := range []struct {
		flag  string
		place logConfig
	}{{"--from", from}, {"--to", to}} {
		if !end.place.shared() {
			continue
		}
		if err := end.place.esdb(nil).Check(); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", end.flag, err))
		}
	}
	if !from.shared() && !to.shared() {
		wrong = append(wrong, errors.New("--from and --to are both folders: rollcall backup and rollcall restore copy one"))
	}
	if err := projections.CheckWhen(c.DeliveriesFrom); err != nil {
		wrong = append(wrong, fmt.Errorf("--deliveries-from: %w", err))
	}
	return errors.Join(wrong...)
}

// move is a log on its way.
type move struct {
	*meter
	from, to       logConfig
	source, target eventLog
	outbox         *projections.Outbox            // of the source
	relays         map[string]eventstore.Position // how far brokers have come in the source, by the names of their relays
	records        uint64                         // of the source, when it was measured
	limit          int                            // the largest write that the target takes
	closers        []func() error                 // in the order of opening
}

// Run moves a log.
func (c *moveCommand) Run(ctx context.Context, to *console) (err error) {
	m := &move{meter: newMeter(to.err), from: placeOf(c.From), to: placeOf(c.To)}
	defer func() {
		m.end()
		err = errors.Join(err, m.close())
	}()
	if err := m.open(ctx, c.DeliveriesFrom); err != nil {
		return err
	}
	at, moved, err := m.run(ctx)
	if err != nil {
		return err
	}
	if err := m.arrive(ctx, at, moved); err != nil {
		return err
	}
	m.end()
	fmt.Fprintf(to.out, "moved %d records from %s to %s; both hold the same, record by record\n", at.Records, m.from.place(), m.to.place())
	fmt.Fprintf(to.out, "%d deliveries are still to be made, and are made there\n", moved.deliveries)
	fmt.Fprintln(to.out, m.next())
	return nil
}

func (m *move) close() error {
	var errs []error
	for len(m.closers) > 0 {
		last := len(m.closers) - 1
		errs = append(errs, m.closers[last]())
		m.closers = m.closers[:last]
	}
	return errors.Join(errs...)
}

// run brings the target to where it holds the source, and behind that what was still to be delivered.
func (m *move) run(ctx context.Context) (eventstore.Place, handover, error) {
	at, reached, err := m.compare(ctx, "comparing")
	if different := (*eventstore.DifferentError)(nil); errors.As(err, &different) {
		return at, handover{}, fmt.Errorf("%s holds something else, and nothing was written: %w", m.to.place(), err)
	}
	if err != nil {
		return at, handover{}, err
	}
	handed, err := m.handedOver(ctx, at, reached)
	if err != nil {
		return at, handover{}, err
	}
	if _, missing, err := first(m.source.All(ctx, at.Log)); err != nil {
		return at, handover{}, err
	} else if missing || !handed.complete() {
		if err := m.begin(ctx); err != nil {
			return at, handover{}, err
		}
	}
	if _, err = m.copy(ctx, at); err != nil {
		return at, handover{}, err
	}
	if err := m.catchUp(ctx); err != nil {
		return at, handover{}, err
	}
	if at, reached, err = m.compare(ctx, "verifying"); err != nil {
		return at, handover{}, err
	}
	// It is caught up with; whoever writes it now does not stop.
	grown, err := m.copy(ctx, at)
	if err != nil {
		return at, handover{}, err
	}
	if n := grown.Records - at.Records; n > 0 {
		return at, handover{}, fmt.Errorf("%d records came to %s while it was moved: stop all servers that write it, then run the same command again, which goes on", n, m.from.place())
	}
	moved, err := m.handOver(ctx, at, reached)
	if err != nil {
		return at, handover{}, err
	}
	r, more, err := first(m.source.All(ctx, at.Log))
	if err == nil && more {
		err = fmt.Errorf("%s came to %s when it was moved but for this: stop all servers that write it, empty %s and begin again", r.Type, m.from.place(), m.to.place())
	}
	return at, moved, err
}

// first is the first of some records, if there is one.
func first(records iter.Seq2[eventstore.Record, error]) (eventstore.Record, bool, error) {
	for r, err := range records {
		return r, err == nil, err
	}
	return eventstore.Record{}, false, nil
}

// compare answers how far the target holds the source, and where in the target that is which brokers have.
func (m *move) compare(ctx context.Context, what string) (eventstore.Place, map[string]eventstore.Position, error) {
	reached := map[string]eventstore.Position{}
	at, err := eventstore.Compare(ctx, m.source, m.target, func(at eventstore.Place) {
		for name, p := range m.relays {
			if !p.Before(at.Log) {
				reached[name] = at.Copy
			}
		}
		m.at(what, at.Records, m.records)
	})
	return at, reached, err
}

func (m *move) copy(ctx context.Context, at eventstore.Place) (eventstore.Place, error) {
	at, err := eventstore.Copy(ctx, m.source, m.target, at, m.limit, func(at eventstore.Place) { m.at("copying", at.Records, m.records) })
	if err != nil {
		err = fmt.Errorf("copied %d records of %d; the same command goes on: %w", at.Records, m.records, err)
	}
	return at, err
}
