package projections

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// asking is a Replies over a log that it may write to.
type asking struct {
	testing.TB
	*Replies
	folder string
	log    *eventstore.Memory
}

func newAsking(t testing.TB) *asking {
	a := &asking{TB: t, folder: t.TempDir(), log: eventstore.NewMemory()}
	a.open("a log")
	t.Cleanup(func() { a.Close() })
	return a
}

func (a *asking) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

func (a *asking) open(log string) {
	a.Helper()
	head, err := a.log.Head(a.Context())
	a.must(err)
	a.Replies, err = OpenReplies(a.folder, a.log, log, head)
	a.must(err)
}

// did writes an event of a request to the log.
func (a *asking) did(request string, at time.Time) {
	a.Helper()
	name, data, err := domain.Encode(domain.UserDeleted{})
	a.must(err)
	meta, err := domain.EncodeMeta(domain.Meta{Request: request, RecordedAt: at})
	a.must(err)
	head, err := a.log.Head(a.Context())
	a.must(err)
	entry := eventstore.Entry{Type: name, Data: data, Meta: meta}
	copy(entry.ID[:], head.String())
	_, err = a.log.Append(a.Context(), eventstore.Write{Stream: "user-" + head.String(), Entries: []eventstore.Entry{entry}})
	a.must(err)
}

// begin is what becomes of a request: go on, an error, or the reply of before.
func (a *asking) begin(q Asked) string {
	a.Helper()
	reply, err := a.Begin(a.Context(), q)
	switch {
	case err != nil:
		return err.Error()
	case reply == "":
		return "go on"
	}
	return reply
}

