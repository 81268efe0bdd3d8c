package adopt

import (
	"fmt"
	"time"

	"ripcord/pkg/vrrp"
)

// Candidate is a group of the configuration, with the state of its addresses, routes, rules and
// macvlans on the machine.
type Candidate struct {
	*vrrp.Group
	Digest Digest
	// Lacks names an address, route, rule or macvlan of the members that is not in place; empty
	// if all are.
	Lacks string
}

// Verdict is whether a group is adopted, and if not why.
type Verdict struct {
	// Was is set if the previous daemon was Active: otherwise there is nothing to adopt.
	Was bool
	Why string // why it is not adopted; empty if it is
	// Last is when the last advert left, of the member for which that is longest ago, and Until
	// the instant after which its next one is too late, both of CLOCK_BOOTTIME.
	Last, Until time.Duration
	Since       time.Duration // when the last of its members became Active
	Priority    uint8         // its last priority
}

// Judge decides whether a group may be adopted at the instant now of CLOCK_BOOTTIME.
func (p *Past) Judge(c *Candidate, now time.Duration) (v Verdict) {
	same := true
	for i := range c.Members {
		in := &c.Members[i]
		t := p.traces[hashOf(in.Name)]
		if t.changing {
			return Verdict{Was: true, Since: t.since, Why: "a reload had changed its configuration just before, and it had not advertised since"}
		}
		if t.sent == 0 || t.priority == 0 {
			return Verdict{} // it was not Active, or a member served without its group
		}
		if until := t.sent + maxAge(in); i == 0 || until < v.Until {
			v.Last, v.Until, v.Priority = t.sent, until, t.priority
		}
		v.Since = max(v.Since, min(t.since, t.sent))
		same = same && t.digest == c.Digest
		if t.sent > now {
			v.Why = "the record of its last advert is from the future"
		}
		if t.priority <= c.Impaired() {
			v.Why = "it lacked something of what it should hold"
		}
	}
	v.Was = true
	switch {
	case v.Why != "":
	case !same:
		v.Why = "its configuration has changed since"
	case now >= v.Until:
		v.Why = fmt.Sprintf("its last advert left %v ago, more than the %v after which a peer may take over", round(now-v.Last), round(v.Until-v.Last))
	case c.Lacks != "":
		v.Why = c.Lacks
	}
	return v
}

// peerMiss is the minimum number of adverts that a peer is assumed to miss, unless we are
// configured to fewer: RFC 9568's three.
const peerMiss = 3

// maxAge returns how old the last advert of an instance may be: half of the shortest
// Active_Down_Interval that a peer may have, whatever its Skew_Time.
func maxAge(in *vrrp.Instance) time.Duration {
	return time.Duration(min(in.Miss, peerMiss)) * in.Interval / 2
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
