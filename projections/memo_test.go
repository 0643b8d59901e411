package projections

import (
	"errors"
	"strings"
	"testing"
)

func TestMemo(t *testing.T) {
	m := newMemo(2, func(n int) bool { return n < 100 })
	reads := 0
	get := func(id string, want int, read func() (int, error)) {
		t.Helper()
		if got, err := m.get(id, func() (int, error) { reads++; return read() }); err != nil || got != want {
			t.Errorf("%s is %d, %v, not %d", id, got, err, want)
		}
	}
	is := func(n int) func() (int, error) { return func() (int, error) { return n, nil } }
	wantReads := func(want int) {
		t.Helper()
		if reads != want {
			t.Errorf("%d reads, want %d", reads, want)
		}
	}
	get("a", 1, is(1))
	get("a", 1, is(2))
	wantReads(1)
	m.clear()
	get("a", 2, is(2))
	wantReads(2)
	get("b", 3, func() (int, error) { m.clear(); return 3, nil }) // what is read may be of before the change
	get("b", 4, is(4))
	get("b", 4, is(5))
	wantReads(4)
	m.forget("x", "b")
	get("b", 5, func() (int, error) { m.forget("x"); return 5, nil })
	get("b", 4, is(4))
	wantReads(6)
	get("c", 5, is(5))
	get("d", 6, is(6)) // and b must go
	get("b", 7, is(7))
	wantReads(9)
	get("f", 100, is(100))
	get("f", 101, is(101))
	wantReads(11)
	long := strings.Repeat("l", idKept+1)
	get(long, 1, is(1))
	get(long, 2, is(2))
	wantReads(13)
	if _, err := m.get("e", func() (int, error) { return 0, errors.New("no") }); err == nil {
		t.Error("an error was not answered")
	}
	get("e", 8, is(8)) // and is not kept
}
