package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// agenda is the virtual time of a world, the actions planned in it, and its random numbers.
type agenda struct {
	now     time.Time
	elapsed int64 // nanoseconds from the beginning to now
	planned uint64
	due     heap
	rng     *rand.Rand
}

// beginning is the first instant of every world: the epoch, with a monotonic reading like all
// instants of the daemon, which makes comparisons faster.
var beginning = func() time.Time {
	now := time.Now()
	return now.Add(-time.Duration(now.UnixNano()))
}()

func newAgenda(seed uint64) agenda {
	return agenda{now: beginning, rng: rand.New(rand.NewPCG(seed, 0))}
}

// Now returns the present instant.
func (a *agenda) Now() time.Time { return a.now }

// Elapsed returns the time since the beginning.
func (a *agenda) Elapsed() time.Duration { return time.Duration(a.elapsed) }

// After calls f when d has passed.
func (a *agenda) After(d time.Duration, f func()) { a.plan(a.elapsed+max(int64(d), 0), f) }

func (a *agenda) plan(at int64, f func()) {
	a.planned++
	a.due.push(item{at, a.planned, f})
}

// endless is how many actions at one instant count as an endless loop.
const endless = 100_000

// Run plays until the instant end. It panics if time stands still: a router that asks for a Tick
// again and again would hang the daemon too.
func (a *agenda) Run(end time.Time) {
	until := int64(end.Sub(beginning))
	for still := 0; len(a.due) > 0 && a.due[0].at <= until; still++ {
		next := a.due.pop()
		if next.at > a.elapsed {
			still = 0
			a.set(next.at)
		}
		if still == endless {
			panic(fmt.Sprintf("sim: at %v time stands still", a.Elapsed()))
		}
		next.do()
	}
	a.set(until)
}

func (a *agenda) set(elapsed int64) {
	a.elapsed, a.now = elapsed, beginning.Add(time.Duration(elapsed))
}

// between returns a random duration from low to high.
func (a *agenda) between(low, high time.Duration) time.Duration {
	return low + time.Duration(a.rng.Int64N(int64(high-low)+1))
}

// chance returns true with a probability of share.
func (a *agenda) chance(share float64) bool { return share > 0 && a.rng.Float64() < share }

// heap holds the planned actions, the soonest first. It holds values and does not use
// container/heap's interface, which would allocate for each of them: a simulation spends most of
// its time here.
type heap []item

// item is an action planned for an instant.
type item struct {
	at  int64  // nanoseconds since the beginning of the world
	seq uint64 // of two actions at one instant, the one planned first happens first
	do  func()
}

func (x *item) before(y *item) bool { return x.at < y.at || x.at == y.at && x.seq < y.seq }

func (q *heap) push(x item) {
	h := append(*q, x)
	*q = h
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

func (q *heap) pop() item {
	h := *q
	first, last := h[0], len(h)-1
	x := h[last]
	h[last] = item{}
	h = h[:last]
	*q = h
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

// timer calls a function at the instant to which it was last set. A timer that is postponed again
// and again, as each advert postpones a takeover, keeps its item in the agenda, and only then
// checks whether its instant has come.
type timer struct {
	agenda *agenda
	do     func()
	wake   func()
	at     int64 // when it is to act
	queued int64 // the instant of its item in the agenda; 0 if it has none
}

// newTimer returns a timer that is not set.
func (a *agenda) newTimer(do func()) *timer {
	t := &timer{agenda: a, do: do}
	t.wake = t.woke
	return t
}

// set makes the timer act when d has passed, and not at the instant set before.
func (t *timer) set(d time.Duration) {
	t.at = t.agenda.elapsed + max(int64(d), 0)
	if t.queued == 0 || t.at < t.queued {
		t.queue()
	}
}

// stop cancels the timer.
func (t *timer) stop() { t.at = 0 }

func (t *timer) queue() {
	t.queued = t.at
	t.agenda.plan(t.at, t.wake)
}

func (t *timer) woke() {
	switch now := t.agenda.elapsed; {
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
