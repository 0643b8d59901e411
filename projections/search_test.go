package projections_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// While a directory searches as much as it may, the others search, and it reads on itself; its next search waits, and ends with its caller.
func TestSearchesOfADirectoryWaitForNobodyElse(t *testing.T) {
	w := newWorld(t)
	busy, other := w.directory("Busy"), w.directory("Other")
	u := w.user(busy, domain.Attributes{"userName": "ada"})
	w.user(other, domain.Attributes{"userName": "ada"})
	done := w.read.Searching(t, busy.ID)
	find := func(ctx context.Context, d projections.Directory) error {
		_, err := w.read.Users(ctx, d.ID, projections.Query{Filter: w.filter(domain.UserType, `userName eq "ada"`), Start: 1, Count: 1})
		return err
	}
	w.must(find(t.Context(), other))
	if _, err := w.read.User(t.Context(), busy.ID, u.ID); err != nil {
		t.Error(err)
	}
	if _, err := w.read.Users(t.Context(), busy.ID, projections.Query{Start: 1, Count: 1}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := find(ctx, busy); !errors.Is(err, context.Canceled) {
		t.Errorf("a search that nobody waits for: %v", err)
	}
	done()
	w.must(find(t.Context(), busy))
}

// A search that takes longer than anybody should wait is refused, and says what to do.
func TestLongSearchesAreRefused(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	w.user(d, domain.Attributes{"userName": "ada"})
	w.read.SearchTime(time.Nanosecond)
	_, err := w.read.Users(t.Context(), d.ID, projections.Query{Filter: w.filter(domain.UserType, `title co "x"`), Start: 1, Count: 1})
	if e := domain.Shown(err); e.Code != domain.Invalid || e.Reason != domain.TooMany || !strings.Contains(e.Message, "indexed") {
		t.Errorf("got %v", err)
	}
}
