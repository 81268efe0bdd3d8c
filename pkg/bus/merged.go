package bus

import "sync"

// Merged is a backlog with one value for each key.
type Merged[K comparable, T Mergeable[K, T]] struct {
	bell   Bell
	mu     sync.Mutex
	at     map[K]int // index into values
	values []T
	taken  []T // the result of the last Take
}

func newMerged[K comparable, T Mergeable[K, T]](bell Bell) *Merged[K, T] {
	return &Merged[K, T]{bell: bell, at: make(map[K]int)}
}

// SubscribeMerged adds a merging backlog to a topic that does not retain values.
func SubscribeMerged[K comparable, T Mergeable[K, T]](t *Topic[T], bell Bell) *Merged[K, T] {
	m := newMerged[K, T](bell)
	t.add(m)
	return m
}

func (m *Merged[K, T]) absorb(v T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i, ok := m.at[v.Key()]; ok {
		m.values[i] = m.values[i].Merge(v)
	} else {
		m.at[v.Key()] = len(m.values)
		m.values = append(m.values, v)
	}
}

func (m *Merged[K, T]) ring() { m.bell.Ring() }

// maxKept is the number of values for which a backlog keeps its memory. More than that arrive at
// once only when all links of a machine change.
const maxKept = 256

// Take empties the backlog and returns one value for each key, in order of first arrival.
func (m *Merged[K, T]) Take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	if cap(m.taken) > maxKept {
		m.taken = nil
	}
	m.values, m.taken = renew(m.taken), m.values
	if len(m.at) > maxKept {
		m.at = make(map[K]int) // clear would keep the memory
	} else {
		clear(m.at)
	}
	return m.taken
}
