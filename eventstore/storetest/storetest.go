// Package storetest holds every event store to the contract in package eventstore. Each implementation's own tests call
// Run; what only one of them promises (crashes, damage, formats) is tested beside it.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Config is one implementation under test.
type Config struct {
	// Open makes a new, empty store. The suite closes it.
	Open func(t *testing.T) eventstore.Store
	// Reopen closes a store and opens its records anew. Nil where they do not outlive Close.
	Reopen func(t *testing.T, s eventstore.Store) eventstore.Store
	// Prefix tells that a conflict leaves the writes before it in the log, as esdb does.
	Prefix bool
	// Shared tells that others write to the same log, a server's own records among them: Open's store need not be empty,
	// and its head may stand above the last record of a test. Each test keeps to streams of its own, from the head that it finds.
	Shared bool
	// Big is the size of big records in bytes; 1 MiB by default.
	Big int
}

// Run runs the whole suite.
func Run(t *testing.T, c Config) {
	if c.Big == 0 {
		c.Big = 1 << 20
	}
	all := &suite{Config: c}
	for _, test := range []struct {
		name string
		run  func(*suite, *testing.T)
	}{
		{"an empty log", (*suite).empty},
		{"records come back as they were written", (*suite).fidelity},
		{"versions and positions", (*suite).versions},
		{"conflicts", (*suite).conflicts},
		{"a batch is atomic", (*suite).atomic},
		{"a batch sees itself", (*suite).batchSeesItself},
		{"batches that make no sense", (*suite).refusals},
		{"a retry of the same batch", (*suite).retrySame},
		{"a retry of a part", (*suite).retryPart},
		{"a retry with other records", (*suite).retryOther},
		{"a retry after later appends", (*suite).retryLate},
		{"concurrent retries", (*suite).retryConcurrent},
		{"a context that ended", (*suite).endedContext},
		{"reading from the middle", (*suite).middle},
		{"more than a page", (*suite).paging},
		{"big records", (*suite).big},
		{"loops within loops", (*suite).nested},
		{"appending while reading", (*suite).appendWhileReading},
		{"follow", (*suite).follow},
		{"follow wakes up", (*suite).followWakes},
		{"follow in batches", (*suite).followBatches},
		{"follow ends with its context", (*suite).followContext},
		{"follow ends with the store", (*suite).followClose},
		{"close", (*suite).close},
		{"reopen", (*suite).reopen},
		{"appenders to their own streams", (*suite).ownStreams},
		{"appenders to one stream", (*suite).oneStream},
		{"a random history", (*suite).history},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(all, t) })
	}
}

type suite struct{ Config }

func (c *suite) open(t *testing.T) eventstore.Store {
	t.Helper()
	s := c.Open(t)
	t.Cleanup(func() { s.Close() })
	if !c.Shared {
		return s
	}
	v, err := newView(t.Context(), s)
	if err != nil {
		t.Fatalf("head: %v", err)
	}
	return v
}

// again closes a store and opens its records anew.
func (c *suite) again(t *testing.T, s eventstore.Store) eventstore.Store {
	t.Helper()
	v, ok := s.(*view)
	if !ok {
		return c.Reopen(t, s)
	}
	return &view{Store: c.Reopen(t, v.Store), prefix: v.prefix, start: v.start}
}

// headIs asks that nothing of the test stands above a position, and that the head does not stand below it.
func (c *suite) headIs(t tester, s eventstore.Store, want eventstore.Position) {
	t.Helper()
	h, err := s.Head(context.Background())
	if err != nil {
		t.Fatalf("head: %v", err)
	}
	if !c.Shared {
		if h != want {
			t.Fatalf("the head is %s, want %s", h, want)
		}
		return
	}
	if h.Before(want) {
		t.Fatalf("the head is %s, want %s or more", h, want)
	}
	for r, err := range s.All(context.Background(), want) {
		t.Fatalf("after %s stands %s, %v", want, show(r), err)
	}
}

// tester is a test or a rapid one.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// entry makes an entry that no other test has.
func entry(text string) eventstore.Entry {
	var id eventstore.ID
	rand.Read(id[:])
	return eventstore.Entry{
		ID:   id,
		Type: "test.written",
		Data: fmt.Appendf(nil, `{"text":%q}`, text),
		Meta: []byte(`{"actor":"test"}`),
	}
}

