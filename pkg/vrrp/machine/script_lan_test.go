package machine

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// lan is the routers of a script and the wires between them, in virtual time.
type lan struct {
	now     time.Time
	begin   time.Time
	minter  *event.Minter
	tickets Tickets
	routers []*router
	frames  []frame // in transit, in the order of arrival
	trace   []string
	// summaries makes the trace show which adverts are summarized.
	summaries bool
	// records makes the trace show which Actives are recorded.
	records bool
}

const latency = time.Millisecond

// frame is an advert in transit.
type frame struct {
	at   time.Time
	to   *router
	from string
	vrrp.Heard
}

// router is one router of a script: a machine, and its executors.
type router struct {
	name    string
	group   vrrp.Group
	m       *Machine
	links   []event.Link
	seen    []event.Link // as they were last seen
	seq     uint64
	sending []*sending
	silent  bool // the verifiers do not answer unless the script says so
	asked   []uint64
	fences  []uint64        // tickets of the fence commands
	mute    bool            // the engine does not report the outcome of a first advert
	lose    map[string]int  // frames to lose, by member
	cut     map[string]bool // links
}

// sending is an instance that is advertised.
type sending struct {
	vrrp.Advertise
	due time.Time
}

func newLAN() *lan {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &lan{now: begin, begin: begin, minter: event.NewMinter(0)}
}

// until advances the time to end and performs everything that is due: frames arrive before timers
// end.
func (l *lan) until(end time.Time) error {
	for turns := 0; ; turns++ {
		next := end.Add(1)
		for _, f := range l.frames {
			next = earlier(next, f.at)
		}
		for _, r := range l.routers {
			for _, s := range r.sending {
				next = earlier(next, s.due)
			}
			if at, ok := r.machine(l).Deadline(); ok {
				next = earlier(next, at)
			}
		}
		if next.After(end) {
			l.now = end
			return nil
		}
		if turns > 100_000 {
			return fmt.Errorf("a deadline of %v comes again and again", l.now.Sub(l.begin))
		}
		if next.After(l.now) {
			l.now = next
		}
		l.turn()
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// turn performs everything that is due now.
func (l *lan) turn() {
	for len(l.frames) > 0 && !l.frames[0].at.After(l.now) {
		f := l.frames[0]
		l.frames = l.frames[1:]
		if oldest := l.now.Add(-time.Second); f.Cause.At.Before(oldest) {
			f.Cause.At = oldest // the receiver reports no greater age
		}
		l.step(f.to, fmt.Sprintf("hears %s of %s, priority %d", f.Instance, f.from, f.Priority), f.Heard)
	}
	for _, r := range l.routers {
		for _, s := range slices.Clone(r.sending) {
			if !s.due.After(l.now) {
				l.send(r, s, s.Priority)
			}
		}
		if at, ok := r.m.Deadline(); ok && !at.After(l.now) {
			l.step(r, "tick", vrrp.Tick{Cause: l.minter.Cause(l.now)})
		}
	}
}

// step gives a router an input, adds the effects to the trace and carries them out.
func (l *lan) step(r *router, what string, in vrrp.Input) {
	effects := r.machine(l).Step(l.now, in)
	if said := describe(l, effects); said != "" {
		l.say(r, what, said)
	}
	for _, e := range effects {
		l.carryOut(r, e)
	}
}

func (l *lan) say(r *router, what, said string) {
	head := l.now.Sub(l.begin).String()
	if len(l.routers) > 1 {
		head += " " + r.name
	}
	if what != "" {
		head += " " + what
	}
	l.trace = append(l.trace, head+" -> "+said)
}

func (l *lan) carryOut(r *router, e vrrp.Effect) {
	switch e := e.(type) {
	case vrrp.Advertise:
		if s := r.sends(e.Instance); s != nil {
			s.Advertise = e
			return
		}
		s := &sending{Advertise: e}
		r.sending = append(r.sending, s)
		l.send(r, s, e.Priority)
		if !r.mute {
			l.step(r, "first advert has left", vrrp.Probed{Cause: l.minter.Cause(l.now), Instance: e.Instance.Name})
		}
	case vrrp.AdvertiseNow:
		l.send(r, r.sends(e.Instance), r.sends(e.Instance).Priority)
	case vrrp.Resign:
		l.send(r, r.sends(e.Instance), 0)
		r.silence(e.Instance)
	case vrrp.Mute:
		r.silence(e.Instance)
	case vrrp.RunFence:
		r.fences = append(r.fences, e.Ticket)
	case vrrp.Verify:
		r.asked = append(r.asked, e.Ticket)
		if !r.silent {
			l.step(r, "receiver answers", vrrp.Answered{Ticket: e.Ticket, By: vrrp.Receiver})
			l.step(r, "confirmer answers", vrrp.Answered{Ticket: e.Ticket, By: vrrp.Confirmer})
		}
	}
}

// send puts an advert on the wires to all routers that have a member of the same name.
func (l *lan) send(r *router, s *sending, priority uint8) {
	s.due = l.now.Add(cmp.Or(s.Interval, s.Instance.Interval))
	name := s.Instance.Name
	if r.lose[name] > 0 {
		r.lose[name]--
		return
	}
	for _, to := range l.routers {
		i := slices.IndexFunc(to.group.Members, func(in vrrp.Instance) bool { return in.Name == name })
		if to == r || i < 0 || r.cut[s.Instance.Interface] || to.cut[to.group.Members[i].Interface] {
			continue
		}
		at := l.now.Add(latency)
		l.frames = append(l.frames, frame{at, to, r.name, vrrp.Heard{
			Cause: l.minter.Cause(at), Instance: name, Source: s.Source, Version: s.Instance.Version, Priority: priority,
			Interval: s.Instance.Interval, Checksum: s.Checksum,
		}})
	}
}

func (r *router) sends(in *vrrp.Instance) *sending {
	for _, s := range r.sending {
		if s.Instance.Name == in.Name {
			return s
		}
	}
	return nil
}

func (r *router) silence(in *vrrp.Instance) {
	r.sending = slices.DeleteFunc(r.sending, func(s *sending) bool { return s.Instance.Name == in.Name })
}

// machine returns the machine of a router, which is created when its configuration is complete.
func (r *router) machine(l *lan) *Machine {
	if r.m == nil {
		r.m = New(r.group, &l.tickets, l.now)
	}
	return r.m
}

func (r *router) link(name string) *event.Link {
	for i := range r.links {
		if r.links[i].Name == name {
			return &r.links[i]
		}
	}
	r.links = append(r.links, event.Link{Name: name, Index: len(r.links) + 2})
	return &r.links[len(r.links)-1]
}

var checksums = map[string]wire.Checksum{"rfc9568": wire.MessageOnly, "pseudo-header": wire.PseudoHeader}
