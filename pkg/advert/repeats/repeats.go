// Package repeats decides which adverts the kernel may drop. In quiet times all adverts of an
// Active are equal: a filter of the receive socket drops those that repeat the previous one, and
// counts them; the counters are read at intervals. A Run belongs to one virtual router. It makes
// the filter expect the next advert
//
//   - only while the state machine allows it: it is Backup, and only silence or a different
//     advert would make it move;
//   - once enough adverts in a row were equal, valid, and as configured here;
//   - until a different packet of the virtual router arrives, which the filter passes, with
//     everything that follows, or until an advert is late. From then on each advert is read as
//     it arrives.
//
// So no decision is ever based on silence while the filter drops adverts.
package repeats

import (
	"bytes"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/vrrp"
)

// Slot is the entry of one virtual router in a filter, as repeatfilter.Slot.
type Slot interface {
	// Passed returns the number of packets of the virtual router that the filter passed.
	Passed() uint64
	// Expect makes the filter drop packets with this image, as long as it has passed no more
	// than the given number of packets.
	Expect(image []byte, passed uint64)
	// Forget makes the filter pass all packets.
	Forget()
	// Take returns how many packets were dropped since the last call, and when the last one was;
	// now is the present time on the clock of the slot.
	Take(now time.Duration) (n uint64, last time.Duration)
}

// Clock is an instant on the clock of the caller and on that of a Slot.
type Clock struct {
	Now  time.Time
	Slot time.Duration
}

// at converts an instant of a Slot to the clock of the caller.
func (c Clock) at(slot time.Duration) time.Time { return c.Now.Add(min(slot-c.Slot, 0)) }

const (
	// enough is the number of equal adverts in a row after which the next one is expected.
	enough = 8
	// LongestInterval is the longest interval of adverts that are expected: slower ones are few,
	// and their counters would lag behind.
	LongestInterval = time.Second
)

// Run is a series of equal adverts of one virtual router.
type Run struct {
	instance string
	vrid     uint8
	miss     int
	slot     Slot
	allowed  bool   // whether the state machine allows adverts to be dropped
	read     uint64 // the number of packets of the virtual router that were read
	// offset is how many more packets the filter passed than were read while none waits in the
	// socket: those from before the run, and lost ones. It is valid if known is set. offsetNow is
	// its value if the socket is found empty, while looked is set.
	offset    uint64
	offsetNow uint64
	known     bool
	looked    bool
	equal     int    // how many adverts in a row were equal to the last one
	image     []byte // the image of the last advert
	heard     vrrp.Heard
	last      time.Time // when the last advert arrived, as far as is known
	expecting bool
}

// NewRun returns a run for an instance.
func NewRun(in *vrrp.Instance, slot Slot) *Run {
	return &Run{instance: in.Name, vrid: in.VRID, miss: in.Miss, slot: slot}
}

// Eligible reports whether repeated adverts for an instance may be dropped. Signed adverts all
// differ, and if no advert may be missed each one matters.
func Eligible(in *vrrp.Instance) bool { return !in.ReadsEach && !in.HMAC.Signs() && in.Miss >= 2 }

// Candidates returns the instances on one socket that may have a run: those that are eligible and
// have their VRID alone, since the filter cannot distinguish instances with the same VRID.
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

// Heard returns the expected advert, as it was last heard.
func (r *Run) Heard() vrrp.Heard { return r.heard }

// Allowed reports whether the state machine allows adverts to be dropped.
func (r *Run) Allowed() bool { return r.allowed }

// Expecting reports whether the filter drops repetitions of the last advert.
func (r *Run) Expecting() bool { return r.expecting }

// Allow records whether the state machine allows adverts to be dropped. Adverts dropped before
// are taken later.
func (r *Run) Allow(on bool) {
	r.allowed = on
	if !on {
		r.Stop()
	}
}

// Stop makes the filter pass all packets, and restarts the count of equal adverts.
func (r *Run) Stop() {
	if r.expecting {
		r.slot.Forget()
	}
	r.expecting, r.equal = false, 0
}

