package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

func (c *suite) middle(t *testing.T) {
	s := c.open(t)
	for i := range 5 {
		appended(t, s, write("a", eventstore.Version(2*i), entries(2)...), write(fmt.Sprint("other-", i), 0, entry("o")))
	}
	log := all(t, s, eventstore.Position{})
	for i, r := range log {
		equal(t, "all", all(t, s, r.Position), log[i+1:])
		equal(t, "follow", followed(t, s, r.Position), log[i+1:])
	}
	of := stream(t, s, "a", 0)
	for i := range of {
		equal(t, "stream", stream(t, s, "a", eventstore.Version(i)), of[i:])
	}
	for _, after := range []eventstore.Version{10, 11, 1 << 40, 1 << 63, 1<<64 - 1} {
		if got := stream(t, s, "a", after); len(got) != 0 {
			t.Errorf("the stream has %d records after version %d", len(got), after)
		}
	}
	// A loop that is left early leaves nothing behind.
	for range 50 {
		for r, err := range s.All(t.Context(), eventstore.Position{}) {
			if err != nil || r.ID != log[0].ID {
				t.Fatalf("all begins with %v, %v", r, err)
			}
			break
		}
		for r, err := range s.Read(t.Context(), "a", 3) {
			if err != nil || r.Version != 4 {
				t.Fatalf("the stream begins with %v, %v", r, err)
			}
			break
		}
	}
}

func (c *suite) paging(t *testing.T) {
	s := c.open(t)
	const batches, size = 27, 100
	for i := range batches {
		appended(t, s, write("long", eventstore.Version(i*size), entries(size)...), write("short", eventstore.Version(i), entry("s")))
	}
	log := all(t, s, eventstore.Position{})
	if len(log) != batches*(size+1) {
		t.Fatalf("the log holds %d records, want %d", len(log), batches*(size+1))
	}
	increasing(t, log)
	equal(t, "follow", followed(t, s, eventstore.Position{}), log)
	long := stream(t, s, "long", 0)
	if len(long) != batches*size {
		t.Fatalf("the stream holds %d records, want %d", len(long), batches*size)
	}
	for i, r := range long {
		if r.Version != eventstore.Version(i+1) {
			t.Fatalf("record %d of the stream has version %d", i, r.Version)
		}
	}
	if got := stream(t, s, "short", 0); len(got) != batches {
		t.Fatalf("the other stream holds %d records, want %d", len(got), batches)
	}
}

func (c *suite) big(t *testing.T) {
	s := c.open(t)
	var want [][]byte
	for i := range 6 {
		e := entry("big")
		e.Data = fmt.Appendf(nil, `{"n":%d,"text":%q}`, i, bytes.Repeat([]byte{'a' + byte(i)}, c.Big))
		want = append(want, e.Data)
		appended(t, s, write("big", eventstore.Version(i), e))
	}
	for what, got := range map[string][]eventstore.Record{
		"all": all(t, s, eventstore.Position{}), "stream": stream(t, s, "big", 0), "follow": followed(t, s, eventstore.Position{}),
	} {
		if len(got) != len(want) {
			t.Fatalf("%s: %d records, want %d", what, len(got), len(want))
		}
		for i, r := range got {
			if !bytes.Equal(r.Data, want[i]) {
				t.Errorf("%s: the data of record %d is not what was written", what, i)
			}
		}
	}
}

// nested opens more loops at a time than a store can have connections: none may hold one while its body runs.
func (c *suite) nested(t *testing.T) {
	s := c.open(t)
	appended(t, s, write("a", 0, entries(3)...))
	var deep func(level int) int
	deep = func(level int) int {
		if level == 40 {
			return 1
		}
		n := 0
		for range s.All(t.Context(), eventstore.Position{}) {
			for range s.Read(t.Context(), "a", 2) {
				n += deep(level + 1)
			}
			break
		}
		return n
	}
	if n := deep(0); n != 1 {
		t.Errorf("the innermost loop ran %d times", n)
	}
}

func (c *suite) appendWhileReading(t *testing.T) {
	s := c.open(t)
	appended(t, s, write("a", 0, entry("1")))
	n := 0
	for r, err := range s.All(t.Context(), eventstore.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n <= 20 {
			appended(t, s, write("a", r.Version, entry("next")))
		}
		if n == 21 {
			break // whether All sees what was added meanwhile is its own affair
		}
	}
	if got := stream(t, s, "a", 0); len(got) != n+1 && len(got) != n {
		t.Errorf("%d appends within the loop, %d records", n, len(got))
	}
}

func (c *suite) close(t *testing.T) {
	s := c.open(t)
	appended(t, s, write("a", 0, entry("1")))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	if _, err := s.Append(t.Context(), write("a", 1, entry("2"))); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("append answers %v", err)
	}
	if _, err := s.Head(t.Context()); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("head answers %v", err)
	}
	if err := lastError(t, s.Read(t.Context(), "a", 0)); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("read answers %v", err)
	}
	if err := lastError(t, s.All(t.Context(), eventstore.Position{})); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("all answers %v", err)
	}
	if err := lastError(t, s.Follow(t.Context(), eventstore.Position{})); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("follow answers %v", err)
	}
}

func (c *suite) reopen(t *testing.T) {
	if c.Reopen == nil {
		t.Skip("records do not outlive Close")
	}
	s := c.open(t)
	batch := []eventstore.Write{write("a", 0, entries(3)...), write("b", 0, entry("b"))}
	p := appended(t, s, batch...)
	for range 3 {
		log := all(t, s, eventstore.Position{})
		s = c.again(t, s)
		defer s.Close()
		equal(t, "after reopening", all(t, s, eventstore.Position{}), log)
		c.headIs(t, s, log[len(log)-1].Position)
		if again := appended(t, s, batch...); again != p {
			t.Errorf("the retry answered %s, the first call %s", again, p)
		}
		version := eventstore.Version(len(stream(t, s, "a", 0)))
		if next := appended(t, s, write("a", version, entry("next"))); !log[len(log)-1].Position.Before(next) {
			t.Errorf("a new record has position %s, the head was %s", next, log[len(log)-1].Position)
		}
	}
}
