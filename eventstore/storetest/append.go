package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

func (c *suite) empty(t *testing.T) {
	s := c.open(t)
	c.headIs(t, s, eventstore.Position{})
	if got := all(t, s, eventstore.Position{}); len(got) != 0 {
		t.Errorf("an empty log has records: %v", got)
	}
	if got := stream(t, s, "user-1", eventstore.NoStream); len(got) != 0 {
		t.Errorf("an empty log has a stream: %v", got)
	}
}

func (c *suite) fidelity(t *testing.T) {
	s := c.open(t)
	want := []eventstore.Entry{
		entry("plain"),
		{ID: entry("").ID, Type: "nothing.inside"},
		{ID: entry("").ID, Type: "empty.inside", Data: []byte{}, Meta: []byte{}},
		{ID: entry("").ID, Type: "type with spaces, 'quotes' and é", Data: []byte(`{"name":"Zoë \u0000 \"q\" 😀"}`), Meta: []byte(`{"$correlationId":"x"}`)},
		{ID: eventstore.ID{15: 1}, Type: "x", Data: []byte(`{}`), Meta: []byte(`{"a":"b"}`)},
	}
	names := []string{"user-1", "user-1 ", "USER-1", "name-é'\"%;--", "user-1/../2"}
	for _, name := range names {
		for i := range want {
			if name != names[0] {
				want[i].ID[0]++
			}
		}
		appended(t, s, write(name, 0, want...))
		got := stream(t, s, name, 0)
		if len(got) != len(want) {
			t.Fatalf("%q has %d records, want %d", name, len(got), len(want))
		}
		for i, r := range got {
			w := eventstore.Record{Entry: want[i], Stream: name, Version: eventstore.Version(i + 1), Position: r.Position}
			if !same(r, w) {
				t.Errorf("got\n%s\nwant\n%s", show(r), show(w))
			}
		}
	}
}

// versions also asks that a record looks the same from every door.
func (c *suite) versions(t *testing.T) {
	s := c.open(t)
	var last []eventstore.Position
	last = append(last, appended(t, s, write("a", 0, entries(2)...)))
	last = append(last, appended(t, s, write("b", 0, entry("b1"))))
	last = append(last, appended(t, s, write("a", 2, entry("a3")), write("c", 0, entries(2)...), write("b", 1, entry("b2"))))

	log := all(t, s, eventstore.Position{})
	var places []string
	for _, r := range log {
		places = append(places, r.Stream+"-"+string('0'+rune(r.Version)))
	}
	if want := []string{"a-1", "a-2", "b-1", "a-3", "c-1", "c-2", "b-2"}; !slices.Equal(places, want) {
		t.Fatalf("the log holds %v, want %v", places, want)
	}
	increasing(t, log)
	for i, n := range []int{1, 2, 6} {
		if log[n].Position != last[i] {
			t.Errorf("append %d answered position %s, its last record has %s", i, last[i], log[n].Position)
		}
	}
	c.headIs(t, s, last[2])
	equal(t, "follow", followed(t, s, eventstore.Position{}), log)
	for _, name := range []string{"a", "b", "c"} {
		of := slices.DeleteFunc(slices.Clone(log), func(r eventstore.Record) bool { return r.Stream != name })
		equal(t, "stream "+name, stream(t, s, name, 0), of)
	}
}

func (c *suite) conflicts(t *testing.T) {
	s := c.open(t)
	before := appended(t, s, write("a", 0, entries(3)...))
	for _, test := range []struct {
		stream           string
		expected, actual eventstore.Version
	}{
		{"a", 0, 3}, {"a", 2, 3}, {"a", 4, 3}, {"a", 1 << 40, 3}, {"b", 1, 0}, {"b", 1<<64 - 1, 0}, {"a", 1<<64 - 1, 3},
	} {
		p, err := s.Append(t.Context(), write(test.stream, test.expected, entry("x")))
		conflicted(t, err, test.stream, test.expected, test.actual)
		if p != (eventstore.Position{}) {
			t.Errorf("a conflict has position %s", p)
		}
	}
	c.headIs(t, s, before)
	appended(t, s, write("a", 3, entry("a4")), write("b", 0, entry("b1")))
}

