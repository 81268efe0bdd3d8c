package validate

import (
	"net/netip"
	"time"

	"ripcord/pkg/wire"
)

// replay decides which authentic adverts of a virtual router are new. It knows
// each unicast peer, or the last few senders to the group.
type replay struct {
	window time.Duration // vrrp.HMAC.Window
	marks  []mark
	wall   wire.Wall
}

// senders is the number of routers that are remembered that send to the group: only an
// Active sends.
const senders = 4

// mark is the last sequence of one sender. It moves with authentic adverts only.
type mark struct {
	source   netip.Addr
	accepted wire.Sequence // of the last advert that was believed; 0: none was
	used     time.Time     // when that was
	highest  wire.Sequence // of all that were authentic, believed or not
	// The first of those that were authentic and stale since one was believed.
	began   wire.Sequence
	beganAt time.Time
}

func newReplay(window time.Duration, peers int, wall wire.Wall) replay {
	if peers == 0 {
		peers = senders
	}
	return replay{window: window, marks: make([]mark, peers), wall: wall}
}

// admits reports whether an authentic advert, whose time is ours, is later than all
// before it, and remembers it then. A mark that has left the window around our wall clock
// is void: the clock was set.
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

// alive reports whether an authentic advert whose time is not ours proves that its sender is
// on the air, its clock or ours wrong. A live sender cannot be told from a recording of it by
// one advert, but a recording ends, and what was recorded here was heard here. So an advert
// proves it once, only if it is later than all that were authentic before it, and only if
// their time has gone on as fast as ours since the first: then a recording proves no more
// than the time that it covers, of which none may have been heard here. A sender whose clock
// was set back proves nothing until that has caught up, since all its adverts may be
// recordings.
//
// It takes no mark from a sender that was believed, lest the marks of those can be
// driven out by old adverts.
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

// clock returns the time of the wall clock at the instant at, as an advert bears it.
func (r *replay) clock(at time.Time) wire.Sequence { return wire.SequenceAt(r.wall.At(at)) }

// find returns the mark of a sender, or nil. A free one has no address.
func (r *replay) find(source netip.Addr) *mark {
	for i := range r.marks {
		if r.marks[i].source == source {
			return &r.marks[i]
		}
	}
	return nil
}

// leastUsed returns the mark to give to another sender: a free one, if there is any.
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
