package projections

import (
	"errors"
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A model of another log holds nothing of this one, though its position could stand here too.
func TestModelOfAnotherLogIsMadeAnew(t *testing.T) {
	folder, head := t.TempDir(), eventstore.At(9, 9)
	open := func(log string) *ReadModel {
		t.Helper()
		m, err := OpenReadModel(folder, log, head)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		return m
	}
	first := open("one")
	if err := first.db.update(t.Context(), func(b *batch) error {
		return errors.Join(b.exec(`INSERT INTO apikeys (id, name, hash, permissions, organization, created_by, created) VALUES ('k', '', '', '[]', '', '', '')`), b.reached(eventstore.At(5, 5)))
	}); err != nil {
		t.Fatal(err)
	}
	for _, again := range []struct {
		log  string
		at   eventstore.Position
		keys int
	}{{"one", eventstore.At(5, 5), 1}, {"two", eventstore.Position{}, 0}, {"one", eventstore.Position{}, 0}} {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		first = open(again.log)
		keys, err := counted(t.Context(), first.db.read, `SELECT count(*) FROM apikeys`)
		if err != nil || keys != again.keys || first.Progress().Position() != again.at {
			t.Errorf("opened with log %s: %d keys at %s, %v", again.log, keys, first.Progress().Position(), err)
		}
	}
}

// What was delivered of one log says nothing of another, and cannot be made again: the file is left as it is.
func TestOutboxOfAnotherLogIsRefused(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	s.must(s.Outbox.Close())
	if o, err := OpenOutbox(s.folder, s.log, "another log"); !errors.Is(err, ErrOtherLog) || o != nil {
		t.Fatalf("%v, %v", o, err)
	}
	s.open()
	if due := s.due("e", someTime, 10); subjects(due.Fresh) != "a" || s.Progress().Position() != s.at {
		t.Errorf("its own log finds %s at %s", subjects(due.Fresh), s.Progress().Position())
	}
}