func TestReplies(t *testing.T) {
	a := newAsking(t)
	first := Asked{ID: "k1", Caller: "c", What: "make", Request: "r1", At: someTime}
	again := Asked{ID: "k1", Caller: "c", What: "make", Request: "r2", At: someTime.Add(time.Hour)}
	other := Asked{ID: "k1", Caller: "c", What: "break", Request: "r3", At: someTime}
	expect := func(what string, q Asked, want string) {
		t.Helper()
		if got := a.begin(q); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	expect("the first", first, "go on")
	expect("the same while it is under way", again, ErrUnderWay.Error())
	expect("another while it is under way", other, ErrAskedOther.Error())
	expect("another key", Asked{ID: "k2", Caller: "c", What: "make", Request: "r4", At: someTime}, "go on")
	a.must(a.Keep(t.Context(), first, "made"))
	expect("the same", again, "made")
	expect("the same again", again, "made")
	expect("another", other, ErrAskedOther.Error())
	a.must(a.Close())
	a.open("a log")
	expect("the same after a restart", again, "made")
	again.At = someTime.Add(RepliesKept - 1)
	expect("the same on the last moment", again, "made")
	again.At = someTime.Add(RepliesKept)
	expect("the same a day later", again, "go on")
	a.Leave(again)
	other.At = again.At.Add(RepliesKept)
	expect("another a day later", other, "go on")
}

// TestRepliesLeft: of a request that began and got no reply the log tells whether it was carried out, when it is sent again.
func TestRepliesLeft(t *testing.T) {
	for _, restart := range []bool{false, true} {
		a := newAsking(t)
		first, again := Asked{ID: "k", Caller: "c", What: "w", Request: "r1", At: someTime}, Asked{ID: "k", Caller: "c", What: "w", Request: "r2", At: someTime.Add(time.Minute)}
		a.did("r1", someTime) // long ago: another's, or it would stand behind
		leave := func(q Asked) {
			if a.Leave(q); restart {
				a.must(a.Close())
				a.open("a log")
			}
		}
		if got := a.begin(first); got != "go on" {
			t.Fatal(got)
		}
		a.did("someone's", someTime.Add(1))
		leave(first)
		if got := a.begin(again); got != "go on" {
			t.Errorf("a request that did nothing: %s", got)
		}
		a.did("r2", someTime.Add(2))
		leave(again)
		for range 2 {
			if got := a.begin(Asked{ID: "k", Caller: "c", What: "w", Request: "r3", At: someTime.Add(time.Hour)}); got != ErrReplyLost.Error() {
				t.Errorf("a request that was carried out: %s", got)
			}
		}
	}
}

// TestRepliesLookWithinBounds: what is recorded long after a request began is not read.
func TestRepliesLookWithinBounds(t *testing.T) {
	a := newAsking(t)
	first := Asked{ID: "k", Caller: "c", What: "w", Request: "r1", At: someTime}
	a.begin(first)
	a.Leave(first)
	a.did("someone's", someTime.Add(requestLimit+time.Millisecond))
	a.did("r1", someTime.Add(1))
	if got := a.begin(Asked{ID: "k", Caller: "c", What: "w", Request: "r2", At: someTime.Add(2 * time.Hour)}); got != "go on" {
		t.Errorf("%s", got)
	}
}

// TestRepliesOfAnotherLog: what a log does not hold, or not any more, was not carried out.
func TestRepliesOfAnotherLog(t *testing.T) {
	for _, restored := range []bool{false, true} {
		a := newAsking(t)
		first := Asked{ID: "k", Caller: "c", What: "w", Request: "r1", At: someTime}
		a.begin(first)
		a.did("r1", someTime)
		a.must(a.Keep(t.Context(), first, "made"))
		a.must(a.Close())
		name := "another log"
		if restored {
			a.log, name = eventstore.NewMemory(), "a log"
		}
		a.open(name)
		if got := a.begin(first); got != "go on" {
			t.Errorf("restored %v: %s", restored, got)
		}
	}
}

// TestRepliesAreBounded: a caller has so many at a time, whatever others have, and those whose time is over are removed.
func TestRepliesAreBounded(t *testing.T) {
	a := newAsking(t)
	a.must(a.db.update(t.Context(), func(b *batch) error {
		for i := range MaxReplies {
			if err := b.exec(`INSERT INTO replies (id, caller, asked, request, position, began, reply) VALUES (?, 'full', '', '', '0', ?, 'x')`, fmt.Sprint(i), millis(someTime)+int64(i)); err != nil {
				return err
			}
		}
		return nil
	}))
	full := Asked{ID: "one more", Caller: "full", What: "w", Request: "r", At: someTime.Add(time.Hour)}
	_, err := a.Begin(t.Context(), full)
	if many, is := errors.AsType[*TooManyRepliesError](err); !is || many.After != RepliesKept-time.Hour {
		t.Errorf("one more than are kept: %v", err)
	}
	if got := a.begin(Asked{ID: "7", Caller: "full", What: "", Request: "r", At: full.At}); got != "x" {
		t.Errorf("one that is kept: %s", got)
	}
	if got := a.begin(Asked{ID: "other", Caller: "free", What: "w", Request: "r", At: full.At}); got != "go on" {
		t.Errorf("of another caller: %s", got)
	}
	full.At = someTime.Add(RepliesKept)
	if got := a.begin(full); got != "go on" {
		t.Errorf("when the oldest one's time is over: %s", got)
	}
	before := count(t, a.db, "replies")
	for i := range 5 {
		a.begin(Asked{ID: fmt.Sprint("late ", i), Caller: "late", What: "w", Request: "r", At: someTime.Add(2 * RepliesKept)})
	}
	if after := count(t, a.db, "replies"); after != before-5*repliesSwept+5 {
		t.Errorf("%d replies, and %d after 5 more when the time of all is over", before, after)
	}
}

// TestRepliesAreDurable: SQLite waits for the disk at each commit, though not so in the other files of this package.
func TestRepliesAreDurable(t *testing.T) {
	a := newAsking(t)
	var level int
	a.must(a.db.update(context.Background(), func(b *batch) error {
		_, err := b.row(`PRAGMA synchronous`, nil, &level)
		return err
	}))
	if level != 2 {
		t.Errorf("synchronous is %d, want 2 (full)", level)
	}
}
