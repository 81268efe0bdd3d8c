package link

import "time"

// creditLasts is how long after a loss was seen the kernel's counter may show it: 2 s until a
// driver's watchdog notices, 1 s until linkwatch announces.
const creditLasts = 3 * time.Second

// losses accounts for the losses of one link: it compares the losses that the kernel has counted
// with those that sources have seen, so that each counts once, whichever source reports it first.
type losses struct {
	up, down uint32    // the kernel's counts in its last description
	credits  int       // losses that were seen and that the kernel has not counted yet
	last     time.Time // when the last of them was seen
	counted  time.Time // when the kernel last counted a loss

	unpublished int       // losses that no fact has reported yet
	published   time.Time // when a fact last reported a loss
}

// newLosses begins with the counts of a link's first description.
func newLosses(s Seen) losses { return losses{up: s.UpCount, down: s.DownCount} }

// older reports whether a description was made before the last one: the kernel's counts never
// decrease.
func (l *losses) older(s Seen) bool {
	return int32(s.DownCount-l.down) < 0 || s.DownCount == l.down && int32(s.UpCount-l.up) < 0
}

// describe records the kernel's counts and returns the losses among them that no source has seen.
func (l *losses) describe(s Seen, at time.Time) (unseen int) {
	lost := int(int32(s.DownCount - l.down))
	l.up, l.down = s.UpCount, s.DownCount
	if lost < 0 {
		return 0 // a dump may find another device under this index
	}
	if lost > 0 {
		l.counted = at
	}
	if at.Sub(l.last) > creditLasts {
		l.credits = 0
	}
	known := min(lost, l.credits)
	l.credits -= known
	return lost - known
}

// see records a loss that a source has seen, unless the kernel has just counted it in a description
// from before its end.
func (l *losses) see(at time.Time) {
	if !at.Equal(l.counted) {
		l.credits, l.last = l.credits+1, at
	}
}

// add adds the losses of a link that was or is usable: the one that the change implies, and those
// that the kernel counted and no source saw. Each of the latter beyond a visible loss is a flap.
func (l *losses) add(was, is bool, unseen int, at time.Time) {
	switch {
	case was && !is:
		if unseen == 0 {
			l.see(at)
		}
		l.unpublished += max(unseen, 1)
	case was:
		l.unpublished += unseen
	}
}

// take returns the losses that the next fact reports. While a loss is delayed they wait: if it ends
// before the delay, it is reported as a flap, so that the hosts learn again where the addresses
// are. Losses of a link that is not usable do not count.
func (l *losses) take(usable, held bool, at time.Time) int {
	if usable && held {
		return 0
	}
	n := l.unpublished
	l.unpublished = 0
	if !usable || n == 0 {
		return 0
	}
	l.published = at
	return n
}
