package bus

import "sync"

// Ring is the backlog of an observer: the last n values, whatever they are.
type Ring[T any] struct {
	bell Bell
	size int

	mu     sync.Mutex
	values []T
	oldest int    // index into values; not 0 only while they are size
	taken  []T    // by the last Take
	lost   uint64 // since the last Take
	told   uint64 // lost before it
}

// SubscribeRing adds to a topic a backlog of the last size values; what is
// dropped for newer ones is counted.
func SubscribeRing[T any](t *Topic[T], bell Bell, size int) *Ring[T] {
	r := &Ring[T]{bell: bell, size: size}
	t.add(r)
	return r
}

func (r *Ring[T]) absorb(v T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.values) < r.size {
		r.values = append(r.values, v)
	} else {
		r.values[r.oldest] = v
		r.oldest = (r.oldest + 1) % r.size
		r.lost++
	}
}

func (r *Ring[T]) ring() { r.bell.Ring() }

// Take empties the backlog, oldest first, and says how many values were lost
// since the last Take.
func (r *Ring[T]) Take() (values []T, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(renew(r.taken), r.values[r.oldest:]...)
	r.taken = append(r.taken, r.values[:r.oldest]...)
	r.values, r.oldest = renew(r.values), 0
	lost, r.lost = r.lost, 0
	r.told += lost
	return r.taken, lost
}

// Lost returns how many values were ever dropped, also those that no Take has reported yet,
// so that the loss is known while the reader is stuck.
func (r *Ring[T]) Lost() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told + r.lost
}
