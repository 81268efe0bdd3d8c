package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// World is the clock of a simulation and all that is yet to happen.
type World struct {
	now      time.Time
	elapsed  int64 // nanoseconds from the beginning to now
	planned  uint64
	agenda   agenda
	rng      *rand.Rand
	Routers  []*Router
	Segments []*Segment // by their names
	// Slow is the share of the verifiers' answers that take until half of the time
	// for which they are waited for.
	Slow float64
	// OnTurn is called after each turn of a router, if set.
	OnTurn func(*Router)
	// OnEvent is called for each event of a router, if set.
	OnEvent func(*Router, event.Event)
	// onFrame is called for each frame that an instance sends, onHear for each advert
	// that a router believes and is about to absorb, if set.
	onFrame func(in *instance, m *advert.Message)
	onHear  func(*Router, *vrrp.Heard)
	// onFence is called for each fence command that a router runs, onFenced for each result
	// that it is about to absorb, if set.
	onFence   func(*Router, *vrrp.RunFence)
	onFenced  func(*Router, *vrrp.Fenced)
	disturbed time.Time
	// broken is when something was last done that may end the service: anything but
	// a change of a priority.
	broken time.Time
	// external counts what was done to the LAN from outside, and not by a fence.
	external external
	// late is until when frames that lay in a queue may arrive.
	late time.Time
	// readdressed is when the address of a port last changed.
	readdressed time.Time
}

// external is how often something was done to a LAN, and when it last was.
type external struct {
	count  uint64
	at     time.Time
	fenced int // routers that were switched off by a fence since
}

// beginning is the first instant of every world.
var beginning = time.Unix(0, 0).UTC()

// NewWorld returns an empty world whose chance comes from seed.
func NewWorld(seed uint64) *World {
	return &World{now: beginning, disturbed: beginning, broken: beginning, rng: rand.New(rand.NewPCG(seed, 0))}
}

// AddSegment makes a segment.
func (w *World) AddSegment(name string) *Segment {
	s := &Segment{world: w, name: name}
	w.Segments = append(w.Segments, s)
	slices.SortFunc(w.Segments, func(a, b *Segment) int { return strings.Compare(a.name, b.name) })
	return s
}

// Segment returns the segment of a name.
func (w *World) Segment(name string) *Segment {
	for _, s := range w.Segments {
		if s.name == name {
			return s
		}
	}
	return nil
}

// Now returns the present instant.
func (w *World) Now() time.Time { return w.now }

// Elapsed returns the time since the beginning.
func (w *World) Elapsed() time.Duration { return time.Duration(w.elapsed) }

// After does f when d has passed.
func (w *World) After(d time.Duration, f func()) { w.plan(w.elapsed+max(int64(d), 0), f) }

func (w *World) plan(at int64, f func()) {
	w.planned++
	w.agenda.push(item{at, w.planned, f})
}

// endless is how much may happen at one instant before it counts as a loop that
// never ends.
const endless = 100_000

// Run plays until the instant end. It panics where time stands still: a router
// that asks for a Tick again and again would hang the daemon too.
func (w *World) Run(end time.Time) {
	until := int64(end.Sub(beginning))
	for still := 0; len(w.agenda) > 0 && w.agenda[0].at <= until; still++ {
		next := w.agenda.pop()
		if next.at > w.elapsed {
			still = 0
			w.set(next.at)
		}
		if still == endless {
			panic(fmt.Sprintf("sim: at %v time stands still", w.Elapsed()))
		}
		next.do()
	}
	w.set(until)
}

func (w *World) set(elapsed int64) {
	w.elapsed, w.now = elapsed, beginning.Add(time.Duration(elapsed))
}

// between returns a random duration from low to high.
func (w *World) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rng.Int64N(int64(high-low)+1))
}

// disturb notes that the LAN is not quiet.
func (w *World) disturb() { w.disturbFor(0) }

// disturbFor notes that it will not be quiet before d has passed.
func (w *World) disturbFor(d time.Duration) {
	w.external = external{count: w.external.count + 1, at: w.now.Add(d)}
	w.shiftFor(d)
	w.broken = latest(w.broken, w.now.Add(d))
}

// shift notes that a priority has changed, which may move the group and ends no service.
func (w *World) shift() { w.shiftFor(0) }

func (w *World) shiftFor(d time.Duration) { w.disturbed = latest(w.disturbed, w.now.Add(d)) }

// intervals returns the shortest and the longest interval that any router has.
func (w *World) intervals() (shortest, longest time.Duration) {
	for _, r := range w.Routers {
		for _, in := range r.instances {
			if shortest == 0 || in.Interval < shortest {
				shortest = in.Interval
			}
			longest = max(longest, in.Interval)
		}
	}
	return shortest, longest
}

func (w *World) shortest() time.Duration {
	least, _ := w.intervals()
	return least
}

func (w *World) longest() time.Duration {
	_, most := w.intervals()
	return most
}

// alike reports whether all routers have one interval.
func (w *World) alike() bool {
	least, most := w.intervals()
	return least == most
}

// Quiet returns the time since something was last done to the LAN from outside; while
// a segment or a port does not do what it should, a loop hangs, or clocks are so
// far apart that routers do not believe each other, it is not quiet.
func (w *World) Quiet() time.Duration {
	if w.apart() {
		return 0
	}
	return w.calm()
}

// calm returns the same, whatever the clocks say.
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
	return max(w.now.Sub(w.disturbed), 0)
}
