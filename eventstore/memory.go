package eventstore

import (
	"context"
	"fmt"
	"iter"
	"sync"
)

// memoryPage bounds what Memory hands out under one lock, so that followers see batches of a bounded size.
const memoryPage = 256

// Memory is a Store for tests: it keeps the whole contract except that nothing outlives the process.
type Memory struct {
	mu      sync.Mutex
	records []Record         // the record at position n is records[n-1]; never changed, only added to
	streams map[string][]int // for each stream the indexes into records, in the order of versions
	moved   chan struct{}    // closed and replaced when records are added or the store is closed
	closed  bool
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{streams: map[string][]int{}, moved: make(chan struct{})}
}

// Append writes all of the batch or nothing.
func (m *Memory) Append(ctx context.Context, batch ...Write) (Position, error) {
	if err := Check(batch); err != nil {
		return Position{}, err
	}
	if err := ctx.Err(); err != nil {
		return Position{}, fmt.Errorf("append to %s: %w", batch[0].Stream, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Position{}, ErrClosed
	}
	before := len(m.records)
	var last Position
	for _, w := range batch {
		position, err := m.write(w)
		if err != nil {
			m.drop(before)
			return Position{}, err
		}
		if last.Before(position) {
			last = position
		}
	}
	if len(m.records) > before {
		m.wake()
	}
	return last, nil
}

// write adds the entries of one write, or finds them where an earlier call put them.
func (m *Memory) write(w Write) (Position, error) {
	stream := m.streams[w.Stream]
	actual := Version(len(stream))
	if w.Expected != actual {
		if w.Expected > actual || uint64(len(w.Entries)) > uint64(actual-w.Expected) {
			return Position{}, &ConflictError{Stream: w.Stream, Expected: w.Expected, Actual: actual}
		}
		var last Position
		for i, e := range w.Entries {
			r := m.records[stream[int(w.Expected)+i]]
			if r.ID != e.ID {
				return Position{}, &ConflictError{Stream: w.Stream, Expected: w.Expected, Actual: actual}
			}
			last = r.Position
		}
		return last, nil
	}
	for _, e := range w.Entries {
		n := uint64(len(m.records)) + 1
		actual++
		m.records = append(m.records, Record{Entry: e, Stream: w.Stream, Version: actual, Position: At(n, n)})
		m.streams[w.Stream] = append(m.streams[w.Stream], int(n-1))
	}
	return m.records[len(m.records)-1].Position, nil
}

// drop takes back what a batch added before it met a conflict. Readers never saw it: they need the mutex.
func (m *Memory) drop(keep int) {
	for _, r := range m.records[keep:] {
		stream := m.streams[r.Stream]
		m.streams[r.Stream] = stream[:len(stream)-1]
		if len(stream) == 1 {
			delete(m.streams, r.Stream)
		}
	}
	m.records = m.records[:keep]
}

func (m *Memory) wake() {
	close(m.moved)
	m.moved = make(chan struct{})
}

// after answers a page of the records above a position, and a channel that is closed when there may be more.
func (m *Memory) after(ctx context.Context, p Position) ([]Record, <-chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, nil, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, fmt.Errorf("read the log after %s: %w", p, err)
	}
	from := min(p.commit, uint64(len(m.records)))
	to := min(from+memoryPage, uint64(len(m.records)))
	return m.records[from:to:to], m.moved, nil
}

// Read yields the records of a stream above a version.
func (m *Memory) Read(ctx context.Context, stream string, after Version) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for v := after; ; v++ {
			r, ok, err := m.at(ctx, stream, v)
			if err != nil {
				yield(Record{}, err)
				return
			}
			if !ok || !yield(r, nil) {
				return
			}
		}
	}
}

// at answers the record of a stream that follows a version.
func (m *Memory) at(ctx context.Context, stream string, after Version) (Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Record{}, false, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return Record{}, false, fmt.Errorf("read %s after version %d: %w", stream, after, err)
	}
	indexes := m.streams[stream]
	if after >= Version(len(indexes)) {
		return Record{}, false, nil
	}
	return m.records[indexes[after]], true, nil
}

// All yields the records above a position.
func (m *Memory) All(ctx context.Context, after Position) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		p := after
		for {
			records, _, err := m.after(ctx, p)
			if err != nil {
				yield(Record{}, err)
				return
			}
			if len(records) == 0 {
				return
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
				p = r.Position
			}
		}
	}
}

// Follow yields what All does and waits for more.
func (m *Memory) Follow(ctx context.Context, after Position) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		p := after
		for {
			records, moved, err := m.after(ctx, p)
			if err != nil {
				yield(Batch{}, err)
				return
			}
			if len(records) == 0 {
				select {
				case <-moved:
				case <-ctx.Done():
				}
				continue
			}
			p = records[len(records)-1].Position
			if !yield(Batch{Records: records, Position: p}, nil) {
				return
			}
		}
	}
}

// Head is the position of the last record.
func (m *Memory) Head(ctx context.Context) (Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Position{}, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return Position{}, fmt.Errorf("read the head of the log: %w", err)
	}
	n := uint64(len(m.records))
	return At(n, n), nil
}

// Close ends followers with ErrClosed. Twice is harmless.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		m.wake()
	}
	return nil
}

var _ Store = (*Memory)(nil)