// entries makes n of them.
func entries(n int) []eventstore.Entry {
	made := make([]eventstore.Entry, n)
	for i := range made {
		made[i] = entry(fmt.Sprint(i))
	}
	return made
}

// write is a Write without its field names.
func write(stream string, expected eventstore.Version, e ...eventstore.Entry) eventstore.Write {
	return eventstore.Write{Stream: stream, Expected: expected, Entries: e}
}

func appended(t *testing.T, s eventstore.Store, batch ...eventstore.Write) eventstore.Position {
	t.Helper()
	p, err := s.Append(t.Context(), batch...)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return p
}

func stream(t *testing.T, s eventstore.Store, name string, after eventstore.Version) []eventstore.Record {
	t.Helper()
	var records []eventstore.Record
	for r, err := range s.Read(t.Context(), name, after) {
		if err != nil {
			t.Fatalf("read %s after %d: %v", name, after, err)
		}
		records = append(records, r)
	}
	return records
}

func all(t *testing.T, s eventstore.Store, after eventstore.Position) []eventstore.Record {
	t.Helper()
	var records []eventstore.Record
	for r, err := range s.All(t.Context(), after) {
		if err != nil {
			t.Fatalf("read all after %s: %v", after, err)
		}
		records = append(records, r)
	}
	return records
}

// followed follows until the head of this moment is reached.
func followed(t *testing.T, s eventstore.Store, after eventstore.Position) []eventstore.Record {
	t.Helper()
	to := head(t, s)
	var records []eventstore.Record
	if !after.Before(to) {
		return nil
	}
	for b, err := range s.Follow(t.Context(), after) {
		if err != nil {
			t.Fatalf("follow after %s: %v", after, err)
		}
		records = append(records, b.Records...)
		if !b.Position.Before(to) {
			break
		}
	}
	return records
}

func head(t *testing.T, s eventstore.Store) eventstore.Position {
	t.Helper()
	p, err := s.Head(t.Context())
	if err != nil {
		t.Fatalf("head: %v", err)
	}
	return p
}

// equal compares what a log answers with what is right; no bytes and nil are the same.
func equal(t *testing.T, what string, got, want []eventstore.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d records, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !same(got[i], want[i]) {
			t.Fatalf("%s: record %d is\n%s\nand not\n%s", what, i, show(got[i]), show(want[i]))
		}
	}
}

func same(a, b eventstore.Record) bool {
	return a.ID == b.ID && a.Type == b.Type && bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Meta, b.Meta) &&
		a.Stream == b.Stream && a.Version == b.Version && a.Position == b.Position
}

func show(r eventstore.Record) string {
	return fmt.Sprintf("%s %s/%d %s %s %.80s %.80s", r.Position, r.Stream, r.Version, r.Type, r.ID, r.Data, r.Meta)
}

// conflicted asks for a ConflictError with exactly these fields.
func conflicted(t *testing.T, err error, stream string, expected, actual eventstore.Version) {
	t.Helper()
	var conflict *eventstore.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("got error %v, want a conflict", err)
	}
	if want := (eventstore.ConflictError{Stream: stream, Expected: expected, Actual: actual}); *conflict != want {
		t.Fatalf("got conflict %+v, want %+v", *conflict, want)
	}
}

// ids are those of the records.
func ids(records []eventstore.Record) []eventstore.ID {
	list := make([]eventstore.ID, len(records))
	for i, r := range records {
		list[i] = r.ID
	}
	return list
}

// increasing asks that positions rise strictly.
func increasing(t *testing.T, records []eventstore.Record) {
	t.Helper()
	if !slices.IsSortedFunc(records, func(a, b eventstore.Record) int {
		if a.Position.Before(b.Position) {
			return -1
		}
		return 1
	}) {
		t.Fatalf("positions do not rise: %v", records)
	}
}

// lastError runs an iteration to its end and answers its error, which must come last and once.
func lastError[T any](t *testing.T, seq func(func(T, error) bool)) error {
	t.Helper()
	var last error
	for _, err := range seq {
		if last != nil {
			t.Fatalf("the iteration went on after error %v", last)
		}
		last = err
	}
	return last
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
