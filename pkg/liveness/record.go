package liveness

import (
	"math/bits"
	"time"

	"ripcord/pkg/vrrp"
)

const (
	// remembered is how many of the last questions count, and least how many answers there
	// have to be among them.
	remembered = 100
	least      = 20
	// regularly is the share of them, in percent, that has to be answered.
	regularly = 95
	// hurry is how many times as often a machine is asked once an answer is missing, so that
	// random loss is not taken for death: with miss: 3 there are 17 questions, and a LAN that
	// loses a fifth of all frames lets all of them or their answers get lost once in 10^8 times.
	hurry = 8
	// hurryFor is for how many intervals beyond that.
	hurryFor = 4
)

// Record judges one machine by its answers. The zero value is one that was never asked; Watching
// has to be set.
//
// A question is open from Asked until Judge, which takes whether an answer was heard since.
type Record struct {
	vrrp.Watching
	// last has a bit for each of the last questions, the newest lowest: whether it was
	// answered; asked is how many of them there were, remembered at most.
	last  [2]uint64
	asked int
	// open is the instant of the question that is open; zero if there is none.
	open time.Time
	// since is the instant of the first question without an answer after the last answer, zero
	// if there is none; silent is for how long the machine was asked in vain since, and
	// unanswered by how many questions.
	since      time.Time
	silent     time.Duration
	unanswered int
	// regular reports whether the machine answered regularly before since.
	regular bool
}

// Asked notes that a question has left at the instant at.
func (r *Record) Asked(at time.Time) { r.open = at }

// Judge ends the question that is open, if there is one: it was answered, or no answer was heard
// by the instant now. An answer without a question shows life as well.
func (r *Record) Judge(now time.Time, answered bool) {
	open := r.open
	r.open = time.Time{}
	switch {
	case answered:
		if r.Suspect() {
			r.clear()
		}
		if !open.IsZero() {
			r.note(true)
		}
	case open.IsZero():
	default:
		r.miss(open, now)
	}
}

// miss notes that a question that left at the instant open has no answer by now.
func (r *Record) miss(open, now time.Time) {
	if !r.Suspect() {
		r.since, r.regular = open, r.Regular()
	}
	hurried := now.Sub(open) < r.Interval/2
	if !hurried || r.unanswered%hurry == 0 { // as many count as there were at the usual pace
		r.note(false)
	}
	r.silent += max(now.Sub(open), 0)
	r.unanswered++
}

// note remembers the outcome of a question at the usual pace.
func (r *Record) note(answered bool) {
	r.last[1] = r.last[1]<<1 | r.last[0]>>63
	r.last[0] <<= 1
	if answered {
		r.last[0] |= 1
	}
	r.asked = min(r.asked+1, remembered)
}

// Void drops the question that is open, and forgets the silence so far: what was heard meanwhile
// may have been lost.
func (r *Record) Void() {
	r.open = time.Time{}
	r.clear()
}

// clear forgets the silence so far.
func (r *Record) clear() { r.since, r.silent, r.unanswered = time.Time{}, 0, 0 }

// Answered returns how many of the last questions were answered, and how many there were.
func (r *Record) Answered() (answered, asked int) {
	return bits.OnesCount64(r.last[0]) + bits.OnesCount64(r.last[1]&(1<<(remembered-64)-1)), r.asked
}

// Regular reports whether the machine answers regularly.
func (r *Record) Regular() bool {
	answered, asked := r.Answered()
	return answered >= least && answered*100 >= asked*regularly
}

// Suspect reports whether the last question was not answered.
func (r *Record) Suspect() bool { return !r.since.IsZero() }

// Liveness returns what the answers show.
func (r *Record) Liveness() vrrp.Liveness {
	answered, _ := r.Answered()
	switch {
	case r.Suspect() && r.regular:
		if r.silent >= time.Duration(r.Miss)*r.Interval {
			return vrrp.Silent
		}
		return vrrp.Answering
	case r.Regular():
		return vrrp.Answering
	case answered > 0:
		return vrrp.Irregular
	}
	return vrrp.Unasked
}

// Pace returns the time between two questions now.
func (r *Record) Pace() time.Duration {
	if r.Suspect() && r.regular && r.silent < time.Duration(r.Miss+hurryFor)*r.Interval {
		return r.Interval / hurry
	}
	return r.Interval
}
