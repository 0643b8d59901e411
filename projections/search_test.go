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

// While a directory searches as much as it may, the others search, and it reads on itself, also by indexed attributes. Its next search waits, ends
// with its caller, and is put off if its turn does not come.
func TestSearchesOfADirectoryWaitForNobodyElse(t *testing.T) {
	w := newWorld(t)
	busy, other := w.directory("Busy"), w.directory("Other")
	u := w.user(busy, domain.Attributes{"userName": "ada"})
	w.user(other, domain.Attributes{"userName": "ada"})
	done := w.read.Searching(t, busy.ID)
	find := func(ctx context.Context, d projections.Directory, filter string) error {
		_, err := w.read.Users(ctx, d.ID, projections.Query{Filter: w.filter(domain.UserType, filter), Start: 1, Count: 1})
		return err
	}
	const long = `title co "x"`
	w.must(find(t.Context(), other, long))
	if _, err := w.read.User(t.Context(), busy.ID, u.ID); err != nil {
		t.Error(err)
	}
	if _, err := w.read.Users(t.Context(), busy.ID, projections.Query{Start: 1, Count: 1}); err != nil {
		t.Error(err)
	}
	w.read.SearchWait(time.Nanosecond)
	for _, short := range []string{`userName eq "ada"`, `externalId eq "x" and active eq false`, `title co "x" and emails[type eq "work" and value eq "a@x"]`} {
		if err := find(t.Context(), busy, short); err != nil {
			t.Errorf("%s: %v", short, err)
		}
	}
	for _, long := range []string{long, `userName eq ""`, `userName ne "ada"`, `userName eq "ada" or title pr`, `not (userName eq "ada")`, `phoneNumbers[value eq "1"]`} {
		if err := find(t.Context(), busy, long); !isUnavailable(err) {
			t.Errorf("%s: %v", long, err)
		}
	}
	w.read.SearchWait(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := find(ctx, busy, long); !errors.Is(err, context.Canceled) {
		t.Errorf("a search that nobody waits for: %v", err)
	}
	done()
	w.must(find(t.Context(), busy, long))
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
