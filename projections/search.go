package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// A filter and an order may make a query read a whole directory, and whoever has a token may ask for one. Such queries have connections of their
// own, so that none of the others waits for one; a directory has few at a time, so that directories do not wait for each other; and each is bounded in time.
const (
	searchTime           = 5 * time.Second // to run
	searchWait           = 5 * time.Second // for a turn
	searchesPerDirectory = 2
	searchesTogether     = 16
)

// searches are the queries that may be long.
type searches struct {
	pool       *pool
	time, wait time.Duration

	mu          sync.Mutex
	directories map[string]*turns // those that search now
}

// turns are those of one directory.
type turns struct {
	taken chan struct{}
	users int // who has one or waits for one
}

func newSearches(db *database) *searches {
	return &searches{pool: db.pool(searchesTogether), time: searchTime, wait: searchWait, directories: map[string]*turns{}}
}

// turn waits for a turn of the directory and for a connection. Both are given back by done.
func (s *searches) turn(ctx context.Context, directory string) (c *connection, done func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	t := s.join(directory)
	select {
	case t.taken <- struct{}{}:
	case <-waiting.Done():
		s.leave(directory, t)
		return nil, nil, busy(ctx, waiting.Err())
	}
	next := func() {
		<-t.taken
		s.leave(directory, t)
	}
	if c, err = s.pool.take(waiting); err != nil {
		next()
		return nil, nil, busy(ctx, fmt.Errorf("query: %w", err))
	}
	return c, func() {
		s.pool.give(c)
		next()
	}, nil
}

func (s *searches) join(directory string) *turns {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.directories[directory]
	if t == nil {
		t = &turns{taken: make(chan struct{}, searchesPerDirectory)}
		s.directories[directory] = t
	}
	t.users++
	return t
}

func (s *searches) leave(directory string, t *turns) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(s.directories, directory)
	}
}

// search is together for queries that may read a whole directory. One whose turn does not come is put off, and one that takes too long is refused.
func search[T any](ctx context.Context, m *ReadModel, directory string, f func(context.Context, queries) (T, error)) (found T, err error) {
	if err := m.fresh(ctx, scope(directory)); err != nil {
		return found, err
	}
	c, done, err := m.searches.turn(ctx, directory)
	if err != nil {
		return found, err
	}
	defer done()
	bounded, cancel := context.WithTimeout(ctx, m.searches.time)
	defer cancel()
	err = c.view(bounded, func() error {
		found, err = f(bounded, c)
		return err
	})
	if err != nil {
		return found, tooLong(ctx, bounded, err)
	}
	return found, nil
}

// busy is the answer to a search whose turn did not come, unless the caller's own time is over.
func busy(ctx context.Context, err error) error {
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := domain.Refuse(domain.Unavailable, "other searches are still running; try the same again, or ask by an attribute that is indexed, as userName or externalId")
	e.Cause = err
	return e
}

// tooLong is the answer to a search whose time is over, unless it is the caller's own that is.
func tooLong(ctx, bounded context.Context, err error) error {
	if ctx.Err() != nil || bounded.Err() == nil || errors.As(err, new(*domain.Error)) {
		return err
	}
	e := domain.RefuseFor(domain.Invalid, domain.TooMany, "the search takes too long; ask by an attribute that is indexed, as userName, externalId, emails or displayName, or for fewer at once")
	e.Cause = err
	return e
}

// indexed are the attributes by whose values SQLite finds the few rows that have one.
var indexed = map[string]bool{"id": true, "externalId": true, "userName": true, "displayName": true, "emails": true, "emails.value": true, "members": true, "members.value": true}

// finds tells whether a filter asks by the value of an indexed attribute, whatever else it asks, so that it reads a few rows of any directory. The
// prefix is the attribute whose values it is about, if it stands in brackets.
func finds(prefix string, f domain.Filter) bool {
	switch f := f.(type) {
	case domain.And:
		return finds(prefix, f.Left) || finds(prefix, f.Right)
	case domain.Has:
		return finds(domain.PathName(f.Ref.Path)+".", f.Filter)
	case domain.Compare:
		value, isText := f.Value.(string)
		return f.Op == domain.Equal && isText && value != "" && indexed[prefix+domain.PathName(f.Ref.Path)]
	}
	return false
}
