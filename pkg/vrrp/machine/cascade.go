package machine

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// A router that resigns on one segment of a group leaves all of them, but it cannot send a
// priority 0 through the cable that was pulled. So the resignation cascades to the members whose
// Active last advertised the same priority. If that Active then proves to be alive, the two
// addresses no longer count as one router (docs/architecture.md#cascade).

// resignation is a priority 0 that was heard.
type resignation struct {
	source netip.Addr
	at     time.Time
	cause  event.Cause
}

// cascade records that another member's resignation shortened a wait.
type cascade struct {
	from   *member
	by     resignation
	source netip.Addr // the Active of this member, which counts as gone
}

// pair is two senders that may be one router, with their addresses on two members.
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

// pairs are the pairs of senders that are known to be different routers, and until when; nil if
// there was never one.
type pairs map[pair]time.Time

// distinctFor is how long two senders count as different routers.
const distinctFor = time.Hour

// add records that two senders are different routers.
func (p *pairs) add(key pair, now time.Time) {
	if *p == nil {
		*p = make(pairs)
	}
	(*p)[key] = now.Add(distinctFor)
}

// has reports whether two senders are known to be different routers.
func (p pairs) has(key pair, now time.Time) bool {
	until, ok := p[key]
	if ok && !now.Before(until) {
		delete(p, key)
		return false
	}
	return ok
}

// remove counts two senders as one router again, and reports whether they were known to be
// different.
func (p pairs) remove(key pair) bool {
	_, ok := p[key]
	delete(p, key)
	return ok
}
