package projections

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

//go:embed schema/readmodel.sql
var readModelSchema string

// ReadModel is the current state of everything. All methods are safe for concurrent use; its queries show every change that
// was acknowledged before they began (Expect, ExpectOf, ShareLog), or answer an Unavailable error after five seconds.
type ReadModel struct {
	db       *database
	progress *Progress
	mark     mark // the last one; Apply's
	expected expectations
	heads    *heads // nil while nobody else writes the log
	searches *searches
	memos    memos

	mailsMoved chan struct{} // with room for one
}

// OpenReadModel opens the read model in a folder, an empty one if there is none of this schema. Its queries wait until it has
// reached the log's head, for all that stands there was acknowledged. Models of other schemas stay until RemoveOld. The id is the log's,
// the same for its whole life. A model of another log is made anew, and so is one that is ahead of its log, which was
// then restored from a backup.
func OpenReadModel(folder, id string, head eventstore.Position) (*ReadModel, error) {
	file := filepath.Join(folder, readModelFile())
	m, err := openReadModel(file, id)
	anew := errors.Is(err, ErrOtherLog)
	if err == nil && head.Before(m.progress.Position()) {
		if err := m.Close(); err != nil {
			return nil, err
		}
		anew = true
	}
	if anew {
		if err := removeDatabase(file); err != nil {
			return nil, err
		}
		m, err = openReadModel(file, id)
	}
	if err != nil {
		return nil, err
	}
	m.Expect(head)
	return m, nil
}

func openReadModel(path, id string) (*ReadModel, error) {
	db, err := openDatabase(path, readModelSchema, id)
	if err != nil {
		return nil, err
	}
	at, err := db.checkpoint()
	if err != nil {
		return nil, errors.Join(err, db.close())
	}
	last, err := db.lastMark(context.Background())
	if err != nil {
		return nil, errors.Join(err, db.close())
	}
	progress := newProgress(at)
	progress.pause = 10 * time.Millisecond // queries do not wait for it
	return &ReadModel{db: db, progress: progress, mark: last, searches: newSearches(db), memos: newMemos(), mailsMoved: make(chan struct{}, 1)}, nil
}

// readModelFile names the file after its schema.
func readModelFile() string {
	sum := sha256.Sum256([]byte(readModelSchema))
	return "readmodel-" + hex.EncodeToString(sum[:4]) + ".db"
}

func removeDatabase(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove the read model: %w", err)
		}
	}
	return nil
}

// RemoveOld removes models of other schemas, once this one has caught up and is shown instead.
func (m *ReadModel) RemoveOld() error {
	folder := filepath.Dir(m.db.path)
	files, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("look for old read models: %w", err)
	}
	for _, f := range files {
		if old, _ := filepath.Match("readmodel-????????.db", f.Name()); old && f.Name() != filepath.Base(m.db.path) {
			if err := removeDatabase(filepath.Join(folder, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close closes the file. Queries afterwards fail.
func (m *ReadModel) Close() error { return errors.Join(m.searches.pool.Close(), m.db.close()) }

// Name implements Projection.
func (m *ReadModel) Name() string { return "readmodel" }

// Progress implements Projection.
func (m *ReadModel) Progress() *Progress { return m.progress }

// Apply implements Projection.
func (m *ReadModel) Apply(ctx context.Context, records eventstore.Batch) error {
	at := m.mark
	err := m.db.update(ctx, func(b *batch) error {
		for _, r := range records.Records {
			recorded, err := m.applyRecord(b, r)
			if err != nil {
				return err
			}
			if at = at.next(r.Position, recorded); at.full() {
				if err := at.save(b); err != nil {
					return err
				}
			}
		}
		if at != m.mark {
			if err := at.save(b); err != nil {
				return err
			}
		}
		return b.reached(records.Position)
	})
	if err != nil {
		return err
	}
	m.mark = at
	m.memos.forget(records.Records)
	if slices.ContainsFunc(records.Records, movesMails) {
		signal(m.mailsMoved)
	}
	return nil
}

// applyRecord also tells when the record was made.
func (m *ReadModel) applyRecord(b *batch, r eventstore.Record) (time.Time, error) {
	if kind, _ := SplitStream(r.Stream); kind == KindName {
		return recordedAt(r)
	}
	s, err := DecodeRecord(r)
	if err != nil {
		return time.Time{}, err
	}
	if err := m.apply(b, s); err != nil {
		return time.Time{}, fmt.Errorf("apply %s at position %s: %w", r.Type, r.Position, err)
	}
	return s.Meta.RecordedAt, nil
}

func (m *ReadModel) apply(b *batch, s Stored) error {
	kind, id := SplitStream(s.Stream)
	switch kind {
	case KindOrganization:
		return applyOrganization(b, id, s)
	case KindDirectory:
		return applyDirectory(b, id, s)
	case KindUser:
		return applyUser(b, id, s)
	case KindGroup:
		return applyGroup(b, id, s)
	case KindEndpoint:
		return keepState[domain.Endpoint](b, "endpoints", id, s)
	case KindAPIKey:
		return applyAPIKey(b, id, s)
	case KindConnection:
		return applyConnection(b, id, s)
	case KindMail:
		return applyMail(b, id, s)
	case KindImport:
		return applyImport(b, id, s)
	case KindApplication:
		return keepState[domain.Application](b, "applications", id, s)
	}
	return nil
}
