package bus

import "sync"

// Keyed is a value of which a backlog keeps the last few for each key.
type Keyed[K comparable] interface{ Key() K }

// Recent is a backlog with the last values of each key.
type Recent[K comparable, T Keyed[K]] struct {
	bell   Bell
	perKey int
	total  int

	mu     sync.Mutex
	count  map[K]int
	values []T
	taken  []T // by the last Take
	lost   uint64
}

// SubscribeRecent adds to a topic a backlog that holds the last perKey values
// of each key and at most total in all. When either is exceeded the oldest
// concerned is dropped, and counted.
func SubscribeRecent[K comparable, T Keyed[K]](t *Topic[T], bell Bell, perKey, total int) *Recent[K, T] {
	r := &Recent[K, T]{bell: bell, perKey: perKey, total: total, count: make(map[K]int)}
	t.add(r)
	return r
}

func (r *Recent[K, T]) absorb(v T) {
	r.mu.Lock()
	switch key := v.Key(); {
	case r.count[key] >= r.perKey:
		r.drop(r.oldest(key))
	case len(r.values) >= r.total:
		r.drop(0)
	}
	r.count[v.Key()]++
	r.values = append(r.values, v)
	r.mu.Unlock()
	r.bell.Ring()
}

func (r *Recent[K, T]) oldest(key K) int {
	for i, v := range r.values {
		if v.Key() == key {
			return i
		}
	}
	panic("bus: a key is counted that is not there")
}

func (r *Recent[K, T]) drop(i int) {
	key := r.values[i].Key()
	if r.count[key]--; r.count[key] == 0 {
		delete(r.count, key) // a flood of ever new keys must not grow it
	}
	r.values = append(r.values[:i], r.values[i+1:]...)
	r.lost++
}

// Take empties the backlog, oldest first, and says how many values were lost
// since the last Take.
func (r *Recent[K, T]) Take() (values []T, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.values, r.taken = renew(r.taken), r.values
	lost, r.lost = r.lost, 0
	clear(r.count)
	return r.taken, lost
}
