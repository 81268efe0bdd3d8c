package sim

import (
	"bytes"
	"time"

	"ripcord/pkg/advert/repeats"
	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/repeatfilter"
	"ripcord/pkg/vrrp"
)

// filter is the part of a receiver that makes the kernel drop adverts that repeat the last one:
// the daemon's decisions, on simulated slots. The kernel continues while the process stands
// still.
type filter struct {
	router  *Router
	sockets []*socket
	allowed repeats.Allowed // as the loop has ordered
	orders  []vrrp.Summarize
	wakeUp  *timer
	planned time.Time // when it wakes; zero if it is not set
	image   []byte
	waiting int // frames that arrived while the process stood still, and have not been read
}

// socket receives the adverts of a family on a port.
type socket struct {
	port      *Port
	family    event.Family
	instances []*vrrp.Instance
	slots     [256]*slot // by VRID; nil if adverts are read as they arrive
	runs      repeats.Set
}

// slot is the slot of an instance in the filter of its socket, as in repeatfilter.
type slot struct {
	world            *World
	passed, expected uint64
	count, taken     uint64
	last             time.Duration
	image            []byte
	run              *repeats.Run
}

var _ repeats.Slot = (*slot)(nil)

// noCount is a number of packets that is never reached.
const noCount = ^uint64(0)

// passes is the filter: it reports whether a packet passes.
func (s *slot) passes(image []byte) bool {
	if s.passed == s.expected && bytes.Equal(image, s.image) {
		s.count, s.last = s.count+1, s.world.Elapsed()
		return false
	}
	s.passed++
	return true
}

func (s *slot) Passed() uint64 { return s.passed }
func (s *slot) Forget()        { s.expected = noCount }

func (s *slot) Expect(image []byte, passed uint64) {
	s.image, s.expected = append(s.image[:0], image...), passed
}

func (s *slot) Take(time.Duration) (n uint64, last time.Duration) {
	n, s.taken = s.count-s.taken, s.count
	return n, s.last
}

// start discards the expectations of an earlier run of the router.
func (v *filter) start() {
	v.allowed, v.orders, v.planned, v.waiting = make(repeats.Allowed), nil, time.Time{}, 0
	v.assign()
}

// reconfigure gives the instances of a new configuration slots.
func (v *filter) reconfigure() {
	var before []*vrrp.Instance
	for _, w := range v.sockets {
		before = append(before, w.instances...)
	}
	v.allowed.Keep(before, v.router.configs())
	v.assign()
}

// assign assigns new slots to the instances of the configuration.
func (v *filter) assign() {
	r := v.router
	v.sockets = nil
	if r.world.ReadEach {
		return
	}
	for _, in := range r.instances {
		w := v.socket(in.port, in.Family)
		if w == nil {
			w = &socket{port: in.port, family: in.Family}
			v.sockets = append(v.sockets, w)
		}
		w.instances = append(w.instances, in.Instance)
	}
	for _, w := range v.sockets {
		for _, in := range repeats.Candidates(w.instances) {
			s := &slot{world: r.world, expected: noCount}
			s.run = repeats.NewRun(in, s)
			s.run.Allow(v.allowed[in.Name])
			w.slots[in.VRID] = s
			w.runs.Add(s.run)
		}
	}
}

// socket returns the socket of a family on a port; nil if there is none.
func (v *filter) socket(p *Port, f event.Family) *socket {
	for _, w := range v.sockets {
		if w.port == p && w.family == f {
			return w
		}
	}
	return nil
}

// drops reports whether the kernel drops a frame. The router has heard the advert nevertheless.
func (v *filter) drops(p *Port, f *frame) bool {
	s := v.slotOf(p, f)
	if s == nil {
		return false
	}
	v.image = f.image(v.image[:0])
	if s.passes(v.image) {
		return false
	}
	if w := v.router.world; w.onHear != nil {
		h := s.run.Heard()
		h.Cause.At = w.now
		w.onHear(v.router, h)
	}
	return true
}

// slotOf returns the slot of the instance to which a frame belongs; nil if there is none.
func (v *filter) slotOf(p *Port, f *frame) *slot {
	w, message := v.socket(p, event.FamilyOf(f.path.Source)), f.message()
	if w == nil || len(message) < 2 {
		return nil
	}
	return w.slots[message[1]]
}

// read records a frame that was checked.
func (v *filter) read(p *Port, f *frame, verdict *validate.Verdict) {
	s := v.slotOf(p, f)
	if s == nil {
		return
	}
	v.image = v.image[:0]
	if s.run.Allowed() && verdict.Plain && len(verdict.Events) == 0 {
		v.image = f.image(v.image)
	}
	w := v.socket(p, event.FamilyOf(f.path.Source))
	w.runs.Look()
	w.runs.Read(s.run, v.image, &verdict.Heard)
	if v.waiting == 0 {
		w.runs.Emptied()
	}
	if s.run.Expecting() {
		v.plan(w)
	}
}

// image appends the part of a frame that the filter compares.
func (f *frame) image(b []byte) []byte {
	return repeatfilter.Image(b, event.FamilyOf(f.path.Source), f.data, f.path.Source, f.path.Dest, f.path.HopLimit)
}

// clock returns the present instant on both clocks.
func (v *filter) clock() repeats.Clock {
	w := v.router.world
	return repeats.Clock{Now: w.now, Slot: w.Elapsed()}
}

// take reports all dropped adverts to the loop.
func (v *filter) take() { v.each((*repeats.Set).Take) }

// turn is a turn of the receiver: it carries out the orders of the loop and handles what is due.
func (v *filter) turn() {
	if r := v.router; r.core == nil || r.paused {
		return
	}
	v.planned = time.Time{}
	v.execute()
	v.each((*repeats.Set).Sweep)
	for _, w := range v.sockets {
		v.plan(w)
	}
}

// plan sets the timer for the next turn, if that is sooner for a socket.
func (v *filter) plan(w *socket) {
	if next, ok := w.runs.Next(); ok && (v.planned.IsZero() || next.Before(v.planned)) {
		v.planned = next
		v.wakeUp.set(next.Sub(v.router.world.now))
	}
}

func (v *filter) each(take func(*repeats.Set, repeats.Clock, func(*repeats.Run, vrrp.Heard))) {
	r := v.router
	for _, w := range v.sockets {
		take(&w.runs, v.clock(), func(_ *repeats.Run, h vrrp.Heard) {
			h.Cause = r.minter.Cause(h.Cause.At)
			r.loop.whenRunning(adverts, func() { r.loop.absorb(h) })
		})
	}
}

// order records orders of the loop, which the receiver carries out a little later.
func (v *filter) order(orders []vrrp.Summarize) {
	if len(orders) == 0 {
		return
	}
	v.orders = append(v.orders, orders...)
	v.router.later(orderTakes, v.turn)
}

// orderTakes is how long the receiver takes to carry out an order.
const orderTakes = 200 * time.Microsecond

func (v *filter) execute() {
	orders := v.orders
	v.orders = nil
	for _, o := range orders {
		v.allowed[o.Instance.Name] = o.On
		if w := v.socket(v.router.instance(o.Instance.Name).port, o.Instance.Family); w != nil {
			w.runs.Allow(o)
		}
	}
	if len(orders) > 0 {
		v.take()
	}
}

// stop makes all adverts be read until enough are equal again.
func (v *filter) stop() {
	for _, w := range v.sockets {
		w.runs.Stop()
	}
	v.take()
}
