package sim

import "time"

// Segment is a switch. It carries each frame to every port that is plugged in.
type Segment struct {
	world *World
	ports []*Port
	// Loss is the share of deliveries that get lost.
	Loss float64
}

// Port is one router's link to a segment.
type Port struct {
	router  *Router
	name    string // of the router's interface
	segment *Segment
	plugged bool
}

// AddSegment makes a segment.
func (w *World) AddSegment(name string) *Segment {
	s := &Segment{world: w}
	w.Segments[name] = s
	return s
}

// carry delivers a frame from one port to all others.
func (s *Segment) carry(from *Port, frame frame) {
	if !from.plugged {
		return
	}
	for _, to := range s.ports {
		if to == from || s.Loss > 0 && s.world.rng.Float64() < s.Loss {
			continue
		}
		s.world.After(s.world.between(50*time.Microsecond, 300*time.Microsecond), func() {
			if from.plugged && to.plugged {
				to.router.receive(to, frame)
			}
		})
	}
}

// Pull takes the cable out: traffic stops at once; the router learns it within
// the period of its confirmer.
func (p *Port) Pull() { p.set(false, 12*time.Millisecond) }

// Plug puts the cable in.
func (p *Port) Plug() { p.set(true, 50*time.Millisecond) }

// Plugged reports whether the cable is in.
func (p *Port) Plugged() bool { return p.plugged }

func (p *Port) set(plugged bool, learnt time.Duration) {
	if p.plugged == plugged {
		return
	}
	p.plugged = plugged
	w := p.segment.world
	w.disturb()
	w.After(w.between(0, learnt), func() { p.router.look(p) })
}
