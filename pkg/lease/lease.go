// Package lease is the permission to act that the router's loop renews for the goroutines that
// act for it, so that a daemon whose loop hangs releases the addresses and stops its adverts
// (docs/architecture.md#lease).
package lease

import (
	"sync/atomic"
	"time"
)

// Lease is an instant, which the loop stamps at each turn and at least once in each StampEvery.
// Any goroutine may stamp and read it.
type Lease struct {
	base time.Time
	last atomic.Int64 // nanoseconds since base
}

// Least is the shortest time after which a silent loop counts as hung: no Limit is shorter.
const Least = time.Second

// New returns a lease that counts as stamped at base, an instant with a monotonic reading.
func New(base time.Time) *Lease { return &Lease{base: base} }

// Stamp records that the loop ran at now.
func (l *Lease) Stamp(now time.Time) { l.last.Store(int64(now.Sub(l.base))) }

// Last returns the instant of the last stamp.
func (l *Lease) Last() time.Time { return l.base.Add(time.Duration(l.last.Load())) }

// Age returns the time since the last stamp.
func (l *Lease) Age(now time.Time) time.Duration { return now.Sub(l.Last()) }

// Limit returns the age at which the lease of an instance is lost: max(Least, miss × interval).
func Limit(miss int, interval time.Duration) time.Duration {
	return max(Least, time.Duration(miss)*interval)
}

// Shortest and longest are the bounds of StampEvery.
const (
	Shortest = Least / 4
	longest  = time.Second
)

// StampEvery returns the longest time between two stamps of a running loop whose shortest Limit
// is the given one: a second, a half or a quarter of one. A loop may be late by twice that time,
// and by at least 0.75 s, before it counts as hung.
func StampEvery(limit time.Duration) time.Duration {
	every := longest
	for every > max(Shortest, limit/3) {
		every /= 2
	}
	return every
}

// Watch checks a lease for one goroutine that sleeps between its checks. A goroutine that wakes
// much later than planned was itself stopped (SIGSTOP, a VM's pause), and the loop with it: then
// it counts the age of the lease from that wake-up on, so that a pause of both does not count as
// a hung loop. The zero value is ready.
type Watch struct {
	planned time.Time // when the owner plans to wake; zero if it waits for a call
	alive   time.Time // the age counts from this instant at the earliest
}

// Late is how late a wake-up must be to show that the process itself did not run.
const Late = 250 * time.Millisecond

// Plan records the instant at which the owner plans to wake; zero if it sleeps until it is
// called.
func (w *Watch) Plan(at time.Time) { w.planned = at }

// Woke records that the owner is awake; it is called before any check.
func (w *Watch) Woke(now time.Time) {
	if !w.planned.IsZero() && now.Sub(w.planned) > Late {
		w.alive = now
	}
}

// Seen records a sign of life other than the stamp: an order of the loop.
func (w *Watch) Seen(now time.Time) { w.alive = now }

// Age returns how long the loop has shown no sign of life, if stamp is its last stamp.
func (w *Watch) Age(now, stamp time.Time) time.Duration { return now.Sub(w.from(stamp)) }

// Expired reports whether a lease with the given limit is lost.
func (w *Watch) Expired(now, stamp time.Time, limit time.Duration) bool {
	return w.Age(now, stamp) >= limit
}

// Expiry returns the instant at which a lease with the given limit is lost unless the loop shows
// a sign of life before.
func (w *Watch) Expiry(stamp time.Time, limit time.Duration) time.Time {
	return w.from(stamp).Add(limit)
}

func (w *Watch) from(stamp time.Time) time.Time {
	if stamp.Before(w.alive) {
		return w.alive
	}
	return stamp
}
