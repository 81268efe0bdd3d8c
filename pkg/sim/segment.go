package sim

import "time"

// Segment is a switch. It carries each frame to every port that is plugged in.
type Segment struct {
	name  string
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
	// Host is set if somebody else is on the segment, who answers when asked.
	Host bool
	// tap hears all that is carried, if set.
	tap func(*frame)
}

// carry delivers a frame from one port to all others.
func (s *Segment) carry(from *Port, f *frame) {
	if !from.forwards() || s.chance(from.Mute) {
		return
	}
	if s.tap != nil {
		s.tap(f)
	}
	for _, to := range s.ports {
		if to == from || !f.isFor(to) || s.chance(s.Loss) || s.chance(to.Deaf) {
			continue
		}
		s.deliver(from, to, f)
		if s.chance(s.Twice) {
			s.deliver(from, to, f)
		}
	}
}

// forge delivers a frame that no router of the segment sends now.
func (s *Segment) forge(f *frame) {
	for _, to := range s.ports {
		if to.forwards() && f.isFor(to) {
			to.router.receive(to, f)
		}
	}
}

func (s *Segment) deliver(from, to *Port, f *frame) {
	s.world.After(s.world.between(50*time.Microsecond, 300*time.Microsecond+s.Delay), func() {
		if from.forwards() && to.forwards() {
			to.router.receive(to, f)
			to.meet(from)
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
		if p.Deaf > 0 && !p.noticed && p.router.core != nil || p.Mute > 0 || p.Refuses || p.plugged && !p.forwards() {
			return false
		}
	}
	return !s.cloned()
}

// cloned reports whether two ports of a segment have one address, so that their
// routers take each other's adverts for their own.
func (s *Segment) cloned() bool {
	for i, p := range s.ports {
		for _, o := range s.ports[:i] {
			if p.address == o.address {
				return true
			}
		}
	}
	return false
}
