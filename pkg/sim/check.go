package sim

import (
	"fmt"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Check watches a world of routers with one group each, alike on all, and
// collects what must not be (docs/architecture.md#invariants).
//
// Of each router, after each of its turns:
//
//	whole      its adverts and its addresses follow the state of its group
//	linked     it is not Active if it knows that one of its links is down, or what it
//	           tracks, nor while it is released
//	weighed    its priority, and that of its adverts, is what its configuration and what it
//	           tracks make it, or 1 while it lacks something
//	last       a member that serves without its group has no fault of its own, and is
//	           advertised with priority 1
//	silent     it sends no advert of an instance that was ordered to fall silent, and no
//	           probe while it serves
//
// Of a router that becomes Active:
//
//	verified   it has asked its links
//	forwarding its segments forward, or it has waited for long enough
//	alone      there is no Active that it may not preempt, in quiet times, whether
//	           it believes its adverts or not; none it must yield to was heard within miss
//	           intervals, at any time
//	awake      it did not just sleep for longer than an interval beside an Active that lives
//	delayed    its startup_delay and preempt_delay are over
//	rested     it was not for its Skew_Time at least
//	fenced     its fence has succeeded since the Active was last heard that fell silent, or
//	           has failed and need not succeed
//
// Of a router that runs its fence command:
//
//	fences     it is Backup, and no command of its runs; the Active that it fences was heard
//	           since the router was Active, did not resign, and nobody else is heard; and a
//	           station has answered on each of its links since then
//
// Of the LAN, after each turn of any router:
//
//	one        there are not two Actives, in quiet times
//	served     somebody serves if somebody could, in quiet times; and all the time where
//	           nothing but priorities has changed, if somebody did by then or could
//	replaced   an Active that lowers its priority below that of a Backup which may preempt
//	           is replaced by it within its Skew_Time
//	moved      no router moves more than a few times for one disturbance
//
// And at the end of each quiet time: the best router that is healthy is Active, and no
// other, and since they came to rest none has moved.
type Check struct {
	World      *World
	Violations []string
	Takeovers  int // how often any became Active
	Alone      int // turns of a router with a member that served without its group
	Fenced     int // how often any ran its fence command, and it succeeded

	routers  []record       // by their places
	since    [][2]time.Time // by segment and version: since when there are two Actives; zero: there are not
	unserved time.Time      // since when nobody serves; zero: somebody does
	dropped  bool           // nothing but priorities had changed by then
}

// record is what is known of a router.
type record struct {
	life        int         // of the router
	active      bool        // at its last turn
	activeSince time.Time   // since when it is Active, if it is
	leftAt      time.Time   // when it last ceased to be
	faulty      bool        // in Initialize or Fault at its last turn
	ready       time.Time   // since when it is not, or has yielded after a stall: its preempt_delay begins then
	rival       time.Time   // when it last reported an Active of another version
	priority    uint8       // at its last turn; 0: it had none
	resigned    []time.Time // by instance: when it sent priority 0; zero: or an advert since
	heard       [][]heard   // by instance and sender
	fence       fencing
	moves       moves
	changed     time.Time // when its priority last changed
}

// crossing is how long a preempted Active and its successor may both be Active
// at any time: until the first advert has crossed the segment.
const crossing = time.Millisecond

// fresh is how old the answers of the verifiers may be at a takeover.
const fresh = 7 * time.Millisecond

// NewCheck returns a check that sees all that happens in a world, all of whose routers
// are made.
func NewCheck(w *World) *Check {
	c := &Check{World: w, routers: make([]record, len(w.Routers)), since: make([][2]time.Time, len(w.Segments))}
	for i, r := range w.Routers {
		c.routers[i].resigned, c.routers[i].heard = make([]time.Time, len(r.all)), make([][]heard, len(r.all))
	}
	w.OnTurn, w.OnEvent, w.onFrame, w.onHear = c.turn, c.Event, c.frame, c.hear
	w.onFence, w.onFenced = c.ranFence, c.endedFence
	return c
}

// turn checks a router after its turn, and the LAN with it.
func (c *Check) turn(r *Router) {
	rec, active := &c.routers[r.at], r.active()
	if rec.life != r.life {
		c.begin(r, rec)
	}
	c.whole(r, active)
	priority := rec.priority
	c.note(r, rec)
	if active && !rec.active {
		c.Takeovers++
		c.takeover(r, priority)
		rec.activeSince = c.World.now
	}
	if rec.active && !active {
		rec.leftAt = c.World.now
	}
	rec.active = active
	c.oneActive()
	c.served()
}

// begin forgets what a router knew before it was started.
func (c *Check) begin(r *Router, rec *record) {
	rec.life, rec.fence = r.life, fencing{}
	for i := range rec.heard {
		rec.heard[i] = rec.heard[i][:0]
	}
}

// whole checks that the instances of a router follow the state of its group, and that
// it does not serve without a link.
func (c *Check) whole(r *Router, active bool) {
	hold := active && !r.group().Confirming() // else it has advertised, and the addresses wait
	for _, in := range r.gone() {
		if in.held || in.advertised {
			c.violate("%s has no %s any more: held %v, advertised %v", r.Name, in.Name, in.held, in.advertised)
		}
	}
	if active && (r.barred(r.knowledge) || r.released) {
		c.violate("%s is Active although it is released (%v) or knows that what it tracks has failed", r.Name, r.released)
	}
	if p, want := r.group().Priority(), r.weighed(); p != want && !(p == r.cfg[0].Impaired() && r.mayBeImpaired()) {
		c.violate("%s has priority %d, and what it tracks makes it %d", r.Name, p, want)
	}
	for _, in := range r.instances {
		if in.alone() {
			c.last(r, in)
			continue
		}
		stood := in.held && active && r.cfg[0].LastStanding // alone, before its group took over
		if in.held != hold && !stood || in.advertised != active {
			c.violate("%s is half moved: group %v, %s held %v, advertised %v", r.Name, r.group().State(), in.Name, in.held, in.advertised)
		}
		if active && !in.port.known {
			c.violate("%s is Active although it knows that %s is down", r.Name, in.Interface)
		}
	}
}

// note notes since when a router is neither at its start nor in Fault. When its priority
// changes, what was heard of it before counts no more.
func (c *Check) note(r *Router, rec *record) {
	s := r.group().State()
	faulty := s == event.Initialize || s == event.Fault
	if rec.faulty && !faulty {
		rec.ready = c.World.now
	}
	rec.faulty = faulty
	p := r.priority()
	if rec.priority != 0 && rec.priority != p {
		rec.changed = c.World.now
		c.World.shift()
		if r.active() && rec.active && p < rec.priority {
			c.demoted(r, rec.priority)
		}
	}
	rec.priority = p
}

// frame checks what a router sends: no advert of an instance that was ordered to
// fall silent, but what leaves in the same turn ahead of its priority 0, and probes of
// a router in Fault.
func (c *Check) frame(in *instance, m *advert.Message) {
	r, resigned, occasion := in.router, &c.routers[in.router.at].resigned[in.at], m.Occasion
	if occasion == advert.Trial {
		if in.advertised || in.held {
			c.violate("%s probes for %s, and serves", r.Name, in.Name)
		}
		return
	}
	resigns := occasion == advert.Resignation
	switch {
	case !resigns && (in.advertised || !in.armed.IsZero() && !c.World.now.Before(in.armed)):
		*resigned = time.Time{}
		want := r.group().Priority()
		if in.alone() {
			want = vrrp.Impaired
		}
		if p := m.Payload[priorityAt]; p != want {
			c.violate("%s advertises %s with priority %d, and has %d", r.Name, in.Name, p, want)
		}
	case !resigns && (!resigned.IsZero() && !in.begun.After(*resigned) || c.World.now.After(in.silenced)):
		c.violate("%s advertises %s, and was ordered not to", r.Name, in.Name)
	case resigns:
		*resigned = c.World.now
	}
}

// priorityAt is where the priority stands in an advert.
const priorityAt = 2

// Event checks what a router logs: in a LAN whose routers are configured alike,
// nothing is rejected but what is old or of another version.
func (c *Check) Event(r *Router, e event.Event) {
	c.fenceEvent(r, e)
	switch e := e.(type) {
	case event.AdvertRejected:
		old := e.Reason == string(wire.AuthStale) || e.Reason == string(wire.AuthReplay)
		foreign := e.Reason == string(wire.VersionError) && c.World.mixed()
		// A group that has left a virtual router knows neither its VRID nor its key.
		left := (e.Reason == string(wire.VRIDError) || e.Reason == string(wire.PacketLengthError)) &&
			(len(r.gone()) > 0 || c.World.now.Sub(r.lacked) < time.Minute)
		stolen := e.Reason == string(wire.NotAPeer) && stolen(r, e)
		if !(old && r.instances[0].HMAC != nil) && !foreign && !left && !stolen {
			c.violate("%s: %s", r.Name, e.Message())
		}
	case event.GroupTransition:
		c.moved(r)
		if e.Reason == event.StalledLoop {
			c.routers[r.at].ready = c.World.now
		}
	case event.AdvertRival:
		if e.Version != 0 {
			c.routers[r.at].rival = c.World.now
		}
	}
}

// stolen reports whether an advert bears the address that a router is configured with, and
// does not have as far as it knows: another one sends from it since it was cloned, and no
// router is a peer of its own.
func stolen(r *Router, e event.AdvertRejected) bool {
	p := r.Port(e.Interface)
	return e.Source == p.own && p.seen.Primary4 != p.own && p.seen.LinkLocal6 != p.own
}

// mixed reports whether the routers speak two versions.
func (w *World) mixed() bool {
	for _, r := range w.Routers {
		if r.instances[0].Version != w.Routers[0].instances[0].Version {
			return true
		}
	}
	return false
}

// most is how many violations are kept: the first ones explain the others.
const most = 20

func (c *Check) violate(format string, args ...any) {
	if len(c.Violations) < most {
		c.Violations = append(c.Violations, fmt.Sprintf("%v: ", c.World.Elapsed())+fmt.Sprintf(format, args...))
	}
}
