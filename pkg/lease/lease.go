// Package lease holds the authority that the router's loop lends to the goroutines
// that act for it, so that a daemon whose loop hangs gives up what it holds
// (docs/architecture.md#lease).
package lease

import (
	"sync/atomic"
	"time"
)

// Lease is one instant, which the loop stamps at each turn and at least once in each StampEvery. Any
// goroutine may stamp and read it.
type Lease struct {
	base time.Time
	last atomic.Int64 // nanoseconds since base
}

// Least is the shortest time after which a silent loop counts as hung: no Limit is less.
const Least = time.Second

// New returns a lease that counts as stamped at base, an instant with a monotonic
// reading.
func New(base time.Time) *Lease { return &Lease{base: base} }

// Stamp records that the loop ran at now.
func (l *Lease) Stamp(now time.Time) { l.last.Store(int64(now.Sub(l.base))) }

// Last returns the instant of the last stamp.
func (l *Lease) Last() time.Time { return l.base.Add(time.Duration(l.last.Load())) }

// Age returns the time since the last stamp.
func (l *Lease) Age(now time.Time) time.Duration { return now.Sub(l.Last()) }

// Limit returns the age at which the lease of an instance is lost:
// max(Least, miss × interval).
func Limit(miss int, interval time.Duration) time.Duration {
	return max(Least, time.Duration(miss)*interval)
}

// Shortest and longest are the bounds of StampEvery.
const (
	Shortest = Least / 4
	longest  = time.Second
)

// StampEvery returns the longest time between two stamps of a loop that runs, where no Limit is less
// than this one: a second, a half or a quarter of one. A loop may be late by twice as long, and by
// 0.75 s at the least, before it counts as hung.
func StampEvery(limit time.Duration) time.Duration {
	every := longest
	for every > max(Shortest, limit/3) {
		every /= 2
	}
	return every
}

// Watch judges a lease for one goroutine that sleeps between its looks. A goroutine
// that wakes much later than it planned was stopped itself (SIGSTOP, a VM's pause), and
// the loop with it: it counts the lease from that wake-up on, lest it takes a pause of
// both for a hung loop. The zero value is ready.
type Watch struct {
	planned time.Time // when the owner means to wake; zero: whenever it is called
	alive   time.Time // the age counts from here at the earliest
}

// Late is how late a wake-up shows that the process itself stood still.
const Late = 250 * time.Millisecond

// Plan notes the instant at which the owner means to wake; zero where it sleeps until
// it is called.
func (w *Watch) Plan(at time.Time) { w.planned = at }

// Woke notes that the owner is awake, before it judges anything.
func (w *Watch) Woke(now time.Time) {
	if !w.planned.IsZero() && now.Sub(w.planned) > Late {
		w.alive = now
	}
}

// Seen notes a sign of life other than the stamp: an order of the loop.
func (w *Watch) Seen(now time.Time) { w.alive = now }

// Age returns how long the loop has given no sign, if it last stamped at stamp.
func (w *Watch) Age(now, stamp time.Time) time.Duration { return now.Sub(w.from(stamp)) }

// Expired reports whether a lease of that limit is lost.
func (w *Watch) Expired(now, stamp time.Time, limit time.Duration) bool {
	return w.Age(now, stamp) >= limit
}

// Expiry returns the instant at which a lease of that limit is lost unless the loop
// gives a sign before.
func (w *Watch) Expiry(stamp time.Time, limit time.Duration) time.Time {
	return w.from(stamp).Add(limit)
}

func (w *Watch) from(stamp time.Time) time.Time {
	if stamp.Before(w.alive) {
		return w.alive
	}
	return stamp
}
