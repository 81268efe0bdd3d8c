package addr

import (
	"container/heap"
	"time"
)

// reannounceEvery is the least time between two sets that were asked for.
const reannounceEvery = time.Second

// job is what is left to announce of one instance. It is in a set (rounds > 0),
// or it rests until the next one begins.
type job struct {
	instance  string
	addresses int
	Announce
	seq int

	round, rounds int
	pos           int       // the next address of the round
	due           time.Time // of the next frame, or of the next set
	again         time.Time // the second set; zero: none
	refresh       time.Time // the next single round; zero: none
	more          time.Time // a set that was asked for too early; zero: none
	asked         time.Time // when the last set that was asked for began
	index         int       // in the heap; -1: not in it
}

// schedule says which address is to be announced next, and when: of all that is
// due the first round before the second, so that every address is told once
// before any is told twice. A first round that begins during the second of others
// does not wait for it.
type schedule struct {
	jobs map[string]*job
	heap jobs
	seq  int
}

func newSchedule() *schedule { return &schedule{jobs: make(map[string]*job)} }

// start announces an instance of so many addresses from the beginning: a set at
// once, a second AgainAfter later, and then one round each Refresh.
func (s *schedule) start(now time.Time, instance string, addresses int, a Announce) {
	s.cancel(instance)
	s.seq++
	j := &job{instance: instance, addresses: addresses, Announce: a, seq: s.seq, index: -1}
	if a.AgainAfter > 0 {
		j.again = now.Add(a.AgainAfter)
	}
	if a.Refresh > 0 {
		j.refresh = now.Add(a.Refresh)
	}
	s.jobs[instance] = j
	s.begin(now, j, a.Count)
}

// reannounce announces what is started again, one set, at once or as soon as a
// second has passed since this was last asked.
func (s *schedule) reannounce(now time.Time, instance string) {
	j := s.jobs[instance]
	if j == nil {
		return
	}
	if !j.asked.IsZero() && now.Sub(j.asked) < reannounceEvery {
		j.more = j.asked.Add(reannounceEvery)
		if j.rounds == 0 {
			s.rest(j, now)
		}
		return
	}
	j.asked, j.more = now, time.Time{}
	s.begin(now, j, j.Count)
}

// cancel forgets what is left to announce of an instance.
func (s *schedule) cancel(instance string) {
	if j := s.jobs[instance]; j != nil {
		if j.index >= 0 {
			heap.Remove(&s.heap, j.index)
		}
		delete(s.jobs, instance)
	}
}

// next gives one address that is due, by instance and number; false if none is.
func (s *schedule) next(now time.Time) (instance string, n int, ok bool) {
	for len(s.heap) > 0 && !s.heap[0].due.After(now) {
		j := s.heap[0]
		if j.rounds == 0 {
			s.wake(now, j)
			continue
		}
		n = j.pos
		if j.pos++; j.pos == j.addresses {
			j.pos = 0
			j.round++
		}
		if j.Spacing > 0 || j.round > 0 { // a repetition is due behind all that is due now
			j.due = now.Add(j.Spacing)
		}
		if j.round == j.rounds {
			s.rest(j, now.Add(j.Spacing))
		} else {
			heap.Fix(&s.heap, j.index)
		}
		return j.instance, n, true
	}
	return "", 0, false
}

// deadline is when next has something to give.
func (s *schedule) deadline() (time.Time, bool) {
	if len(s.heap) == 0 {
		return time.Time{}, false
	}
	return s.heap[0].due, true
}

// wake begins the set for which a resting job is due.
func (s *schedule) wake(now time.Time, j *job) {
	rounds := j.Count
	switch {
	case !j.again.IsZero() && !j.again.After(now):
		j.again = time.Time{}
	case !j.more.IsZero() && !j.more.After(now):
		j.asked, j.more = now, time.Time{}
	default:
		j.refresh = now.Add(j.Refresh)
		rounds = 1
	}
	s.begin(now, j, rounds)
}

func (s *schedule) begin(now time.Time, j *job, rounds int) {
	j.round, j.rounds, j.pos, j.due = 0, rounds, 0, now
	if rounds <= 0 || j.addresses == 0 {
		s.rest(j, now)
		return
	}
	s.place(j)
}

// rest ends a set: the job waits for its next one, if any, at the earliest
// until floor.
func (s *schedule) rest(j *job, floor time.Time) {
	j.round, j.rounds, j.pos, j.due = 0, 0, 0, time.Time{}
	for _, t := range []time.Time{j.again, j.refresh, j.more} {
		if !t.IsZero() && (j.due.IsZero() || t.Before(j.due)) {
			j.due = t
		}
	}
	switch {
	case !j.due.IsZero() && j.addresses > 0:
		if j.due.Before(floor) {
			j.due = floor
		}
		s.place(j)
	case j.index >= 0:
		heap.Remove(&s.heap, j.index)
	}
}

func (s *schedule) place(j *job) {
	if j.index >= 0 {
		heap.Fix(&s.heap, j.index)
	} else {
		heap.Push(&s.heap, j)
	}
}

// jobs is a heap by due time, then round, then age.
type jobs []*job

func (h jobs) Len() int { return len(h) }
func (h jobs) Less(i, k int) bool {
	a, b := h[i], h[k]
	switch {
	case !a.due.Equal(b.due):
		return a.due.Before(b.due)
	case a.round != b.round:
		return a.round < b.round
	}
	return a.seq < b.seq
}
func (h jobs) Swap(i, k int) {
	h[i], h[k] = h[k], h[i]
	h[i].index, h[k].index = i, k
}
func (h *jobs) Push(x any) {
	j := x.(*job)
	j.index = len(*h)
	*h = append(*h, j)
}
func (h *jobs) Pop() any {
	old := *h
	j := old[len(old)-1]
	*h = old[:len(old)-1]
	j.index = -1
	return j
}
