package addr

import (
	"slices"
	"time"

	"ripcord/pkg/deadline"
)

// reannounceEvery is the least time between two sets that were requested.
const reannounceEvery = time.Second

// job is the pending announcement of one instance. It is in a set (rounds > 0), or it waits until
// the next one begins.
type job struct {
	deadline.Position
	instance  string
	addresses int
	indexes   []int // of these addresses among all of the instance; nil: these are all
	Announce
	seq int

	round, rounds int
	pos           int       // the next address of the round
	due           time.Time // of the next frame, or of the next set
	again         time.Time // of the second set, after the first one or a requested one; zero: there is none
	refresh       time.Time // of the next single round; zero: there is none
	more          time.Time // of a set that was requested too early; zero: there is none
	asked         time.Time // when the last requested set began
}

// schedule decides which address is announced next, and when: among all that are due, those in
// their first round come before those in their second, so that every address is announced once
// before any is announced twice. An instance that begins later does not wait for the second round
// of the others.
type schedule struct {
	jobs    map[string]*job
	some    map[string]*job // for addresses that were added to those of an instance
	waiting deadline.Queue[*job]
	seq     int
}

func newSchedule() *schedule {
	return &schedule{jobs: make(map[string]*job), some: make(map[string]*job)}
}

// start announces an instance with that many addresses from the beginning: a set at once, a second
// one AgainAfter later, and then one round each Refresh.
func (s *schedule) start(now time.Time, instance string, addresses int, a Announce) {
	s.take(now, instance, addresses, a)
	j := s.jobs[instance]
	if a.AgainAfter > 0 {
		j.again = now.Add(a.AgainAfter)
	}
	s.beginSet(now, j, a.Count)
}

// take announces an instance by one round each Refresh, and on request.
func (s *schedule) take(now time.Time, instance string, addresses int, a Announce) {
	s.cancel(instance)
	j := s.newJob(instance, addresses, a)
	if a.Refresh > 0 {
		j.refresh = now.Add(a.Refresh)
	}
	s.jobs[instance] = j
	s.endSet(j, now)
}

func (s *schedule) newJob(instance string, addresses int, a Announce) *job {
	s.seq++
	return &job{instance: instance, addresses: addresses, Announce: a, seq: s.seq}
}

// knows reports whether an instance was started, and not canceled.
func (s *schedule) knows(instance string) bool { return s.jobs[instance] != nil }

// startSome announces some addresses, by their indexes, of an instance whose others were announced:
// a set at once, and a second one AgainAfter later. Pending announcements of these addresses start
// over.
func (s *schedule) startSome(now time.Time, instance string, indexes []int, a Announce) {
	if old := s.some[instance]; old != nil {
		s.waiting.Remove(old)
		if !old.due.IsZero() { // not all was announced
			indexes = slices.Concat(old.indexes, indexes)
			slices.Sort(indexes)
			indexes = slices.Compact(indexes)
		}
	}
	j := s.newJob(instance, len(indexes), a)
	if a.AgainAfter > 0 {
		j.again = now.Add(a.AgainAfter)
	}
	j.indexes = indexes
	s.some[instance] = j
	s.beginSet(now, j, a.Count)
}

// change continues with an instance that now has that many addresses. indexes maps the old index of
// each address that stays to its new one. A round under way starts over.
func (s *schedule) change(now time.Time, instance string, addresses int, a Announce, indexes map[int]int) {
	if j := s.some[instance]; j != nil {
		var kept []int
		for _, n := range j.indexes {
			if at, stays := indexes[n]; stays {
				kept = append(kept, at)
			}
		}
		j.indexes = kept
		s.resize(now, j, len(kept), a)
	}
	j := s.jobs[instance]
	if j == nil {
		return
	}
	switch {
	case a.Refresh <= 0:
		j.refresh = time.Time{}
	case a.Refresh != j.Refresh:
		j.refresh = now.Add(a.Refresh)
	}
	s.resize(now, j, addresses, a)
}

// resize gives a job another number of addresses.
func (s *schedule) resize(now time.Time, j *job, addresses int, a Announce) {
	j.addresses, j.Announce, j.pos = addresses, a, 0
	if j.rounds == 0 || addresses == 0 {
		s.endSet(j, now)
	}
}

