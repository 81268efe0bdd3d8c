package lan

import (
	"slices"
	"sync"
	"time"
)

// record is a growing list with a way to wait for new entries.
type record[T any] struct {
	mu    sync.Mutex
	list  []T
	grown chan struct{} // closed at the next add; nil: nothing waits
}

func (r *record[T]) add(v T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, v)
	if r.grown != nil {
		close(r.grown)
		r.grown = nil
	}
}

func (r *record[T]) all() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// from returns the list from i on, and a channel that is closed when there is more.
func (r *record[T]) from(i int) ([]T, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.grown == nil {
		r.grown = make(chan struct{})
	}
	return slices.Clone(r.list[i:]), r.grown
}

// wait returns the first match among the records so far and those to come. ok is false when the
// time is over. seen is the number of records compared.
func (r *record[T]) wait(within time.Duration, match func(T) bool) (v T, seen int, ok bool) {
	over := time.NewTimer(within)
	defer over.Stop()
	for {
		list, grown := r.from(seen)
		for _, v := range list {
			seen++
			if match(v) {
				return v, seen, true
			}
		}
		select {
		case <-grown:
		case <-over.C:
			return v, seen, false
		}
	}
}
