package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/eventstore/local"
	"github.com/rollcall-sync/rollcall/handlers/broker"
	"github.com/rollcall-sync/rollcall/projections"
)

// movingSuffix is behind the name of a folder until the log is in it as a whole.
const movingSuffix = ".moving"

// open opens both ends and sees that the source can be moved, before anything is written.
func (m *move) open(ctx context.Context, deliveriesFrom string) error {
	if err := m.openSource(ctx); err != nil {
		return err
	}
	if err := m.openTarget(ctx); err != nil {
		return err
	}
	if m.source.ID() == m.target.ID() {
		return errors.New("--from and --to are the same log")
	}
	records, largest, err := eventstore.Measure(ctx, m.source, func(n uint64) { m.at("reading", n, n) })
	if err != nil {
		return err
	}
	if m.records = records; largest.Size() > m.limit {
		return fmt.Errorf("%s at position %s has %d bytes, more than the %d that EventStoreDB takes at once: this log cannot be moved there",
			largest.Type, largest.Position, largest.Size(), m.limit)
	}
	return m.openDeliveries(ctx, deliveriesFrom)
}

// openSource opens the log that is moved. A folder is locked until the end.
func (m *move) openSource(ctx context.Context) (err error) {
	if !m.from.shared() {
		there, err := local.OpenReader(m.from.Data) // Open would make one
		if err != nil {
			return err
		}
		if err := there.Close(); err != nil {
			return err
		}
	}
	if m.source, err = m.from.open(ctx, nil); err != nil {
		return err
	}
	m.closers = append(m.closers, m.source.Close)
	return nil
}

// openTarget opens the log that is moved to: a folder under another name, until everything is in it.
func (m *move) openTarget(ctx context.Context) (err error) {
	if m.to.shared() {
		c := m.to.esdb(nil)
		c.Moving, c.MaxAppend = true, esdb.DefaultMaxAppend
		m.limit = c.MaxAppend
		m.target, err = esdb.Open(ctx, c)
	} else {
		m.limit = math.MaxInt
		if err := mustBeFree(m.to.Data); err != nil {
			return err
		}
		m.target, err = local.Open(m.to.Data + movingSuffix)
	}
	if err != nil {
		return err
	}
	m.closers = append(m.closers, m.target.Close)
	return nil
}

// openDeliveries opens what the source has yet to deliver and to publish. Where servers share it, an outbox is made as a server makes one that is new.
func (m *move) openDeliveries(ctx context.Context, from string) error {
	at := outboxPlace{folder: m.from.Data, shared: m.from.shared(), from: from}
	if at.shared {
		folder, err := os.MkdirTemp("", "rollcall-move-")
		if err != nil {
			return err
		}
		m.closers = append(m.closers, func() error { return os.RemoveAll(folder) })
		at.folder = folder
	}
	head, err := m.source.Head(ctx)
	if err != nil {
		return err
	}
	if m.outbox, err = at.open(ctx, m.source, head); err != nil {
		return err
	}
	m.closers = append(m.closers, m.outbox.Close)
	if err := m.catchUp(ctx); err != nil {
		return err
	}
	_, err = m.handover(ctx, eventstore.Place{}, nil, func(eventstore.Write) error { return nil })
	if errors.Is(err, projections.ErrReplaying) {
		return fmt.Errorf("%w: start the server and wait until it has ended, or cancel it; then stop the server and move", err)
	}
	return err
}

// catchUp takes what has come to the source of what was delivered and published.
func (m *move) catchUp(ctx context.Context) (err error) {
	if err := projections.CatchUp(ctx, m.source, m.outbox); err != nil {
		return err
	}
	m.relays, err = m.published(ctx)
	return err
}

// published is how far brokers have come in the source: its files tell, or where servers share it, the log.
func (m *move) published(ctx context.Context) (map[string]eventstore.Position, error) {
	if m.from.shared() {
		return m.outbox.Relays(ctx)
	}
	names, err := relaysIn(m.from.Data)
	if err != nil {
		return nil, err
	}
	reached := map[string]eventstore.Position{}
	for _, name := range names {
		f, err := projections.OpenRelayFile(ctx, m.from.Data, name, m.source, m.source.ID(), eventstore.Position{})
		if err != nil {
			return nil, err
		}
		reached[name] = f.Begun()
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return reached, nil
}

// relaysIn are the relays to brokers that have a file in a folder.
func relaysIn(folder string) (names []string, err error) {
	files, err := filepath.Glob(filepath.Join(folder, broker.NamePrefix+"*.db"))
	for _, file := range files {
		names = append(names, filepath.Base(file[:len(file)-len(".db")]))
	}
	return names, err
}

// begin keeps servers from the target until everything is there. A folder has another name so long.
func (m *move) begin(ctx context.Context) error {
	if s, is := m.target.(*esdb.Store); is {
		return s.BeginMove(ctx)
	}
	return nil
}

// arrive gives the target to servers.
func (m *move) arrive(ctx context.Context, at eventstore.Place, moved handover) error {
	if s, is := m.target.(*esdb.Store); is {
		return s.EndMove(ctx)
	}
	folder := m.to.Data + movingSuffix
	if err := m.deliverFrom(ctx, folder, at.Copy); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(moved.relays)) {
		f, err := projections.OpenRelayFile(ctx, folder, name, m.target, m.target.ID(), moved.relays[name])
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return err
		}
	}
	if err := m.close(); err != nil {
		return err
	}
	return rename(folder, m.to.Data)
}

// deliverFrom has the server in a folder begin to deliver behind the records that were moved.
func (m *move) deliverFrom(ctx context.Context, folder string, settled eventstore.Position) (err error) {
	outbox, err := projections.OpenOutbox(folder, m.target, m.target.ID())
	if err != nil {
		return err
	}
	defer closing(outbox, &err)
	if begun, err := outbox.Begun(ctx); err != nil || begun {
		return err
	}
	return outbox.Begin(ctx, m.target.All(ctx, eventstore.Position{}), settled)
}

// next tells what is to be done now.
func (m *move) next() string {
	key := "the ROLLCALL_MASTER_KEY of the servers at " + m.from.place()
	if file := filepath.Join(m.from.Data, keys.FileName); !m.from.shared() {
		if _, err := os.Stat(file); err == nil {
			key = file
		}
	}
	if m.to.shared() {
		return fmt.Sprintf("now give every server there the same master key, ROLLCALL_MASTER_KEY from %s, and do not start one at %s again", key, m.from.place())
	}
	return fmt.Sprintf("now put the master key into %s with mode 0600, from %s, or give it in ROLLCALL_MASTER_KEY, and do not start a server at %s again",
		filepath.Join(m.to.Data, keys.FileName), key, m.from.place())
}
