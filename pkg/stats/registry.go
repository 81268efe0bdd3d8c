package stats

import (
	"sync/atomic"
	"time"
)

// Book finds the counters of an instance. Its method may be called from any goroutine.
type Book interface {
	// Of returns the counters of an instance; nil if there is no instance with that name.
	Of(instance string) *Counters
}

// OrEmpty returns the book, or an empty one if it is nil.
func OrEmpty(b Book) Book {
	if b == nil {
		return Map(nil)
	}
	return b
}

// Map is a Book that does not change.
type Map map[string]*Counters

// Of implements Book.
func (m Map) Of(instance string) *Counters { return m[instance] }

// Registry is a Book whose instances may change while other goroutines read it. NewRegistry
// returns one.
type Registry struct{ all atomic.Pointer[Map] }

// NewRegistry returns the book of some instances, which count from now on.
func NewRegistry(instances []string, now time.Time) *Registry {
	r := &Registry{}
	r.all.Store(&Map{})
	r.Set(instances, now)
	return r
}

// Of implements Book. It takes no lock.
func (r *Registry) Of(instance string) *Counters { return (*r.all.Load())[instance] }

// Names returns the instances, in any order.
func (r *Registry) Names() []string {
	var names []string
	for name := range *r.all.Load() {
		names = append(names, name)
	}
	return names
}

// Set replaces the instances: those that stay continue to count, new ones count from now on. It
// must be called by one goroutine at a time.
func (r *Registry) Set(instances []string, now time.Time) {
	before, all := *r.all.Load(), make(Map, len(instances))
	for _, name := range instances {
		if all[name] = before[name]; all[name] == nil {
			all[name] = &Counters{Since: now}
		}
	}
	r.all.Store(&all)
}
