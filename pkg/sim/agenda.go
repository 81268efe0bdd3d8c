package sim

import "time"

// agenda is all that is yet to happen, a heap with the soonest first. It holds values
// and not container/heap's interface, which would allocate for each of them: this is
// where a simulation spends its time.
type agenda []item

// item is something to do at an instant.
type item struct {
	at  int64  // nanoseconds since the beginning of the world
	seq uint64 // of two at one instant the one that was planned first happens first
	do  func()
}

func (x *item) before(y *item) bool { return x.at < y.at || x.at == y.at && x.seq < y.seq }

func (a *agenda) push(x item) {
	h := append(*a, x)
	*a = h
	at := len(h) - 1
	for at > 0 {
		parent := (at - 1) / 2
		if !x.before(&h[parent]) {
			break
		}
		h[at] = h[parent]
		at = parent
	}
	h[at] = x
}

func (a *agenda) pop() item {
	h := *a
	first, last := h[0], len(h)-1
	x := h[last]
	h[last] = item{}
	h = h[:last]
	*a = h
	if last == 0 {
		return first
	}
	at := 0
	for {
		child := 2*at + 1
		if child >= last {
			break
		}
		if right := child + 1; right < last && h[right].before(&h[child]) {
			child = right
		}
		if !h[child].before(&x) {
			break
		}
		h[at] = h[child]
		at = child
	}
	h[at] = x
	return first
}

// timer does something at the instant to which it was last set. A timer that is put off
// again and again, as each advert puts off a takeover, stays in the agenda where it is,
// and looks only there whether its time has come.
type timer struct {
	world  *World
	do     func()
	wake   func()
	at     int64 // when it is to act
	queued int64 // when it stands in the agenda; 0: it does not, or not any more
}

// newTimer returns a timer that is not set.
func (w *World) newTimer(do func()) *timer {
	t := &timer{world: w, do: do}
	t.wake = t.woke
	return t
}

// set makes the timer act when d has passed, and not at the instant set before.
func (t *timer) set(d time.Duration) {
	t.at = t.world.elapsed + max(int64(d), 0)
	if t.queued == 0 || t.at < t.queued {
		t.queue()
	}
}

// stop makes it not act.
func (t *timer) stop() { t.at = 0 }

func (t *timer) queue() {
	t.queued = t.at
	t.world.plan(t.at, t.wake)
}

func (t *timer) woke() {
	switch now := t.world.elapsed; {
	case t.queued != now: // it was set to an earlier instant since
	case t.at > now:
		t.queue()
	case t.at == now:
		t.queued = 0
		t.do()
	default:
		t.queued = 0
	}
}
