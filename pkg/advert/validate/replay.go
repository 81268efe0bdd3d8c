package validate

import (
	"net/netip"
	"time"

	"ripcord/pkg/wire"
)

// replay decides which authentic adverts of a virtual router are new. It keeps a mark for each
// unicast peer, or for the last few senders to the multicast group.
type replay struct {
	window time.Duration // vrrp.HMAC.Window
	marks  []mark
	wall   wire.Wall
}

// senders is the number of remembered routers that send to the multicast group: only an Active
// sends.
const senders = 4

// mark is the last sequence of one sender. Only authentic adverts change it.
type mark struct {
	source   netip.Addr
	accepted wire.Sequence // of the last accepted advert; 0 if there was none
	used     time.Time     // when that was
	highest  wire.Sequence // the highest sequence of all authentic adverts, accepted or not
	// These are the sequence and the instant of the first advert that was authentic and stale
	// since one was accepted.
	began   wire.Sequence
	beganAt time.Time
}

func newReplay(window time.Duration, peers int, wall wire.Wall) replay {
	if peers == 0 {
		peers = senders
	}
	return replay{window: window, marks: make([]mark, peers), wall: wall}
}

// admits reports whether an authentic advert whose time is within the window is later than all
// earlier ones, and if so records it. A mark that is no longer in the window around our wall
// clock is void: the clock was set.
func (r *replay) admits(source netip.Addr, s wire.Sequence, at time.Time, clock wire.Sequence) bool {
	m := r.find(source)
	if m == nil {
		m = r.leastUsed()
		*m = mark{source: source}
	}
	void := m.accepted == 0 || r.window > 0 && !m.accepted.Within(r.window, clock)
	if !void && !m.accepted.Before(s) {
		return false
	}
	m.accepted, m.used, m.beganAt = s, at, time.Time{}
	if m.highest == 0 || m.highest.Before(s) {
		m.highest = s
	}
	return true
}

// alive reports whether an authentic advert whose time is outside the window proves that its
// sender is present, and that one of the clocks is wrong. One advert is not enough to distinguish
// a live sender from a recording of it, but a recording ends, and adverts that were recorded here
// were also received here. So an advert is such a proof only if it is later than all authentic
// ones before it, and only if the time in the adverts has advanced as fast as ours since the
// first: then a recording proves no more than the time that it covers, none of which may have
// been received here. A sender whose clock was set back proves nothing until its clock has caught
// up, since all its adverts may be recordings.
//
// It never replaces the mark of a sender that was accepted, because otherwise old adverts could
// displace such marks.
func (r *replay) alive(source netip.Addr, s wire.Sequence, at time.Time) bool {
	m := r.find(source)
	if m == nil {
		if m = r.find(netip.Addr{}); m == nil {
			return false
		}
		*m = mark{source: source}
	}
	if m.highest != 0 && !m.highest.Before(s) {
		return false
	}
	if m.beganAt.IsZero() {
		m.began, m.beganAt = s, at
	}
	if ours, theirs := at.Sub(m.beganAt), s.Sub(m.began); ours-theirs > r.window {
		return false
	}
	m.highest = s
	return true
}

// clock returns the time of the wall clock at the instant at, in the form used in adverts.
func (r *replay) clock(at time.Time) wire.Sequence { return wire.SequenceAt(r.wall.At(at)) }

// find returns the mark of a sender, or nil. An unused mark has no address.
func (r *replay) find(source netip.Addr) *mark {
	for i := range r.marks {
		if r.marks[i].source == source {
			return &r.marks[i]
		}
	}
	return nil
}

// leastUsed returns the mark to reuse for another sender: an unused one, if there is any.
func (r *replay) leastUsed() *mark {
	least := &r.marks[0]
	for i := range r.marks {
		m := &r.marks[i]
		if !m.source.IsValid() {
			return m
		}
		if m.used.Before(least.used) {
			least = m
		}
	}
	return least
}