// noteRead records a packet of the virtual router that was read.
func (r *Run) noteRead(image []byte, h *vrrp.Heard) {
	r.read++
	if r.slot.Passed()-r.read != r.offset {
		r.known = false // other packets wait, or were lost
	}
	same := !r.expecting && r.known && bytes.Equal(image, r.image)
	if r.expecting {
		r.Stop()
	}
	if !r.allowed || len(image) == 0 || h.Interval > LongestInterval {
		r.equal = 0
		return
	}
	if !same {
		r.equal, r.image = 0, append(r.image[:0], image...)
	}
	r.heard, r.last = *h, h.Cause.At
	if r.equal++; r.equal >= enough {
		r.slot.Expect(r.image, r.read+r.offset)
		r.expecting = true
	}
}

// take passes the dropped adverts to yield: the last of them, with their number.
func (r *Run) take(c Clock, yield func(*Run, vrrp.Heard)) {
	n, last := r.slot.Take(c.Slot)
	if n == 0 || len(r.image) == 0 { // no advert was expected yet: the count does not belong to this virtual router
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

// due returns the instant at which the run must be examined, and from which on no advert may be
// dropped if none has arrived: half an interval before the Active could count as gone.
func (r *Run) due() time.Time {
	return r.last.Add(time.Duration(r.miss)*r.heard.Interval - r.heard.Interval/2)
}

// Set is the runs of the virtual routers of one socket.
type Set struct {
	byVRID  []*Run // indexed up to the greatest VRID; nil for VRIDs without a run
	next    time.Time
	unknown bool // the offset of a run is not known
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

// Allow carries out an order of the state machine for the run of its instance, if there is one.
func (s *Set) Allow(o vrrp.Summarize) {
	if r := s.Run(o.Instance.VRID); r != nil && r.instance == o.Instance.Name {
		r.Allow(o.On)
	}
}

// Stop calls Run.Stop for each run.
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

// Take passes all dropped adverts to yield. Runs whose next advert is late expect none any more.
func (s *Set) Take(c Clock, yield func(*Run, vrrp.Heard)) { s.sweep(c, c.Now, yield) }

// Sweep is Take for the runs that must be examined now or soon.
func (s *Set) Sweep(c Clock, yield func(*Run, vrrp.Heard)) {
	if next, ok := s.Next(); ok && !c.Now.Before(next) {
		s.sweep(c, time.Time{}, yield)
	}
}

// sweep takes the dropped adverts of the runs that must be examined within half an interval, or
// whose last known advert arrived before the given instant.
func (s *Set) sweep(c Clock, before time.Time, yield func(*Run, vrrp.Heard)) {
	var next deadline.Earliest
	for _, r := range s.byVRID {
		if r == nil || !r.expecting && r.equal == 0 && before.IsZero() {
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

// Read records a packet of a run's virtual router that was read. If the packet is an advert that
// may be expected, it has an image and h; otherwise the image is empty.
func (s *Set) Read(r *Run, image []byte, h *vrrp.Heard) {
	r.noteRead(image, h)
	s.unknown = s.unknown || !r.known
	if r.expecting && (s.next.IsZero() || r.due().Before(s.next)) {
		s.next = r.due()
	}
}

// Look is called before the socket is read. Emptied is called after all packets that were read
// were recorded, if none was left. Packets that the filters passed before Look were then read or
// lost: this distinguishes lost packets from waiting ones. A packet that arrives in between makes
// the offset too small, with which no advert is dropped, and is noticed when it is read. A packet
// that a filter has passed, but that is not in the queue yet, is also noticed when it is read:
// before an advert is expected, enough packets must be read without a change of the offset.
func (s *Set) Look() {
	if s.unknown {
		for r := range s.All {
			r.offsetNow, r.looked = r.slot.Passed(), !r.known
		}
	}
}

// Emptied records that no packet from before Look is left in the socket.
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
