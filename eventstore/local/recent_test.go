package local

import (
	"fmt"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

func TestRecent(t *testing.T) {
	var r recent
	position := uint64(0)
	add := func(stream string, version eventstore.Version, size int) eventstore.Record {
		position++
		one := eventstore.Record{Entry: eventstore.Entry{Data: make([]byte, size)}, Stream: stream, Version: version, Position: eventstore.At(position, position)}
		r.add([]eventstore.Record{one})
		return one
	}
	after := func(at uint64, want ...uint64) {
		t.Helper()
		var got []uint64
		for _, one := range r.after(at) {
			got = append(got, number(one.Position))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("after %d: %v, want %v", at, got, want)
		}
	}
	tip := func(stream string, want eventstore.Version, wantKnown bool) {
		t.Helper()
		if got, known := r.tip(stream); got != want || known != wantKnown {
			t.Errorf("%s stands at %d, %v", stream, got, known)
		}
	}
	after(0)
	tip("a", 0, false)
	given := add("a", 1, 1)
	add("a", 2, 0)
	add("b", 1, 0)
	given.Data[0] = 1
	if got := r.after(0)[0].Data[0]; got != 0 {
		t.Error("what its appender did to his bytes is seen")
	}
	after(0, 1, 2, 3)
	after(2, 3)
	after(3)
	after(9)
	tip("a", 2, true)
	tip("c", 0, false)

	position = 9 // something between is not known
	add("a", 3, 0)
	after(2)
	after(9, 10)
	tip("b", 1, true)

	add("a", 4, recentBytes)
	after(9, 10, 11)
	add("a", 5, 1)
	after(10)
	after(11, 12)

	for n := range recentRows {
		add(fmt.Sprint("s", n), 1, 0)
	}
	if got := r.after(12); len(got) != recentRows || len(r.after(11)) != 0 {
		t.Errorf("%d records, and %d with one more", len(got), len(r.after(11)))
	}
	for n := range 2 * recentTips {
		add(fmt.Sprint("t", n), 1, 0)
	}
	tip("a", 0, false)
	tip("t0", 0, false)
	tip(fmt.Sprint("t", recentTips), 1, true)
	if n := len(r.tips) + len(r.old); n > 2*recentTips {
		t.Errorf("%d tips are remembered", n)
	}
	r.forget()
	after(position - 1)
	tip(fmt.Sprint("t", recentTips), 0, false)
}

// A read that is made before an append and run after it sees what was appended.
func TestReadLooksWhenItRuns(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	append := func(version eventstore.Version) {
		if _, err := s.Append(t.Context(), eventstore.Write{Stream: "a-1", Expected: version, Entries: []eventstore.Entry{{ID: eventstore.ID{byte(version + 1)}, Type: "x"}}}); err != nil {
			t.Fatal(err)
		}
	}
	append(0)
	read := s.Read(t.Context(), "a-1", 1)
	for _, want := range []int{0, 1} {
		n := 0
		for _, err := range read {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != want {
			t.Errorf("%d records, want %d", n, want)
		}
		append(eventstore.Version(want + 1))
	}
}
