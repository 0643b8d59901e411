package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/eventstore/local"
	"github.com/rollcall-sync/rollcall/projections"
)

// contents is what belongs to a log in a folder. The read model does not: it is made anew.
type contents struct {
	records uint64
	files   []string // what was delivered, published and replied, without .db
	key     bool     // the master key is there
}

// The files of the outbox and of replies, which are kept so that a request that is sent again is not carried out again.
var (
	deliveries = strings.TrimSuffix(projections.OutboxFile, ".db")
	replies    = strings.TrimSuffix(projections.RepliesFile, ".db")
)

// copyFolder copies what belongs to a log into an empty folder, beside the server that runs, and reads the copy again. The log comes last, so that nothing
// in the copy knows of a later one.
func copyFolder(ctx context.Context, m *meter, from, to string, withKey bool) (c contents, err error) {
	log, err := local.OpenReader(from)
	if err != nil {
		return c, err
	}
	defer closing(log, &err)
	names, err := relaysIn(from)
	if err != nil {
		return c, err
	}
	for _, name := range append(names, deliveries, replies) {
		switch err := projections.CopyFile(ctx, filepath.Join(from, name+".db"), filepath.Join(to, name+".db")); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return c, err
		default:
			c.files = append(c.files, name)
		}
	}
	if err := log.Backup(ctx, to, func(done, all uint64) { m.at("copying", done, all) }); err != nil {
		return c, err
	}
	if withKey {
		if c.key, err = copyKey(from, to); err != nil {
			return c, err
		}
	}
	c.records, err = checkFolder(ctx, m, to, c.files)
	return c, err
}

func copyKey(from, to string) (there bool, err error) {
	text, err := os.ReadFile(filepath.Join(from, keys.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(to, keys.FileName), text, 0o600)
	}
	return err == nil, err
}

// checkFolder reads all of a log that no server writes, and refuses files that are not of it or ahead of it. It answers the number of its records.
func checkFolder(ctx context.Context, m *meter, folder string, files []string) (records uint64, err error) {
	log, err := local.OpenReader(folder)
	if err != nil {
		return 0, err
	}
	defer closing(log, &err)
	if err := log.Check(ctx, func(done, all uint64) {
		records = done
		m.at("verifying", done, all)
	}); err != nil {
		return records, err
	}
	for _, name := range files {
		if err := checkFile(ctx, folder, name, log); err != nil {
			return records, err
		}
	}
	return records, nil
}

// checkFile refuses a file that is not of the log beside it, or ahead of it. Replies that are so a server begins anew.
func checkFile(ctx context.Context, folder, name string, log *local.Reader) error {
	switch name {
	case deliveries:
		return checkDeliveries(ctx, folder, log)
	case replies:
		return nil
	default:
		f, err := projections.OpenRelayFile(ctx, folder, name, log, log.ID(), eventstore.Position{})
		if err != nil {
			return err
		}
		return f.Close()
	}
}

func checkDeliveries(ctx context.Context, folder string, log *local.Reader) error {
	outbox, err := projections.OpenOutbox(folder, log, log.ID())
	if err != nil {
		return err
	}
	head, err := log.Head(ctx)
	if err == nil && head.Before(outbox.Progress().Position()) {
		err = fmt.Errorf("%s is ahead of the log that it was backed up with; take it away, and start the server with --deliveries-from", projections.OutboxFile)
	}
	return errors.Join(err, outbox.Close())
}
