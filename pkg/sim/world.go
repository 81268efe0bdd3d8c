package sim

import (
	"container/heap"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
)

// World is the clock of a simulation and all that is yet to happen.
type World struct {
	now      time.Time
	seq      uint64
	agenda   agenda
	rng      *rand.Rand
	Routers  []*Router
	Segments map[string]*Segment
	// Slow is the share of the verifiers' answers that take until half of the time
	// for which they are waited for.
	Slow float64
	// OnTurn is called after each turn of a router, if set.
	OnTurn func(*Router)
	// OnEvent is called for each event of a router, if set.
	OnEvent func(*Router, event.Event)
	// OnFrame is called for each frame that a router sends, if set.
	OnFrame   func(r *Router, instance string, occasion advert.Occasion)
	disturbed time.Time
}

// NewWorld returns an empty world whose chance comes from seed.
func NewWorld(seed uint64) *World {
	return &World{
		now: time.Unix(0, 0).UTC(), rng: rand.New(rand.NewPCG(seed, 0)),
		Segments: make(map[string]*Segment),
	}
}

// Now is the present instant.
func (w *World) Now() time.Time { return w.now }

// After does f when d has passed.
func (w *World) After(d time.Duration, f func()) {
	w.seq++
	heap.Push(&w.agenda, item{w.now.Add(max(d, 0)), w.seq, f})
}

// endless is how much may happen at one instant before it counts as a loop that
// never ends.
const endless = 100_000

// Run plays until the instant end. It panics where time stands still: a router
// that asks for a Tick again and again would hang the daemon too.
func (w *World) Run(end time.Time) {
	for still := 0; len(w.agenda) > 0 && !w.agenda[0].at.After(end); still++ {
		next := heap.Pop(&w.agenda).(item)
		if next.at.After(w.now) {
			still = 0
		}
		if still == endless {
			panic(fmt.Sprintf("sim: at %v time stands still", w.now.Sub(time.Unix(0, 0))))
		}
		w.now = next.at
		next.do()
	}
	w.now = end
}

// between is a random duration from low to high.
func (w *World) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rng.Int64N(int64(high-low)+1))
}

// disturb notes that the LAN is not quiet.
func (w *World) disturb() { w.disturbed = w.now }

// Quiet is the time since something was last done to the LAN from outside; while
// a segment or a port does not do what it should, a loop hangs, or clocks are so
// far apart that routers do not believe each other, it is not quiet.
func (w *World) Quiet() time.Duration {
	if w.apart() {
		return 0
	}
	return w.calm()
}

// calm is Quiet, whatever the clocks say.
func (w *World) calm() time.Duration {
	for _, r := range w.Routers {
		if r.core != nil && (!r.hung.IsZero() || r.worker.hung) {
			return 0
		}
	}
	for _, s := range w.Segments {
		if !s.sound() {
			return 0
		}
	}
	return w.now.Sub(w.disturbed)
}

// inOrder lists the segments in the order of their names: a run must not depend
// on the order of a map.
func (w *World) inOrder() []*Segment {
	var all []*Segment
	for _, name := range slices.Sorted(maps.Keys(w.Segments)) {
		all = append(all, w.Segments[name])
	}
	return all
}

type item struct {
	at  time.Time
	seq uint64 // what was planned first happens first
	do  func()
}

type agenda []item

// Len, Less, Swap, Push and Pop are heap.Interface.
func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(item)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = item{}
	*a = (*a)[:last]
	return x
}
