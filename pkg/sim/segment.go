package sim

import (
	"net/netip"
	"time"
)

// Segment is a switch. It carries each frame to every port that is plugged in.
type Segment struct {
	world *World
	ports []*Port
	// Loss is the share of deliveries that get lost, Twice the share that come
	// twice. Delay is how long a frame may lie in a queue on its way, so that
	// frames overtake each other.
	Loss, Twice float64
	Delay       time.Duration
	// Blocked is how long a port forwards nothing after it was plugged in, for a
	// spanning tree.
	Blocked time.Duration
	// Host tells that somebody else is on the segment, who answers when asked.
	Host bool
	// tap hears all that is carried, if set.
	tap func(frame)
}

// Port is one router's link to a segment.
type Port struct {
	router  *Router
	name    string // of the router's interface
	segment *Segment
	own     netip.Addr // its address, but while another router's is there
	plugged bool
	since   time.Time // when it was last pulled or plugged
	opens   time.Time // when it forwards again after the plug
	downs   int       // how often it was pulled

	// Deaf and Mute are the shares of frames that get lost on the way in and out,
	// of a cable that is damaged in one direction. Refuses tells that the kernel
	// refuses to send, as with a firewall.
	Deaf, Mute float64
	Refuses    bool
	noticed    bool      // that it is deaf is known to the receiver
	mended     time.Time // when it last stopped to refuse
	// Late is how long the loss of the carrier may go unnoticed unless the kernel
	// is asked; zero: until the next round of the confirmer.
	Late time.Duration
}

// AddSegment makes a segment.
func (w *World) AddSegment(name string) *Segment {
	s := &Segment{world: w}
	w.Segments[name] = s
	return s
}

// carry delivers a frame from one port to all others.
func (s *Segment) carry(from *Port, frame frame) {
	if !from.forwards() || s.chance(from.Mute) {
		return
	}
	if s.tap != nil {
		s.tap(frame)
	}
	for _, to := range s.ports {
		if to == from || !frame.isFor(to) || s.chance(s.Loss) || s.chance(to.Deaf) {
			continue
		}
		s.deliver(from, to, frame)
		if s.chance(s.Twice) {
			s.deliver(from, to, frame)
		}
	}
}

// forge delivers a frame that no router of the segment sends now.
func (s *Segment) forge(frame frame) {
	for _, to := range s.ports {
		if to.forwards() && frame.isFor(to) {
			to.router.receive(to, frame)
		}
	}
}

func (s *Segment) deliver(from, to *Port, frame frame) {
	s.world.After(s.world.between(50*time.Microsecond, 300*time.Microsecond+s.Delay), func() {
		if from.forwards() && to.forwards() {
			to.router.receive(to, frame)
			to.router.meet(to, from)
		}
	})
}

func (s *Segment) chance(share float64) bool { return share > 0 && s.world.rng.Float64() < share }

// sound reports whether a segment does what a switch should.
func (s *Segment) sound() bool {
	if s.Loss > 0 || s.Twice > 0 || s.Delay > 0 {
		return false
	}
	for _, p := range s.ports {
		if p.Deaf > 0 && !p.noticed || p.Mute > 0 || p.Refuses || p.plugged && !p.forwards() {
			return false
		}
	}
	return !s.cloned()
}

// How long it may take until a router learns of its cable: the period of the
// confirmer, and what the kernel needs to announce a carrier.
const (
	confirmed = 12 * time.Millisecond
	announced = 50 * time.Millisecond
)

// Pull takes the cable out: traffic stops at once; the router learns it within
// the period of its confirmer, or when it asks.
func (p *Port) Pull() { p.set(false, max(confirmed, p.Late)) }

// Plug puts the cable in.
func (p *Port) Plug() { p.set(true, announced) }

// forwards reports whether frames pass through the port.
func (p *Port) forwards() bool { return p.plugged && !p.segment.world.now.Before(p.opens) }

// Plugged reports whether the cable is in.
func (p *Port) Plugged() bool { return p.plugged }

func (p *Port) set(plugged bool, learnt time.Duration) {
	if p.plugged == plugged {
		return
	}
	w := p.segment.world
	p.plugged, p.since = plugged, w.now
	if !plugged {
		p.downs++
	} else if b := p.segment.Blocked; b > 0 {
		p.opens = w.now.Add(b)
		w.After(b, func() {
			if p.opens.Equal(w.now) && p.plugged {
				w.disturb() // others hear it only now
			}
		})
	}
	w.disturb()
	w.After(w.between(0, learnt), func() {
		if learnt > announced {
			w.disturb() // it moves only now
		}
		p.router.look(p)
	})
}
