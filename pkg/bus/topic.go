package bus

import "sync"

// backlog is a subscription as seen by its topic: it absorbs values, and rings when all values
// that were published together are in it.
type backlog[T any] interface {
	absorb(v T)
	ring()
}

// renew empties a slice for reuse. A backlog has two: one that fills while the reader has the
// other.
func renew[T any](values []T) []T {
	clear(values) // their values may hold pointers to memory that is no longer needed
	return values[:0]
}

// Topic distributes values to its subscriptions. The zero value is ready.
type Topic[T any] struct {
	mu       sync.Mutex
	backlogs []backlog[T]
}

// Publish passes values to every subscription, and wakes each reader once for all of them.
func (t *Topic[T]) Publish(values ...T) {
	if len(values) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range t.backlogs {
		for _, v := range values {
			b.absorb(v)
		}
		b.ring()
	}
}

func (t *Topic[T]) add(b backlog[T]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.backlogs = append(t.backlogs, b)
}

// Mergeable is a value of which a backlog holds one for each key.
type Mergeable[K comparable, T any] interface {
	Key() K
	// Merge returns the combination of the receiver and a newer value.
	Merge(newer T) T
	// Rest returns the value without the part that accumulates between two Takes, for a retained
	// topic to remember.
	Rest() T
}

// Retained is a topic that remembers the latest value of each key. NewRetained returns one.
type Retained[K comparable, T Mergeable[K, T]] struct {
	Topic[T]
	memory *memory[K, T]
}

// NewRetained returns a topic that remembers the latest values.
func NewRetained[K comparable, T Mergeable[K, T]]() *Retained[K, T] {
	t := &Retained[K, T]{memory: &memory[K, T]{at: make(map[K]int)}}
	t.add(t.memory)
	return t
}

// Subscribe returns a backlog that holds the snapshot and absorbs everything that is published
// from now on.
func (t *Retained[K, T]) Subscribe(bell Bell) *Merged[K, T] {
	m := newMerged[K, T](bell)
	t.mu.Lock()
	defer t.mu.Unlock()
	for v := range t.memory.all {
		m.absorb(v)
	}
	if len(t.memory.at) > 0 {
		m.ring()
	}
	t.backlogs = append(t.backlogs, m)
	return m
}

// Snapshot returns the latest value of each key, in order of first arrival.
func (t *Retained[K, T]) Snapshot() []T {
	t.mu.Lock()
	defer t.mu.Unlock()
	var values []T
	for v := range t.memory.all {
		values = append(values, v)
	}
	return values
}

// Forget drops the remembered value of a key, until one is published again. Values in the
// backlogs stay there. If new keys keep arriving, those that are no longer used must be
// forgotten.
func (t *Retained[K, T]) Forget(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.memory.forget(key)
}

// memory is the last value of each key of a retained topic, guarded by the topic's lock. It has
// no reader, so it strips each value of the part that accumulates between two Takes.
type memory[K comparable, T Mergeable[K, T]] struct {
	at     map[K]int // index into values
	values []*T      // nil if forgotten
}

func (m *memory[K, T]) absorb(v T) {
	if i, ok := m.at[v.Key()]; ok {
		*m.values[i] = (*m.values[i]).Merge(v).Rest()
		return
	}
	m.at[v.Key()] = len(m.values)
	rest := v.Rest()
	m.values = append(m.values, &rest)
}

// all yields the remembered values, in order of first arrival.
func (m *memory[K, T]) all(yield func(T) bool) {
	for _, v := range m.values {
		if v != nil && !yield(*v) {
			return
		}
	}
}

// forget drops a value, and compacts the slice if half of it or more is unused: the average cost
// is small, however many values are remembered.
func (m *memory[K, T]) forget(key K) {
	i, ok := m.at[key]
	if !ok {
		return
	}
	delete(m.at, key)
	m.values[i] = nil
	if len(m.at) > len(m.values)/2 {
		return
	}
	values := make([]*T, 0, len(m.at))
	for _, v := range m.values {
		if v != nil {
			m.at[(*v).Key()] = len(values)
			values = append(values, v)
		}
	}
	m.values = values
}

// ring does nothing: the memory has no reader.
func (m *memory[K, T]) ring() {}
