package adopt

import (
	"fmt"
	"time"

	"ripcord/pkg/vrrp"
)

// Candidate is a group of the configuration, and how what it would have as Active is found on
// the machine.
type Candidate struct {
	*vrrp.Group
	Digest Digest
	// Lacks is what of the addresses, routes, rules and macvlans of its members does not
	// stand; empty if all does.
	Lacks string
}

// Verdict is whether a group is adopted, and if not why.
type Verdict struct {
	// Was is set if the dead daemon was Active: else there is nothing to adopt.
	Was bool
	Why string // why it is not adopted; empty: it is
	// Last is when the last advert left, of the member for which that is longest ago, and Until
	// the instant after which its next one comes too late, both of CLOCK_BOOTTIME.
	Last, Until time.Duration
	Since       time.Duration // when the last of its members became Active
	Priority    uint8         // that it had
}

// Judge decides whether a group may be adopted at the instant now of CLOCK_BOOTTIME.
func (p *Past) Judge(c *Candidate, now time.Duration) (v Verdict) {
	same := true
	for i := range c.Members {
		in := &c.Members[i]
		t := p.traces[hashOf(in.Name)]
		if t.sent == 0 || t.priority == 0 {
			return Verdict{} // it was not Active, or one of its members was so without it
		}
		if until := t.sent + patience(in); i == 0 || until < v.Until {
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
		v.Why = fmt.Sprintf("its last advert left %v ago, and a peer may have lost patience: at most %v", round(now-v.Last), round(v.Until-v.Last))
	case c.Lacks != "":
		v.Why = c.Lacks
	}
	return v
}

// peerMiss is how many adverts a peer misses at the least, unless we are configured to fewer:
// RFC 9568's three.
const peerMiss = 3

// patience returns how old the last advert of an instance may be: half of the shortest
// Active_Down_Interval that a peer may have, whatever its Skew_Time.
func patience(in *vrrp.Instance) time.Duration {
	return time.Duration(min(in.Miss, peerMiss)) * in.Interval / 2
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
