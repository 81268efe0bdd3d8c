// Package repeats decides which adverts the kernel may keep to itself. In quiet times all
// adverts of an Active are alike: a filter of the receive socket drops those that repeat the
// one before, and counts them, and what it counted is read now and then. A Run is that of one
// virtual router. It has the filter expect the next advert
//
//   - only while the state machine allows it: it is Backup, and nothing but silence or another
//     advert would make it move;
//   - once enough adverts in a row were alike, valid, and as our configuration has them;
//   - until anything else of the virtual router arrives, which the filter lets through, as all
//     that follows, or until an advert is late. From then on each one is read as it comes.
//
// So nobody ever decides on silence while the filter drops anything.
package repeats

import (
	"bytes"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/vrrp"
)

// Slot is the place of one virtual router in a filter, as repeatfilter.Slot.
type Slot interface {
	// Passed returns how many packets of the virtual router were let through.
	Passed() uint64
	// Expect has the filter drop packets with this image, as long as it has let through no
	// more packets than passed.
	Expect(image []byte, passed uint64)
	// Forget has it let all through.
	Forget()
	// Take returns how many were dropped since the last call, and when the last one was; now is
	// the present time of the slot's clock.
	Take(now time.Duration) (n uint64, last time.Duration)
}

// Clock is an instant by the clock of the caller and by that of a Slot.
type Clock struct {
	Now  time.Time
	Slot time.Duration
}

// at returns an instant of a Slot by the clock of the caller.
func (c Clock) at(slot time.Duration) time.Time { return c.Now.Add(min(slot-c.Slot, 0)) }

const (
	// enough adverts in a row that are alike make the next one expected.
	enough = 8
	// LongestInterval is that of adverts which are expected: of others there are few, and
	// their counters would lag.
	LongestInterval = time.Second
)

// Run is the adverts of one virtual router that are alike, one after another.
type Run struct {
	instance string
	vrid     uint8
	miss     int
	slot     Slot
	allowed  bool   // by the state machine
	read     uint64 // packets of the virtual router
	// offset is by how many packets the filter is ahead of read while none waits in the socket:
	// those that came before the run, or were lost. It holds if it is known; offsetNow is what
	// it is if the socket is found empty, while that is looked at.
	offset    uint64
	offsetNow uint64
	known     bool
	looked    bool
	alike     int
	image     []byte // of the last advert
	heard     vrrp.Heard
	last      time.Time // when the last one came, as far as is known
	expecting bool
}

// NewRun returns a run for an instance.
func NewRun(in *vrrp.Instance, slot Slot) *Run {
	return &Run{instance: in.Name, vrid: in.VRID, miss: in.Miss, slot: slot}
}

// Eligible reports whether adverts for an instance may be dropped where they repeat the last one:
// those that are signed all differ, and where none may be missed each one matters.
func Eligible(in *vrrp.Instance) bool { return !in.ReadsEach && !in.HMAC.Signs() && in.Miss >= 2 }

// Candidates returns which of the instances on one socket may have a run: those that are eligible
// and alone with their VRID, since the filter could not tell whose an advert is.
func Candidates(here []*vrrp.Instance) []*vrrp.Instance {
	var sharing [256]int // how many instances have a VRID
	for _, in := range here {
		sharing[in.VRID]++
	}
	return slices.DeleteFunc(slices.Clone(here), func(in *vrrp.Instance) bool { return sharing[in.VRID] > 1 || !Eligible(in) })
}

// Instance returns the name of the instance.
func (r *Run) Instance() string { return r.instance }

// VRID returns the VRID.
func (r *Run) VRID() uint8 { return r.vrid }

// Heard returns the advert that is expected, as it was last heard.
func (r *Run) Heard() vrrp.Heard { return r.heard }

// Allowed reports whether the state machine allows adverts to be dropped.
func (r *Run) Allowed() bool { return r.allowed }

// Expecting reports whether the filter drops what repeats the last advert.
func (r *Run) Expecting() bool { return r.expecting }

// Allow notes whether the state machine allows adverts to be dropped. What was dropped until
// then is taken afterwards.
func (r *Run) Allow(on bool) {
	r.allowed = on
	if !on {
		r.Stop()
	}
}

// Stop has the filter let all through, and begins the count of those alike anew.
func (r *Run) Stop() {
	if r.expecting {
		r.slot.Forget()
	}
	r.expecting, r.alike = false, 0
}

// noteRead notes a packet of the virtual router that was read.
func (r *Run) noteRead(image []byte, h *vrrp.Heard) {
	r.read++
	if r.slot.Passed()-r.read != r.offset {
		r.known = false // others wait, or are lost
	}
	same := !r.expecting && r.known && bytes.Equal(image, r.image)
	if r.expecting {
		r.Stop()
	}
	if !r.allowed || len(image) == 0 || h.Interval > LongestInterval {
		r.alike = 0
		return
	}
	if !same {
		r.alike, r.image = 0, append(r.image[:0], image...)
	}
	r.heard, r.last = *h, h.Cause.At
	if r.alike++; r.alike >= enough {
		r.slot.Expect(r.image, r.read+r.offset)
		r.expecting = true
	}
}

