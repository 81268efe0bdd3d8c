package sim

import "time"

// Segment is a switch. It carries each frame to every plugged port.
type Segment struct {
	name  string
	world *World
	ports []*Port
	// Loss is the share of deliveries that are lost, Twice the share that arrive twice. Delay is
	// how long a frame may be queued on its way, so that frames overtake each other.
	Loss, Twice float64
	// ARPLoss and AdvertLoss are the additional shares of lost ARP requests and answers, and of
	// lost adverts.
	ARPLoss, AdvertLoss float64
	Delay               time.Duration
	// Blocked is how long a port forwards nothing after it was plugged in, because of a spanning
	// tree.
	Blocked time.Duration
	// Host is set if there is another host on the segment, which answers when asked.
	Host bool
	// Proxy is set while that host answers for all machines (proxy ARP).
	Proxy bool
	// sides are the parts of a partitioned segment; nil if it is whole.
	sides map[*Port]int
	// tap receives all carried frames, if set.
	tap func(*frame)
}

// carry delivers a frame from one port to all others.
func (s *Segment) carry(from *Port, f *frame) {
	if !from.forwards() || s.world.chance(from.Mute) {
		return
	}
	if s.tap != nil {
		s.tap(f)
	}
	for _, to := range s.ports {
		if to == from || !f.isFor(to) || s.cut(from, to) || s.world.chance(s.Loss) || s.world.chance(s.AdvertLoss) || s.world.chance(to.Deaf) {
			continue
		}
		s.deliver(from, to, f)
		if s.world.chance(s.Twice) {
			s.deliver(from, to, f)
		}
	}
}

// Partition cuts the segment between groups of ports, and makes it whole again without any.
func (s *Segment) Partition(groups ...[]*Port) {
	s.world.disturb()
	s.sides = nil
	for side, ports := range groups {
		for _, p := range ports {
			if s.sides == nil {
				s.sides = make(map[*Port]int)
			}
			s.sides[p] = side
		}
	}
}

// cut reports whether the partition separates two ports.
func (s *Segment) cut(a, b *Port) bool { return s.sides != nil && s.sides[a] != s.sides[b] }

// SetLoss sets the share of lost deliveries.
func (s *Segment) SetLoss(share float64) {
	s.world.disturb()
	s.Loss = share
	for _, p := range s.ports {
		review(p.instances)
	}
}

// SetDelay sets how long frames may be queued.
func (s *Segment) SetDelay(long time.Duration) {
	s.world.disturb()
	s.Delay = long
}

// forge delivers a frame that no router of the segment sends now.
func (s *Segment) forge(f *frame) {
	for _, to := range s.ports {
		if to.forwards() && f.isFor(to) {
			to.router.receiver.receive(to, f)
		}
	}
}

func (s *Segment) deliver(from, to *Port, f *frame) {
	s.world.After(s.transit(), func() {
		if from.forwards() && to.forwards() {
			to.router.receiver.receive(to, f)
			to.meet(from)
		}
	})
}

// transit returns how long a frame takes.
func (s *Segment) transit() time.Duration {
	return s.world.between(50*time.Microsecond, 300*time.Microsecond+s.Delay)
}

// sound reports whether a segment works as a switch should.
func (s *Segment) sound() bool {
	if s.sides != nil || s.Loss > 0 || s.ARPLoss > 0 || s.AdvertLoss > 0 || s.Twice > 0 || s.Delay > 0 {
		return false
	}
	for _, p := range s.ports {
		if p.Deaf > 0 && !p.noticed && p.router.core != nil || p.Mute > 0 || p.Refuses || p.usable() && !p.forwards() {
			return false
		}
	}
	return !s.cloned()
}

// cloned reports whether two ports of a segment have the same address, so that their routers take
// each other's adverts for their own.
func (s *Segment) cloned() bool {
	for i, p := range s.ports {
		for _, o := range s.ports[:i] {
			if p.sources.meet(o.sources) {
				return true
			}
		}
	}
	return false
}
