package projections

import (
	"errors"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// A cursor behind the end of the log is of a part that was lost: what comes to stand there is not passed over.
func TestFeedOfALogThatWasRestored(t *testing.T) {
	s := newSending(t)
	s.endpoint("e", "all")
	s.change("a")
	head, err := s.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := NewFeed(s.log, "a log", nil)
	at := Cursor{Log: "a log", Position: head, At: someTime}
	if got, err := f.Start(t.Context(), at.String(), someTime); err != nil || got.Position != head {
		t.Errorf("the end: %+v, %v", got, err)
	}
	at.Position = eventstore.At(1<<40, 1<<40)
	var other *OtherLogError
	if _, err := f.Start(t.Context(), at.String(), someTime); !errors.As(err, &other) {
		t.Errorf("a cursor behind it: %v", err)
	}
	// Another event may have the same time as the last one that was seen, and follow it.
	from, err := f.Start(t.Context(), formatTime(other.At), someTime)
	s.must(err)
	page, _, err := f.Page(t.Context(), from, 10, func(string, string) bool { return true })
	if err != nil || len(page) != 1 {
		t.Errorf("from the time that it tells there are %d messages, %v", len(page), err)
	}
	at.At = time.Time{}
	if _, err := f.Start(t.Context(), at.String(), someTime); !errors.As(err, &other) || !other.At.IsZero() {
		t.Errorf("a cursor at the start: %v", err)
	}
	if _, err := f.Start(t.Context(), at.Position.String(), someTime); !errors.Is(err, ErrNotWhen) {
		t.Errorf("a position behind it: %v", err)
	}
}