// take gives what was dropped to yield: the last of them, with the number of all.
func (r *Run) take(c Clock, yield func(*Run, vrrp.Heard)) {
	n, last := r.slot.Take(c.Slot)
	if n == 0 || len(r.image) == 0 { // nothing was expected yet: it is not of this virtual router
		return
	}
	at := c.at(last)
	if at.Before(r.last) {
		at = r.last
	}
	r.last = at
	h := r.heard
	h.Cause.At, h.Repeats = at, int(n)
	yield(r, h)
}

// due returns the instant at which the run has to be looked at, and from which on nothing may be
// dropped if no other advert has come: half an interval before the Active could be gone.
func (r *Run) due() time.Time {
	return r.last.Add(time.Duration(r.miss)*r.heard.Interval - r.heard.Interval/2)
}

// Set is the runs of the virtual routers of one socket.
type Set struct {
	byVRID  []*Run // up to the greatest; nil where there is none
	next    time.Time
	unknown bool // the offset of a run
}

// Add adds a run.
func (s *Set) Add(r *Run) {
	if more := int(r.vrid) + 1 - len(s.byVRID); more > 0 {
		s.byVRID = append(s.byVRID, make([]*Run, more)...)
	}
	s.byVRID[r.vrid], s.unknown = r, true
}

// Run returns the run of a VRID; nil if there is none.
func (s *Set) Run(vrid uint8) *Run {
	if int(vrid) < len(s.byVRID) {
		return s.byVRID[vrid]
	}
	return nil
}

// Allow carries out an order of the state machine for the run of its instance, if that has one.
func (s *Set) Allow(o vrrp.Summarize) {
	if r := s.Run(o.Instance.VRID); r != nil && r.instance == o.Instance.Name {
		r.Allow(o.On)
	}
}

// Stop is Run.Stop for each run.
func (s *Set) Stop() {
	for r := range s.All {
		r.Stop()
	}
}

// All calls yield for each run.
func (s *Set) All(yield func(*Run) bool) {
	for _, r := range s.byVRID {
		if r != nil && !yield(r) {
			return
		}
	}
}

// Take gives to yield all that was dropped. Runs of which an advert is late expect none any more.
func (s *Set) Take(c Clock, yield func(*Run, vrrp.Heard)) { s.sweep(c, c.Now, yield) }

// Sweep is Take for the runs that have to be looked at now, or soon.
func (s *Set) Sweep(c Clock, yield func(*Run, vrrp.Heard)) {
	if next, ok := s.Next(); ok && !c.Now.Before(next) {
		s.sweep(c, time.Time{}, yield)
	}
}

// sweep takes what was dropped for the runs that have to be looked at within half an interval,
// or of which the last advert that is known came before the instant.
func (s *Set) sweep(c Clock, before time.Time, yield func(*Run, vrrp.Heard)) {
	var next deadline.Earliest
	for _, r := range s.byVRID {
		if r == nil || !r.expecting && r.alike == 0 && before.IsZero() {
			continue
		}
		if r.last.Before(before) || !c.Now.Before(r.due().Add(-r.heard.Interval/2)) {
			r.take(c, yield)
		}
		if !r.expecting {
			continue
		}
		if !c.Now.Before(r.due()) {
			r.Stop()
			continue
		}
		next.Add(r.due())
	}
	s.next, _ = next.Get()
}

// Read notes a packet of a run's virtual router that was read. If it is an advert that may be
// expected it has an image, and h is what was heard; else the image is empty.
func (s *Set) Read(r *Run, image []byte, h *vrrp.Heard) {
	r.noteRead(image, h)
	s.unknown = s.unknown || !r.known
	if r.expecting && (s.next.IsZero() || r.due().Before(s.next)) {
		s.next = r.due()
	}
}

// Look is called before the socket is read, and Emptied after all that was read is noted, if
// nothing was left. What the filters had let through before Look is read then, or lost: so a
// loss is told from packets that wait. One that comes in between makes the offset too small, with
// which nothing is dropped, and is seen when it is read. One that a filter has let through, but
// that is not yet in the queue, is seen when it is read, too: before an advert is expected,
// enough must be read without a change of the offset.
func (s *Set) Look() {
	if s.unknown {
		for r := range s.All {
			r.offsetNow, r.looked = r.slot.Passed(), !r.known
		}
	}
}

// Emptied notes that nothing is left in the socket of what came before Look.
func (s *Set) Emptied() {
	if !s.unknown {
		return
	}
	s.unknown = false
	for r := range s.All {
		if r.looked && !r.known {
			r.offset, r.known = r.offsetNow-r.read, true
		}
		r.looked = false
		s.unknown = s.unknown || !r.known
	}
}

// Next returns the instant at which Sweep is due; false if nothing is expected.
func (s *Set) Next() (time.Time, bool) { return s.next, !s.next.IsZero() }
