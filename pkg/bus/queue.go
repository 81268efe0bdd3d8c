package bus

import "sync"

// Queue is a bounded backlog that loses nothing: what does not fit is refused,
// so that whoever offers it learns.
type Queue[T any] struct {
	bell   Bell
	size   int
	mu     sync.Mutex
	values []T
	taken  []T // by the last Take
}

// NewQueue returns a queue of at most size values.
func NewQueue[T any](bell Bell, size int) *Queue[T] { return &Queue[T]{bell: bell, size: size} }

// Offer puts v into the queue; false means that it is full and v is refused.
func (q *Queue[T]) Offer(v T) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.values) >= q.size {
		return false
	}
	q.values = append(q.values, v)
	q.bell.Ring()
	return true
}

// Take empties the queue, oldest first.
func (q *Queue[T]) Take() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.values, q.taken = renew(q.taken), q.values
	return q.taken
}
