package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rollcall-sync/rollcall/eventstore/keys"
)

type backupCommand struct {
	logConfig `embed:""`

	To            string `help:"The folder that the backup is to be; it must not be there, or be empty." required:"" type:"path" placeholder:"FOLDER"`
	WithMasterKey bool   `help:"Put the master key into the backup too. Whoever has both can read every secret in the log."`
}

// partialSuffix is behind the name of a folder until everything is in it and was read again.
const partialSuffix = ".partial"

// errSharedBackup tells what backs up a log in EventStoreDB.
var errSharedBackup = errors.New("the log is in EventStoreDB: back up and restore it as its manual says; rollcall move --to FOLDER makes a copy that can be carried")

// Validate implements kong's validation.
func (c *backupCommand) Validate() error {
	if c.shared() {
		return errSharedBackup
	}
	return nil
}

// Run copies a data folder, whether a server runs there or not.
func (c *backupCommand) Run(ctx context.Context, to *console) (err error) {
	m := newMeter(to.err)
	defer m.end()
	made, err := makeFolder(ctx, m, c.Data, c.To, c.WithMasterKey)
	if err != nil {
		return err
	}
	m.end()
	fmt.Fprintf(to.out, "backed up %d records and %d files beside the log to %s, and read them again\n", made.records, len(made.files), c.To)
	if !made.key {
		fmt.Fprintf(to.out, "the master key is not in it: keep a copy of %s elsewhere, without which a restored log cannot be continued\n", filepath.Join(c.Data, keys.FileName))
	}
	return nil
}

// makeFolder makes a data folder of another one. It gets its name when it is complete, so that nothing else ever looks like one.
func makeFolder(ctx context.Context, m *meter, from, to string, withKey bool) (made contents, err error) {
	if err := mustBeFree(to); err != nil {
		return made, err
	}
	partial := to + partialSuffix
	if err := os.RemoveAll(partial); err != nil { // of one that was killed
		return made, err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return made, err
	}
	if err := os.Mkdir(partial, 0o700); err != nil {
		return made, err
	}
	made, err = copyFolder(ctx, m, from, partial, withKey)
	if err == nil {
		err = rename(partial, to)
	}
	if err != nil {
		err = errors.Join(err, os.RemoveAll(partial))
	}
	return made, err
}
