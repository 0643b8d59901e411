package storetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// model is what a log should be: a list. Positions are the store's own and learned from it.
type model struct {
	base    eventstore.Position // where this history begins
	prefix  string              // of the history's streams
	records []eventstore.Record // without positions until all has been compared
	batches [][]eventstore.Write
	answers []eventstore.Position
	next    uint64 // for ids
}

// version counts; it is slow and plain.
func (m *model) version(stream string) (v eventstore.Version) {
	for _, r := range m.records {
		if r.Stream == stream {
			v++
		}
	}
	return v
}

// apply answers what an append should: the batch's last index in the list, or a conflict. Prefix stores keep what stands before it.
func (m *model) apply(batch []eventstore.Write, prefix bool) (last int, conflict *eventstore.ConflictError) {
	before := slices.Clone(m.records)
	last = -1
	for _, w := range batch {
		at, ok := m.write(w)
		if !ok {
			conflict = &eventstore.ConflictError{Stream: w.Stream, Expected: w.Expected, Actual: m.version(w.Stream)}
			if !prefix {
				m.records = before
			}
			return -1, conflict
		}
		last = max(last, at)
	}
	return last, nil
}

func (m *model) write(w eventstore.Write) (last int, ok bool) {
	if w.Expected == m.version(w.Stream) {
		for i, e := range w.Entries {
			m.records = append(m.records, eventstore.Record{Entry: e, Stream: w.Stream, Version: w.Expected + eventstore.Version(i) + 1})
		}
		return len(m.records) - 1, true
	}
	for i, e := range w.Entries {
		last = slices.IndexFunc(m.records, func(r eventstore.Record) bool {
			return r.Stream == w.Stream && r.Version == w.Expected+eventstore.Version(i)+1 && r.ID == e.ID
		})
		if last < 0 {
			return -1, false
		}
	}
	return last, true
}

func (m *model) entry(t *rapid.T) eventstore.Entry {
	m.next++
	var id eventstore.ID
	copy(id[:], m.prefix)
	binary.BigEndian.PutUint64(id[8:], m.next)
	data := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data")
	return eventstore.Entry{ID: id, Type: "test.drawn", Data: fmt.Appendf(nil, `{"x":"%x"}`, data), Meta: []byte(`{}`)}
}

// history compares a store with the model under random operations. All histories share one store, each in its own
// streams and from its own place on.
func (c *suite) history(t *testing.T) {
	s := c.open(t)
	defer func() { s.Close() }()
	histories := 0
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		m := &model{prefix: fmt.Sprintf("%07d-", histories), base: head(t, s)}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) { c.appendDrawn(rt, s, m) },
			"retry": func(rt *rapid.T) {
				if len(m.batches) == 0 {
					rt.Skip("nothing to retry")
				}
				i := rapid.IntRange(0, len(m.batches)-1).Draw(rt, "batch")
				p, err := s.Append(t.Context(), m.batches[i]...)
				if err != nil || p != m.answers[i] {
					rt.Fatalf("retry of batch %d: %s, %v; the first answer was %s", i, p, err, m.answers[i])
				}
			},
			"read": func(rt *rapid.T) {
				name := drawStream(rt, m)
				after := eventstore.Version(rapid.IntRange(0, 12).Draw(rt, "after"))
				want := slices.DeleteFunc(slices.Clone(m.records), func(r eventstore.Record) bool {
					return r.Stream != name || r.Version <= after
				})
				m.compare(rt, stream(t, s, name, after), want)
			},
			"all": func(rt *rapid.T) {
				i := rapid.IntRange(0, len(m.records)).Draw(rt, "from")
				from := m.base
				if i > 0 {
					from = m.records[i-1].Position
				}
				m.compare(rt, all(t, s, from), m.records[i:])
			},
			"follow": func(rt *rapid.T) { m.compare(rt, followed(t, s, m.base), m.records) },
			"reopen": func(rt *rapid.T) {
				if c.Reopen == nil || rapid.IntRange(0, 9).Draw(rt, "rarely") != 0 {
					rt.Skip("not now")
				}
				s = c.again(t, s)
			},
			"": func(rt *rapid.T) {
				want := m.base
				if n := len(m.records); n > 0 {
					want = m.records[n-1].Position
				}
				c.headIs(rt, s, want)
			},
		})
	})
}

func drawStream(t *rapid.T, m *model) string {
	return m.prefix + rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "stream")
}

// appendDrawn appends a batch of up to three writes, most of them at the right version, some of them with ids that were used.
func (c *suite) appendDrawn(t *rapid.T, s eventstore.Store, m *model) {
	var batch []eventstore.Write
	planned := map[string]eventstore.Version{}
	for range rapid.IntRange(1, 3).Draw(t, "writes") {
		name := drawStream(t, m)
		version, seen := planned[name]
		if !seen {
			version = m.version(name)
		}
		w := eventstore.Write{Stream: name, Expected: version}
		switch rapid.IntRange(0, 9).Draw(t, "expectation") {
		case 0:
			w.Expected++
		case 1, 2:
			w.Expected = eventstore.Version(rapid.Uint64Range(0, uint64(version)).Draw(t, "stale"))
		}
		for range rapid.IntRange(1, 3).Draw(t, "entries") {
			e := m.entry(t)
			old := slices.IndexFunc(m.records, func(r eventstore.Record) bool {
				return r.Stream == name && r.Version == w.Expected+eventstore.Version(len(w.Entries))+1
			})
			if old >= 0 && rapid.Bool().Draw(t, "again") {
				e = m.records[old].Entry
			}
			w.Entries = append(w.Entries, e)
		}
		planned[name] = w.Expected + eventstore.Version(len(w.Entries))
		batch = append(batch, w)
	}
	p, err := s.Append(t.Context(), batch...)
	last, conflict := m.apply(batch, c.Prefix)
	if conflict != nil {
		var got *eventstore.ConflictError
		if !errors.As(err, &got) || *got != *conflict {
			t.Fatalf("append answers %v, want %v", err, conflict)
		}
	} else if err != nil {
		t.Fatalf("append: %v", err)
	}
	m.learn(t, s)
	if conflict == nil {
		if p != m.records[last].Position {
			t.Fatalf("append answers position %s, want %s", p, m.records[last].Position)
		}
		m.batches, m.answers = append(m.batches, batch), append(m.answers, p)
	}
}

// learn takes over the positions of what was just written, and compares the rest of it.
func (m *model) learn(t *rapid.T, s eventstore.Store) {
	known := slices.IndexFunc(m.records, func(r eventstore.Record) bool { return r.Position == eventstore.Position{} })
	if known < 0 {
		known = len(m.records)
	}
	from := m.base
	if known > 0 {
		from = m.records[known-1].Position
	}
	i := known
	for r, err := range s.All(t.Context(), from) {
		if err != nil {
			t.Fatalf("all: %v", err)
		}
		if i >= len(m.records) || !from.Before(r.Position) {
			t.Fatalf("record %s was not expected after %s", show(r), from)
		}
		m.records[i].Position = r.Position
		if !same(m.records[i], r) {
			t.Fatalf("got\n%s\nwant\n%s", show(r), show(m.records[i]))
		}
		from = r.Position
		i++
	}
	if i != len(m.records) {
		t.Fatalf("the log lacks %s", show(m.records[i]))
	}
}

func (m *model) compare(t *rapid.T, got, want []eventstore.Record) {
	if !slices.EqualFunc(got, want, same) {
		t.Fatalf("got\n%v\nwant\n%v", got, want)
	}
}