// reannounce announces a started instance again: a set at once, or as soon as a second has passed
// since the last request, and a second one AgainAfter later. In the first set, another router may
// still answer for the addresses, so that hosts and switches learn its MAC once more.
func (s *schedule) reannounce(now time.Time, instance string) {
	j := s.jobs[instance]
	if j == nil {
		return
	}
	if !j.asked.IsZero() && now.Sub(j.asked) < reannounceEvery {
		j.more = j.asked.Add(reannounceEvery)
		if j.rounds == 0 {
			s.endSet(j, now)
		}
		return
	}
	s.beginAsked(now, j)
	s.beginSet(now, j, j.Count)
}

// beginAsked notes that a requested set begins.
func (s *schedule) beginAsked(now time.Time, j *job) {
	j.asked, j.more = now, time.Time{}
	if j.AgainAfter > 0 {
		j.again = now.Add(j.AgainAfter)
	}
}

// cancel cancels the pending announcements of an instance.
func (s *schedule) cancel(instance string) {
	for _, jobs := range []map[string]*job{s.jobs, s.some} {
		if j := jobs[instance]; j != nil {
			s.waiting.Remove(j)
			delete(jobs, instance)
		}
	}
}

// next returns one address that is due, by instance and number; false if none is.
func (s *schedule) next(now time.Time) (instance string, n int, ok bool) {
	for s.waiting.Len() > 0 && !s.waiting.First().due.After(now) {
		j := s.waiting.First()
		if j.rounds == 0 {
			s.beginNext(now, j)
			continue
		}
		n = j.pos
		if j.indexes != nil {
			n = j.indexes[n]
		}
		if j.pos++; j.pos == j.addresses {
			j.pos = 0
			j.round++
		}
		if j.Spacing > 0 || j.round > 0 { // a repetition is due after everything that is due now
			j.due = now.Add(j.Spacing)
		}
		if j.round == j.rounds {
			s.endSet(j, now.Add(j.Spacing))
		} else {
			s.waiting.Put(j)
		}
		return j.instance, n, true
	}
	return "", 0, false
}

// deadline returns when next has something to return.
func (s *schedule) deadline() (time.Time, bool) {
	if s.waiting.Len() == 0 {
		return time.Time{}, false
	}
	return s.waiting.First().due, true
}

// beginNext begins the set for which a waiting job is due.
func (s *schedule) beginNext(now time.Time, j *job) {
	rounds := j.Count
	switch {
	case !j.again.IsZero() && !j.again.After(now):
		j.again = time.Time{}
	case !j.more.IsZero() && !j.more.After(now):
		s.beginAsked(now, j)
	default:
		j.refresh = now.Add(j.Refresh)
		rounds = 1
	}
	s.beginSet(now, j, rounds)
}

// beginSet begins a set of that many rounds.
func (s *schedule) beginSet(now time.Time, j *job, rounds int) {
	j.round, j.rounds, j.pos, j.due = 0, rounds, 0, now
	if rounds <= 0 || j.addresses == 0 {
		s.endSet(j, now)
		return
	}
	s.waiting.Put(j)
}

// endSet ends a set: the job waits for its next one, if any, not before floor.
func (s *schedule) endSet(j *job, floor time.Time) {
	j.round, j.rounds, j.pos, j.due = 0, 0, 0, time.Time{}
	for _, t := range []time.Time{j.again, j.refresh, j.more} {
		if !t.IsZero() && (j.due.IsZero() || t.Before(j.due)) {
			j.due = t
		}
	}
	if j.due.IsZero() || j.addresses == 0 {
		s.waiting.Remove(j)
		return
	}
	if j.due.Before(floor) {
		j.due = floor
	}
	s.waiting.Put(j)
}

// Before orders jobs by due time, then round, then age.
func (j *job) Before(other *job) bool {
	switch {
	case !j.due.Equal(other.due):
		return j.due.Before(other.due)
	case j.round != other.round:
		return j.round < other.round
	}
	return j.seq < other.seq
}
