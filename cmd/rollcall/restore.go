package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/rollcall-sync/rollcall/eventstore/keys"
)

type restoreCommand struct {
	logConfig `embed:""`

	From string `help:"The folder that rollcall backup made." required:"" type:"path" placeholder:"FOLDER"`
}

// Validate implements kong's validation.
func (c *restoreCommand) Validate() error {
	if c.shared() {
		return errSharedBackup
	}
	return nil
}

// Run makes a data folder of a backup.
func (c *restoreCommand) Run(ctx context.Context, to *console) error {
	m := newMeter(to.err)
	defer m.end()
	made, err := makeFolder(ctx, m, c.From, c.Data, true)
	if err != nil {
		return err
	}
	m.end()
	fmt.Fprintf(to.out, "restored %d records and %d files beside the log to %s, and read them again\n", made.records, len(made.files), c.Data)
	if !made.key {
		fmt.Fprintf(to.out, "now put the master key into %s with mode 0600, or give it in ROLLCALL_MASTER_KEY\n", filepath.Join(c.Data, keys.FileName))
	}
	if slices.Contains(made.files, deliveries) {
		fmt.Fprintln(to.out, "what was delivered after the backup was begun is delivered again, under the same ids")
	} else {
		fmt.Fprintln(to.out, "what was delivered is not in the backup: start the server with --deliveries-from")
	}
	return nil
}
