package bus

import "sync"

// Keyed is a value with a key, for a backlog that keeps the last values of each key.
type Keyed[K comparable] interface{ Key() K }

// Recent is a backlog of the last values of each key.
type Recent[K comparable, T Keyed[K]] struct {
	bell   Bell
	perKey int
	total  int

	mu     sync.Mutex
	counts map[K]*keyCount
	takes  uint64
	values []T
	taken  []T // the result of the last Take
	lost   uint64
}

// keyCount counts the values of a key since a Take. It is kept over later Takes, because a sender
// publishes repeatedly.
type keyCount struct {
	since  uint64 // the number of that Take
	values int
}

// remembered is the maximum number of keys that a backlog remembers from one Take to the next; if
// there are more, it forgets all of them.
const remembered = 4096

// SubscribeRecent adds to a topic a backlog that holds the last perKey values of each key and at
// most total values. If one of the limits is exceeded, the oldest value concerned is dropped and
// counted.
func SubscribeRecent[K comparable, T Keyed[K]](t *Topic[T], bell Bell, perKey, total int) *Recent[K, T] {
	r := &Recent[K, T]{bell: bell, perKey: perKey, total: total, counts: make(map[K]*keyCount)}
	t.add(r)
	return r
}

func (r *Recent[K, T]) absorb(v T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := v.Key()
	switch n := r.count(key); {
	case n.values >= r.perKey:
		r.drop(r.oldest(key))
	case len(r.values) >= r.total:
		n.values++
		r.forget(r.values[0].Key())
		r.drop(0)
	default:
		n.values++
	}
	r.values = append(r.values, v)
}

func (r *Recent[K, T]) ring() { r.bell.Ring() }

// count returns the count of a key, with one look-up if the key was published before.
func (r *Recent[K, T]) count(key K) *keyCount {
	n := r.counts[key]
	if n == nil {
		n = new(keyCount)
		r.counts[key] = n
	}
	if n.since != r.takes {
		*n = keyCount{since: r.takes}
	}
	return n
}

// forget decrements the count of a key.
func (r *Recent[K, T]) forget(key K) {
	n := r.counts[key]
	if n.values--; n.values == 0 {
		delete(r.counts, key) // a flood of new keys must not make the map grow
	}
}

func (r *Recent[K, T]) oldest(key K) int {
	for i, v := range r.values {
		if v.Key() == key {
			return i
		}
	}
	panic("bus: a key has a count but no value")
}

func (r *Recent[K, T]) drop(i int) {
	r.values = append(r.values[:i], r.values[i+1:]...)
	r.lost++
}

// Take empties the backlog, oldest value first, and returns how many values were lost since the
// last Take.
func (r *Recent[K, T]) Take() (values []T, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.values, r.taken = renew(r.taken), r.values
	lost, r.lost = r.lost, 0
	if r.takes++; len(r.counts) > remembered {
		clear(r.counts)
	}
	return r.taken, lost
}