func (c *suite) atomic(t *testing.T) {
	s := c.open(t)
	before := appended(t, s, write("taken", 0, entry("1")))
	_, err := s.Append(t.Context(), write("first", 0, entries(2)...), write("taken", 0, entry("2")), write("third", 0, entry("3")))
	conflicted(t, err, "taken", 0, 1)
	if got := stream(t, s, "third", 0); len(got) != 0 {
		t.Errorf("what stands behind a conflict was written: %v", got)
	}
	got := stream(t, s, "first", 0)
	if c.Prefix {
		if len(got) != 2 {
			t.Errorf("what stands before a conflict has %d records, want 2", len(got))
		}
		return
	}
	if len(got) != 0 {
		t.Errorf("a conflict left something in the log: %v", got)
	}
	c.headIs(t, s, before)
	// The stream is as free as before.
	appended(t, s, write("first", 0, entry("again")))
}

func (c *suite) batchSeesItself(t *testing.T) {
	s := c.open(t)
	batch := []eventstore.Write{
		write("a", 0, entry("a1")), write("b", 0, entry("b1")), write("a", 1, entry("a2"), entry("a3")), write("a", 3, entry("a4")),
	}
	p := appended(t, s, batch...)
	if got := stream(t, s, "a", 0); len(got) != 4 || got[3].Position != p {
		t.Fatalf("the stream holds %v, the append answered %s", got, p)
	}
	if again := appended(t, s, batch...); again != p {
		t.Errorf("the retry answered %s, the first call %s", again, p)
	}
	_, err := s.Append(t.Context(), write("c", 0, entry("c1")), write("c", 0, entry("c2")))
	conflicted(t, err, "c", 0, 1)
	if got := stream(t, s, "c", 0); !c.Prefix && len(got) != 0 {
		t.Errorf("a batch that conflicts with itself left %v", got)
	}
}

func (c *suite) refusals(t *testing.T) {
	s := c.open(t)
	nameless, typeless, huge := entry("x"), entry("x"), entry("x")
	nameless.ID = eventstore.ID{}
	typeless.Type = ""
	huge.Data = make([]byte, eventstore.MaxEntry)
	good := write("good", 0, entry("good"))
	for what, batch := range map[string][]eventstore.Write{
		"no write":              nil,
		"a write without entry": {good, write("a", 0)},
		"no stream":             {good, write("", 0, entry("x"))},
		"no id":                 {good, write("a", 0, nameless)},
		"no type":               {good, write("a", 0, typeless)},
		"too big":               {good, write("a", 0, huge)},
	} {
		if _, err := s.Append(t.Context(), batch...); err == nil || errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("%s: got error %v, want a refusal", what, err)
		}
	}
	c.headIs(t, s, eventstore.Position{})
}

func (c *suite) retrySame(t *testing.T) {
	s := c.open(t)
	appended(t, s, write("a", 0, entry("before")))
	batch := []eventstore.Write{write("name", 0, entry("claim")), write("a", 1, entries(3)...)}
	p := appended(t, s, batch...)
	log := all(t, s, eventstore.Position{})
	for range 3 {
		if again := appended(t, s, batch...); again != p {
			t.Errorf("the retry answered %s, the first call %s", again, p)
		}
	}
	equal(t, "after the retries", all(t, s, eventstore.Position{}), log)
}

