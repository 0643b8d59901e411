package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb"
	"github.com/rollcall-sync/rollcall/eventstore/local"
	"github.com/rollcall-sync/rollcall/projections"
)

// logConfig says where the log is.
type logConfig struct {
	Data  string `help:"Folder of the log, the read model and the deliveries; made if it is not there." default:"./rollcall-data" type:"path"`
	Store secret `help:"The log in EventStoreDB, which several servers may share: esdb://user:password@host:2113,host2:2113. It is in the folder otherwise." placeholder:"URL"`
}

// shared tells whether other processes may write the log too.
func (c *logConfig) shared() bool { return c.Store != "" }

// Validate implements kong's validation.
func (c *logConfig) Validate() error {
	if !c.shared() {
		return nil
	}
	if err := c.esdb(nil).Check(); err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	return nil
}

// eventLog is a log that a server writes.
type eventLog interface {
	eventstore.Store
	ID() string
}

func (c *logConfig) esdb(logger *slog.Logger) esdb.Config {
	return esdb.Config{ConnectionString: string(c.Store), Logger: logger}
}

// open opens the log for writing.
func (c *logConfig) open(ctx context.Context, logger *slog.Logger) (eventLog, error) {
	if c.shared() {
		return esdb.Open(ctx, c.esdb(logger))
	}
	return local.Open(c.Data)
}

// logReader is a log of which one only reads.
type logReader interface {
	projections.Past
	Close() error
}

// reader opens the log for reading; servers that write it do not mind.
func (c *logConfig) reader(ctx context.Context) (logReader, error) {
	if c.shared() {
		return esdb.Open(ctx, c.esdb(nil))
	}
	return local.OpenReader(c.Data)
}

// closing closes what was opened and keeps the first error.
func closing(c interface{ Close() error }, err *error) {
	if closed := c.Close(); *err == nil {
		*err = closed
	}
}
