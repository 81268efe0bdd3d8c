package machine

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// A router that resigns on one segment of a group leaves them all, but a pulled
// cable cannot carry its own priority 0. So the resignation cascades to the
// members whose Active last advertised the same priority; and where that Active
// proves to be alive, the two addresses are no longer taken for one router
// (docs/architecture.md#cascade).

// resignation is a priority 0 that was heard.
type resignation struct {
	source netip.Addr
	at     time.Time
	cause  event.Cause
}

// cascade marks a wait that another member's resignation shortened.
type cascade struct {
	from   *member
	by     resignation
	source netip.Addr // the Active of this member, believed gone
}

// pair is two senders that may be one router: its addresses on two members.
type pair struct {
	a, b             int // indices of the members, a < b
	sourceA, sourceB netip.Addr
}

func pairOf(m *member, source netip.Addr, n *member, other netip.Addr) pair {
	if n.index < m.index {
		m, source, n, other = n, other, m, source
	}
	return pair{m.index, n.index, source, other}
}

// pairs are the pairs of senders that a resignation does not connect, and until when; nil
// where there never was one.
type pairs map[pair]time.Time

// outOfStep is how long two addresses count as two routers.
const outOfStep = time.Hour

// split notes that two addresses have proved not to be in step.
func (p *pairs) split(key pair, now time.Time) {
	if *p == nil {
		*p = make(pairs)
	}
	(*p)[key] = now.Add(outOfStep)
}

// apart reports whether two addresses have proved not to be in step.
func (p pairs) apart(key pair, now time.Time) bool {
	until, ok := p[key]
	if ok && !now.Before(until) {
		delete(p, key)
		return false
	}
	return ok
}

// join takes two addresses for those of one router again, and reports whether they were not.
func (p pairs) join(key pair) bool {
	_, ok := p[key]
	delete(p, key)
	return ok
}
