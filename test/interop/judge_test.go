package interop

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/lan"
	"ripcord/pkg/wire"
)

// span is the time between the first and the last sign of something.
type span struct{ from, to time.Time }

func (x span) length() time.Duration { return x.to.Sub(x.from) }

func longest(spans []span) (d time.Duration) {
	for _, x := range spans {
		d = max(d, x.length())
	}
	return d
}

// sender returns the router that sent an advert, or nil.
func (s *scene) sender(x lan.Advert) router {
	for _, r := range []router{s.ours, s.theirs} {
		if x.MAC == s.cable(r).MAC() || slices.Contains(r.sources(), x.Source) {
			return r
		}
	}
	return nil
}

// contests returns the times since an instant in which both routers advertised as Active, each from
// the first contested advert to the last.
func (s *scene) contests(since time.Time) []span {
	var claims []claim
	for _, x := range s.sniffer.Adverts() {
		if x.At.After(since) && x.Priority > 0 {
			claims = append(claims, claim{x.At, s.sender(x)})
		}
	}
	return contested(claims, 2*s.interval())
}

// claim is an advert of a router that is Active.
type claim struct {
	at time.Time
	by router
}

// contested returns the contests of a list of claims, each from its first contested claim to its
// last. A claim is contested if the author's rival advertises both before and after it, without
// having been silent for as long as quiet, after which a router would count as gone.
func contested(claims []claim, quiet time.Duration) (spans []span) {
	last := make(map[router]time.Time) // claim of each, up to here
	for i, c := range claims {
		rival, before := latest(last, c.by)
		last[c.by] = c.at
		after, ok := next(claims[i+1:], rival)
		switch n := len(spans); {
		case rival == nil || !ok || after.Sub(before) > quiet:
		case n > 0 && c.at.Sub(spans[n-1].to) <= quiet:
			spans[n-1].to = c.at
		default:
			spans = append(spans, span{c.at, c.at})
		}
	}
	return spans
}

func latest(last map[router]time.Time, but router) (who router, at time.Time) {
	for r, t := range last {
		if r != but && t.After(at) {
			who, at = r, t
		}
	}
	return who, at
}

func next(claims []claim, by router) (time.Time, bool) {
	for _, c := range claims {
		if c.by == by {
			return c.at, true
		}
	}
	return time.Time{}, false
}

// answers returns the answers to the client, with the router whose cable they came from, because
// both may have the same MAC.
func (s *scene) answers() (claims []claim) {
	for _, r := range []router{s.ours, s.theirs} {
		for _, f := range s.taps[r].Frames() {
			_, address, ok := wire.ParseARPReply(f.Data)
			if s.ipv6 {
				_, address, _, ok = wire.ParseNA(f.Data)
				ok = ok && f.Destination == s.Cable("client", ifname).MAC() // no announcement to all
			}
			if ok && address == s.asked() {
				claims = append(claims, claim{f.At, r})
			}
		}
	}
	slices.SortStableFunc(claims, func(a, b claim) int { return a.at.Compare(b.at) })
	return claims
}

// bothAnswer returns the longest time since an instant, from the first question to the last, in
// which both routers answered. It returns 0 if the kernel of a router that is not Active still
// answers.
func (s *scene) bothAnswer(since time.Time) time.Duration {
	if s.stale != nil {
		return 0
	}
	const quiet = 100 * time.Millisecond // ten questions
	claims := s.answers()
	return longest(contested(slices.DeleteFunc(claims, func(c claim) bool { return c.at.Before(since) }), quiet))
}

// stalled returns how long this machine did not run since an instant, by the client's questions,
// which follow the clock.
func (s *scene) stalled(since time.Time) (d time.Duration) {
	const noticed = 50 * time.Millisecond
	asked := s.watch.Timeline().Asked
	for i := 1; i < len(asked); i++ {
		if gap := asked[i].Sub(asked[i-1]); asked[i].After(since) && gap > noticed {
			d += gap
		}
	}
	return d
}

// story returns which router sent adverts of which priority, and when.
func (s *scene) story() string {
	var b strings.Builder
	var key string
	var n int
	var at time.Time
	all := s.sniffer.Adverts()
	for i, x := range all {
		this := fmt.Sprintf("%v priority %d to %v", x.Source, x.Priority, x.Destination)
		if this != key {
			if i > 0 {
				fmt.Fprintf(&b, ", %d times until %s\n", n, all[i-1].At.Format("15:04:05.000"))
			}
			key, n, at = this, 0, x.At
			fmt.Fprintf(&b, "%s %s", at.Format("15:04:05.000"), this)
		}
		n++
	}
	if n > 0 {
		fmt.Fprintf(&b, ", %d times until %s", n, all[len(all)-1].At.Format("15:04:05.000"))
	}
	return b.String()
}
