package sim

import (
	"slices"
	"strings"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// World is a LAN of routers and segments in virtual time.
type World struct {
	agenda
	unrest
	Routers  []*Router
	Segments []*Segment // by name
	// Slow is the share of the verifiers' answers that take up to half of the time for which they
	// are waited for.
	Slow float64
	// ReadEach keeps the kernels from dropping adverts that repeat the last one.
	ReadEach bool
	// OnTurn is called after each turn of a router, if set.
	OnTurn func(*Router)
	// OnEvent is called for each event of a router, if set.
	OnEvent func(*Router, event.Event)
	// OnServe is called when an instance of a router begins to serve the stations of its segment,
	// serves them with another configuration, or ceases to, if set.
	OnServe func(r *Router, in *vrrp.Instance, serves bool)
	// OnPower is called when a router is switched on or off, if set.
	OnPower func(r *Router, on bool)
	// onFrame is called for each frame that an instance sends, onHear for each advert that a
	// router accepts and is about to absorb, if set.
	onFrame func(in *instance, m *advert.Message)
	onHear  func(*Router, vrrp.Heard)
	// onFence is called for each fence command that a router runs, onFenced for each result that
	// it is about to absorb, if set.
	onFence  func(*Router, *vrrp.RunFence)
	onFenced func(*Router, *vrrp.Fenced)
}

// NewWorld returns an empty world whose random numbers come from seed.
func NewWorld(seed uint64) *World {
	return &World{agenda: newAgenda(seed), unrest: unrest{disturbed: beginning, broken: beginning}}
}

// AddSegment adds a segment.
func (w *World) AddSegment(name string) *Segment {
	s := &Segment{world: w, name: name}
	w.Segments = append(w.Segments, s)
	slices.SortFunc(w.Segments, func(a, b *Segment) int { return strings.Compare(a.name, b.name) })
	return s
}

// Segment returns the segment with a name.
func (w *World) Segment(name string) *Segment {
	for _, s := range w.Segments {
		if s.name == name {
			return s
		}
	}
	return nil
}

// AddRouter adds a router with a port for each interface of its groups. It is powered off.
func (w *World) AddRouter(name string, groups []vrrp.Group, links map[string]Attachment) *Router {
	r := newRouter(w, name, groups, links)
	w.Routers = append(w.Routers, r)
	return r
}

// disturb records that the LAN is not quiet.
func (w *World) disturb() { w.disturbFor(0) }

// disturbFor records that it will not be quiet before d has passed.
func (w *World) disturbFor(d time.Duration) { w.unrest.disturb(w.now.Add(d)) }

// shift records that a priority has changed, which may move the group and ends no service.
func (w *World) shift() { w.unrest.shift(w.now) }

// intervals returns the shortest and the longest interval of all routers.
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
	_, longest := w.intervals()
	return longest
}

// sameInterval reports whether all routers have the same interval.
func (w *World) sameInterval() bool {
	shortest, longest := w.intervals()
	return shortest == longest
}

// mixed reports whether the routers use two versions.
func (w *World) mixed() bool {
	for _, r := range w.Routers {
		if r.instances[0].Version != w.Routers[0].instances[0].Version {
			return true
		}
	}
	return false
}

// Quiet returns the time since the LAN was last disturbed from outside; while a segment or a port
// does not work properly, a loop hangs, or clocks differ so much that routers reject each other's
// adverts, it is not quiet.
func (w *World) Quiet() time.Duration {
	if w.apart() {
		return 0
	}
	return w.calm()
}

// calm returns the same, but ignores the clocks.
func (w *World) calm() time.Duration {
	for _, r := range w.Routers {
		if r.core != nil && (!r.loop.hung.IsZero() || r.worker.hung) {
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
