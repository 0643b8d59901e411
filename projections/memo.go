package projections

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// memo keeps rows that are asked for at each request and hardly ever change. All are dropped when one changes. Safe for concurrent use.
type memo[T any] struct {
	mu      sync.Mutex
	dropped int // how often
	kept    *simplelru.LRU[string, T]
}

func newMemo[T any](size int) *memo[T] {
	kept, err := simplelru.NewLRU[string, T](size, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &memo[T]{kept: kept}
}

// get answers what is kept, or reads it. What was read while rows changed is not kept: it may be of before.
func (m *memo[T]) get(id string, read func() (T, error)) (T, error) {
	m.mu.Lock()
	row, known := m.kept.Get(id)
	dropped := m.dropped
	m.mu.Unlock()
	if known {
		return row, nil
	}
	row, err := read()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && dropped == m.dropped {
		m.kept.Add(id, row)
	}
	return row, err
}

// drop is called after a change was committed and before anybody is told of it.
func (m *memo[T]) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropped++
	m.kept.Purge()
}
