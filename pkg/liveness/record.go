package liveness

import (
	"math/bits"
	"time"

	"ripcord/pkg/vrrp"
)

const (
	// remembered is the number of last questions that count, and minAnswers the least number of
	// answers among them.
	remembered = 100
	minAnswers = 20
	// regularly is the share of them, in percent, that has to be answered.
	regularly = 95
	// hurry is the factor by which the rate of questions rises when an answer is missing, so that
	// random loss is not taken for death: with miss: 3 there are 17 questions, and a LAN that loses
	// a fifth of all frames loses all of them or their answers once in 10^8 times.
	hurry = 8
	// hurryFor is the number of intervals after those of miss in which that rate is kept.
	hurryFor = 4
)

// Record evaluates one machine by its answers. The zero value is a machine that was never asked;
// Watching has to be set.
//
// A question is open from Asked until Judge, whose argument reports whether an answer was heard since.
type Record struct {
	vrrp.Watching
	// last has a bit for each of the last questions, the newest lowest: whether it was answered;
	// asked is their number, at most remembered.
	last  [2]uint64
	asked int
	// open is the instant of the open question; zero if there is none.
	open time.Time
	// since is the instant of the first unanswered question after the last answer, zero if there is
	// none; silent is how long the machine has not answered questions since, and unanswered their
	// number.
	since      time.Time
	silent     time.Duration
	unanswered int
	// regular reports whether the machine answered regularly before since.
	regular bool
}

// Asked records that a question was sent at the instant at.
func (r *Record) Asked(at time.Time) { r.open = at }

// Judge closes the open question, if there is one: it was answered, or no answer was heard by the
// instant now. An answer without a question proves life as well.
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

// miss records that a question that was sent at the instant open has no answer by now.
func (r *Record) miss(open, now time.Time) {
	if !r.Suspect() {
		r.since, r.regular = open, r.Regular()
	}
	hurried := now.Sub(open) < r.Interval/2
	if !hurried || r.unanswered%hurry == 0 { // only as many count as there would have been at the usual pace
		r.note(false)
	}
	r.silent += max(now.Sub(open), 0)
	r.unanswered++
}

// note records the result of a question at the usual pace.
func (r *Record) note(answered bool) {
	r.last[1] = r.last[1]<<1 | r.last[0]>>63
	r.last[0] <<= 1
	if answered {
		r.last[0] |= 1
	}
	r.asked = min(r.asked+1, remembered)
}

// Void drops the open question and the silence so far: an answer may have been lost meanwhile.
func (r *Record) Void() {
	r.open = time.Time{}
	r.clear()
}

// clear drops the silence so far.
func (r *Record) clear() { r.since, r.silent, r.unanswered = time.Time{}, 0, 0 }

// Answered returns how many of the last questions were answered, and their number.
func (r *Record) Answered() (answered, asked int) {
	return bits.OnesCount64(r.last[0]) + bits.OnesCount64(r.last[1]&(1<<(remembered-64)-1)), r.asked
}

// Regular reports whether the machine answers regularly.
func (r *Record) Regular() bool {
	answered, asked := r.Answered()
	return answered >= minAnswers && answered*100 >= asked*regularly
}

// Suspect reports whether the last question was not answered.
func (r *Record) Suspect() bool { return !r.since.IsZero() }

// Liveness returns the liveness that the answers prove.
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

// Pace returns the present time between two questions.
func (r *Record) Pace() time.Duration {
	if r.Suspect() && r.regular && r.silent < time.Duration(r.Miss+hurryFor)*r.Interval {
		return r.Interval / hurry
	}
	return r.Interval
}
