package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// A filter and an order may make a query read a whole directory, and whoever has a token may ask for one. Such queries have connections of their
// own, so that none of the others waits for one; a directory has few at a time, so that directories do not wait for each other; and each is bounded in time.
const (
	searchTime           = 5 * time.Second
	searchesPerDirectory = 2
	searchesTogether     = 16
)

// searches are the queries that may be long.
type searches struct {
	pool  *sql.DB
	time  time.Duration // that one may take
	seed  maphash.Seed
	turns [64]chan struct{} // by directory; two that share one wait for each other without need
}

func newSearches(db *database) (*searches, error) {
	pool, err := db.reader(searchesTogether)
	if err != nil {
		return nil, err
	}
	s := &searches{pool: pool, time: searchTime, seed: maphash.MakeSeed()}
	for i := range s.turns {
		s.turns[i] = make(chan struct{}, searchesPerDirectory)
	}
	return s, nil
}

// search is together for queries that may read a whole directory. One that takes too long is refused.
func search[T any](ctx context.Context, m *ReadModel, directory string, f func(context.Context, queries) (T, error)) (T, error) {
	var none T
	if err := m.fresh(ctx, scope(directory)); err != nil {
		return none, err
	}
	bounded, cancel := context.WithTimeout(ctx, m.searches.time)
	defer cancel()
	turn := m.searches.turns[maphash.String(m.searches.seed, directory)%uint64(len(m.searches.turns))]
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-bounded.Done():
		return none, tooLong(ctx, bounded.Err())
	}
	tx, err := m.searches.pool.BeginTx(bounded, nil)
	if err != nil {
		return none, tooLong(ctx, fmt.Errorf("query the read model: %w", err))
	}
	defer tx.Rollback() // nothing was written
	found, err := f(bounded, tx)
	if err != nil && bounded.Err() != nil {
		return none, tooLong(ctx, err)
	}
	return found, err
}

// tooLong is the answer to a search whose time is over, unless it is the caller's own that is.
func tooLong(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.As(err, new(*domain.Error)) {
		return err
	}
	e := domain.RefuseFor(domain.Invalid, domain.TooMany, "the search takes too long; ask by an attribute that is indexed, as userName, externalId, emails or displayName, or for fewer at once")
	e.Cause = err
	return e
}
