package projections

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// memo keeps what was read until it changes, of the last so many that were asked for. Safe for concurrent use.
type memo[T any] struct {
	mu      sync.Mutex
	changed int // how often something was
	kept    *simplelru.LRU[string, T]
	small   func(T) bool // tells what may be kept
}

// idKept bounds the ids of what is kept, for anybody may ask for any. Ours are shorter.
const idKept = 100

func newMemo[T any](size int, small func(T) bool) *memo[T] {
	kept, err := simplelru.NewLRU[string, T](size, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &memo[T]{kept: kept, small: small}
}

// get answers what is kept, or reads it. What was read while something changed is not kept: it may be of before.
func (m *memo[T]) get(id string, read func() (T, error)) (T, error) {
	m.mu.Lock()
	row, known := m.kept.Get(id)
	changed := m.changed
	m.mu.Unlock()
	if known {
		return row, nil
	}
	row, err := read()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && changed == m.changed && len(id) <= idKept && m.small(row) {
		m.kept.Add(id, row)
	}
	return row, err
}

// forget drops what has changed. It is called after the change was committed and before anybody is told of it.
func (m *memo[T]) forget(ids ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changed++
	for _, id := range ids {
		m.kept.Remove(id)
	}
}

// clear drops everything, likewise.
func (m *memo[T]) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changed++
	m.kept.Purge()
}
