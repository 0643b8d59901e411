package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A witness remembers what a store acknowledged and holds a later one to it.
type witness struct {
	mu           sync.Mutex
	acknowledged map[string]map[eventstore.Version]eventstore.Record
	count        int
}

func newWitness() *witness {
	return &witness{acknowledged: map[string]map[eventstore.Version]eventstore.Record{}}
}

// saw notes the records of a write that was acknowledged.
func (w *witness) saw(write eventstore.Write, p eventstore.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := number(p) - uint64(len(write.Entries)) + 1
	for i, e := range write.Entries {
		at := first + uint64(i)
		w.note(eventstore.Record{
			Entry: e, Stream: write.Stream, Version: write.Expected + eventstore.Version(i) + 1, Position: eventstore.At(at, at),
		})
	}
}

func (w *witness) note(r eventstore.Record) {
	if w.acknowledged[r.Stream] == nil {
		w.acknowledged[r.Stream] = map[eventstore.Version]eventstore.Record{}
	}
	if _, known := w.acknowledged[r.Stream][r.Version]; !known {
		w.count++
	}
	w.acknowledged[r.Stream][r.Version] = r
}

// check reads the whole log, stream by stream too, and answers what is wrong with it. What it finds beyond what was
// acknowledged must stay from then on.
func (w *witness) check(s *Store) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx := context.Background()
	versions := map[string]eventstore.Version{}
	found := 0
	for r, err := range s.All(ctx, eventstore.Position{}) {
		if err != nil {
			return err
		}
		if versions[r.Stream]++; r.Version != versions[r.Stream] {
			return fmt.Errorf("%s has version %d where %d was due", r.Stream, r.Version, versions[r.Stream])
		}
		if want, ok := w.acknowledged[r.Stream][r.Version]; ok {
			found++
			if want.ID != r.ID || want.Position != r.Position || !bytes.Equal(want.Data, r.Data) {
				return fmt.Errorf("%s/%d at %s is not what was acknowledged at %s", r.Stream, r.Version, r.Position, want.Position)
			}
		} else {
			w.note(r)
			found++
		}
	}
	if found != w.count {
		return fmt.Errorf("%d acknowledged records are missing of %d", w.count-found, w.count)
	}
	for stream, version := range versions {
		var n eventstore.Version
		for _, err := range s.Read(ctx, stream, 0) {
			if err != nil {
				return err
			}
			n++
		}
		if n != version {
			return fmt.Errorf("%s has %d records by its name and %d in the log", stream, n, version)
		}
	}
	return nil
}

// work appends to a stream of its own until the store fails, or count batches are written, and tells the witness.
// An append whose outcome is unknown is repeated up to retries times in a row.
func (w *witness) work(s *Store, stream string, count, retries int) error {
	ctx := context.Background()
	version := eventstore.NoStream
	for _, err := range s.Read(ctx, stream, 0) {
		if err != nil {
			return err
		}
		version++
	}
	for n := range count {
		write := eventstore.Write{Stream: stream, Expected: version, Entries: entries(1 + n%3)}
		p, err := s.Append(ctx, write)
		for try := 0; try < retries && errors.Is(err, eventstore.ErrUnavailable); try++ {
			p, err = s.Append(ctx, write)
		}
		if err != nil {
			return err
		}
		w.saw(write, p)
		version += eventstore.Version(len(write.Entries))
	}
	return nil
}

// entries makes n entries of very different sizes, some of many pages.
func entries(n int) []eventstore.Entry {
	made := make([]eventstore.Entry, n)
	for i := range made {
		e := &made[i]
		rand.Read(e.ID[:])
		size := 100
		if e.ID[15]%4 == 0 {
			size = int(e.ID[14]) * 100
		}
		e.Type = "test.written"
		e.Data = bytes.Repeat([]byte{e.ID[13]}, size)
		e.Meta = []byte(`{}`)
	}
	return made
}