func (c *suite) retryPart(t *testing.T) {
	s := c.open(t)
	claim, user := write("name", 0, entry("claim")), write("user", 0, entries(2)...)
	first := appended(t, s, claim)
	p := appended(t, s, claim, user)
	if got := stream(t, s, "user", 0); len(got) != 2 || got[1].Position != p || !first.Before(p) {
		t.Fatalf("the rest was not written: %v, position %s", got, p)
	}
	if got := stream(t, s, "name", 0); len(got) != 1 || got[0].Position != first {
		t.Fatalf("what was there changed: %v", got)
	}
	// The answer is the highest position, wherever in the batch it stands.
	late := write("late", 0, entry("late"))
	p = appended(t, s, late, claim)
	if got := stream(t, s, "late", 0); len(got) != 1 || got[0].Position != p {
		t.Fatalf("got %v, position %s", got, p)
	}
	// The beginning of a write is not the write, but is one by itself.
	longer := write("user", 0, append(slices.Clone(user.Entries), entry("more"))...)
	_, err := s.Append(t.Context(), longer)
	conflicted(t, err, "user", 0, 2)
	if p := appended(t, s, write("user", 0, user.Entries[0])); p != stream(t, s, "user", 0)[0].Position {
		t.Errorf("the first record alone answered %s", p)
	}
	if p := appended(t, s, write("user", 1, user.Entries[1])); p != stream(t, s, "user", 0)[1].Position {
		t.Errorf("the second record alone answered %s", p)
	}
}

func (c *suite) retryOther(t *testing.T) {
	s := c.open(t)
	e := entries(3)
	appended(t, s, write("a", 0, e...))
	other := entry("other")
	for _, test := range []eventstore.Write{
		write("a", 0, other),
		write("a", 0, e[1]),
		write("a", 0, e[0], other),
		write("a", 0, e[1], e[0]),
		write("a", 0, e[0], e[2]),
		write("a", 1, e[0]),
		write("a", 2, e[2], other),
	} {
		_, err := s.Append(t.Context(), test)
		conflicted(t, err, "a", test.Expected, 3)
	}
	// Bytes do not count: the id says which record it is.
	changed := e[0]
	changed.Data = []byte(`{"text":"changed"}`)
	appended(t, s, write("a", 0, changed))
	if got := stream(t, s, "a", 0); len(got) != 3 || string(got[0].Data) != string(e[0].Data) {
		t.Errorf("a retry changed the log: %v", got)
	}
}

func (c *suite) retryLate(t *testing.T) {
	s := c.open(t)
	batch := []eventstore.Write{write("a", 0, entries(2)...), write("b", 0, entry("b1"))}
	p := appended(t, s, batch...)
	appended(t, s, write("a", 2, entries(2)...), write("b", 1, entry("b2")))
	appended(t, s, write("z", 0, entry("z")))
	log := all(t, s, eventstore.Position{})
	if again := appended(t, s, batch...); again != p {
		t.Errorf("the retry answered %s, the first call %s", again, p)
	}
	equal(t, "after the retry", all(t, s, eventstore.Position{}), log)
}

func (c *suite) retryConcurrent(t *testing.T) {
	s := c.open(t)
	batch := []eventstore.Write{write("a", 0, entries(2)...), write("b", 0, entry("b1"))}
	positions := make([]eventstore.Position, 16)
	var wg sync.WaitGroup
	for i := range positions {
		wg.Go(func() {
			p, err := s.Append(context.Background(), batch...)
			if err != nil {
				t.Errorf("append: %v", err)
			}
			positions[i] = p
		})
	}
	wg.Wait()
	log := all(t, s, eventstore.Position{})
	if len(log) != 3 {
		t.Fatalf("the log holds %d records, want 3", len(log))
	}
	for _, p := range positions {
		if p != log[2].Position {
			t.Errorf("one caller got position %s, want %s", p, log[2].Position)
		}
	}
}

func (c *suite) endedContext(t *testing.T) {
	s := c.open(t)
	before := appended(t, s, write("a", 0, entry("1")))
	ctx := canceled()
	if _, err := s.Append(ctx, write("a", 1, entry("2"))); !errors.Is(err, context.Canceled) {
		t.Errorf("append answers %v", err)
	}
	c.headIs(t, s, before)
	if _, err := s.Head(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("head answers %v", err)
	}
	if err := lastError(t, s.Read(ctx, "a", 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("read answers %v", err)
	}
	if err := lastError(t, s.All(ctx, eventstore.Position{})); !errors.Is(err, context.Canceled) {
		t.Errorf("all answers %v", err)
	}
	if err := lastError(t, s.Follow(ctx, before)); !errors.Is(err, context.Canceled) {
		t.Errorf("follow answers %v", err)
	}
}
