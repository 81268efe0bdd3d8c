package bus

import "sync"

// Ring is a backlog of the last n values, whatever their keys, for observers.
type Ring[T any] struct {
	bell Bell
	size int

	mu     sync.Mutex
	values []T
	oldest int    // index into values; only nonzero when values is full
	taken  []T    // the result of the last Take
	lost   uint64 // dropped since the last Take
	before uint64 // dropped before the last Take
}

// SubscribeRing adds to a topic a backlog of the last size values; values dropped for newer ones
// are counted.
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

// Take empties the backlog, oldest value first, and returns how many values were lost since the
// last Take.
func (r *Ring[T]) Take() (values []T, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(renew(r.taken), r.values[r.oldest:]...)
	r.taken = append(r.taken, r.values[:r.oldest]...)
	r.values, r.oldest = renew(r.values), 0
	lost, r.lost = r.lost, 0
	r.before += lost
	return r.taken, lost
}

// Lost returns how many values were ever dropped, including those that no Take has reported yet,
// so that the loss is visible while the reader is stuck.
func (r *Ring[T]) Lost() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.before + r.lost
}
