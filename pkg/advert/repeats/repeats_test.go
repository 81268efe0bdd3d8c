package repeats

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// filter is a slot, with the filter around it and the queue behind it.
type filter struct {
	t                *testing.T
	now              time.Duration
	passed, expected uint64
	count, taken     uint64
	last             time.Duration
	image            []byte
	queue            [][]byte
	run              *Run
	set              Set
	reported         []vrrp.Heard
	meanwhile        func() // happens after Passed
}

const interval = 100 * time.Millisecond

func newFilter(t *testing.T, miss int) *filter {
	f := &filter{t: t, expected: ^uint64(0)}
	f.run = NewRun(&vrrp.Instance{Virtual: event.Virtual{Name: "inside", VRID: 51}, Miss: miss}, f)
	f.run.Allow(true)
	f.set.Add(f.run)
	return f
}

func (f *filter) Passed() uint64 {
	passed := f.passed
	if f.meanwhile != nil {
		f.meanwhile()
		f.meanwhile = nil
	}
	return passed
}

func (f *filter) Forget() { f.expected = ^uint64(0) }

func (f *filter) Expect(image []byte, passed uint64) {
	f.image, f.expected = bytes.Clone(image), passed
}

func (f *filter) Take(time.Duration) (n uint64, last time.Duration) {
	n, f.taken = f.count-f.taken, f.count
	return n, f.last
}

// start is the instant 0.
var start = time.Unix(1000, 0)

func (f *filter) clock() Clock { return Clock{Now: start.Add(f.now), Slot: f.now} }

// arrives makes packets arrive at the filter, one after another.
func (f *filter) arrives(images ...string) {
	for _, image := range images {
		if f.passed == f.expected && string(f.image) == image {
			f.count, f.last = f.count+1, f.now
			continue
		}
		f.passed++
		f.queue = append(f.queue, []byte(image))
	}
}

// reads reads the packets that the filter passed, until none is left.
func (f *filter) reads() {
	f.set.Look()
	for _, image := range f.queue {
		f.read(image)
	}
	f.queue = nil
	f.set.Emptied()
}

// read reads one packet.
func (f *filter) read(image []byte) {
	if f.run.Expecting() {
		f.set.Take(f.clock(), f.report)
	}
	f.set.Read(f.run, image, &vrrp.Heard{Cause: event.Cause{At: start.Add(f.now)}, Interval: interval})
	f.reported = append(f.reported, vrrp.Heard{Cause: event.Cause{At: start.Add(f.now)}})
}

func (f *filter) report(_ *Run, h vrrp.Heard) { f.reported = append(f.reported, h) }

// goes advances the time by n intervals, in each of which an advert arrives and the receiver
// reads in time.
func (f *filter) goes(n int, image string) {
	for range n {
		f.now += interval
		if next, ok := f.set.Next(); ok && !f.clock().Now.Before(next) {
			f.set.Sweep(f.clock(), f.report)
		}
		f.arrives(image)
		f.reads()
	}
}

func (f *filter) expects(want bool, what string) {
	f.t.Helper()
	if f.run.Expecting() != want {
		f.t.Errorf("%s: expecting %v, want %v", what, !want, want)
	}
}

// heard returns the number of reported adverts, and the instant of the last one.
func (f *filter) heard() (n int, last time.Duration) {
	for _, h := range f.reported {
		n += max(1, h.Repeats)
		last = h.Cause.At.Sub(start)
	}
	return n, last
}

// TestEnough checks that after the eighth equal advert the next one is dropped, and that each is
// reported once.
func TestEnough(t *testing.T) {
	f := newFilter(t, 3)
	f.goes(7, "a")
	f.expects(false, "after 7")
	f.goes(1, "a")
	f.expects(true, "after 8")
	f.goes(20, "a")
	f.expects(true, "after 28")
	if f.count != 20 {
		t.Errorf("%d were dropped of 20", f.count)
	}
	f.set.Take(f.clock(), f.report)
	if n, last := f.heard(); n != 28 || last != f.now {
		t.Errorf("%d were reported of 28, the last of %v, want %v", n, last, f.now)
	}
	if len(f.reported) > 8+11 {
		t.Errorf("20 adverts were reported as %d", len(f.reported)-8)
	}
}

// TestInterrupted checks that a different packet ends the run, that the adverts dropped earlier
// are reported before it, and that everything after it is read.
func TestInterrupted(t *testing.T) {
	f := newFilter(t, 3)
	f.goes(8, "a")
	f.now += interval
	f.arrives("a")
	f.now += interval
	f.arrives("b", "a", "a")
	if f.count != 1 || len(f.queue) != 3 {
		t.Fatalf("%d packets were dropped and %d passed, want 1 and 3", f.count, len(f.queue))
	}
	f.reported = nil
	f.reads()
	f.expects(false, "after another advert")
	if n, _ := f.heard(); n != 4 || f.reported[0].Cause.At != start.Add(9*interval) {
		t.Errorf("%d were reported, want 4: %v", n, f.reported)
	}
	f.goes(6, "a")
	f.expects(false, "after eight, two of which arrived at once")
	f.goes(4, "a")
	f.expects(true, "after more")
}

// TestQueued checks that no advert is dropped if another one arrives just before it is expected
// and has not been read yet.
func TestQueued(t *testing.T) {
	f := newFilter(t, 3)
	f.goes(7, "a")
	f.now += interval
	f.arrives("a")
	read := f.queue
	f.queue, f.meanwhile = nil, func() { f.arrives("b") }
	f.read(read[0])
	f.expects(true, "after 8")
	f.arrives("a")
	if f.count != 0 || len(f.queue) != 2 {
		t.Errorf("%d were dropped while another advert waited in the queue", f.count)
	}
}

// TestLost checks that packets that were passed and lost are distinguished from those that wait:
// the socket was found empty.
func TestLost(t *testing.T) {
	f := newFilter(t, 3)
	f.goes(4, "a")
	f.passed += 3  // no room in the buffer
	f.goes(8, "a") // the first shows the loss; after the second the socket is empty
	f.expects(false, "after the loss")
	f.goes(1, "a")
	f.expects(true, "when eight have arrived since the offset is known")
	f.goes(2, "a")
	if f.count != 2 {
		t.Errorf("%d of 2 were dropped", f.count)
	}
}

// TestBehind checks that a reader that is always one packet behind expects no advert, so that a
// waiting packet is read before those after it. When it has caught up the next advert is
// expected.
func TestBehind(t *testing.T) {
	f := newFilter(t, 3)
	f.arrives("a")
	for range 20 {
		f.now += interval
		f.arrives("a")
		f.set.Look()
		for _, image := range f.queue[:1] {
			f.read(image)
		}
		f.queue = f.queue[1:]
		if f.run.Expecting() {
			t.Fatal("an advert is expected while one waits")
		}
	}
	f.now += interval
	f.arrives("resigns", "a", "a")
	if f.count != 0 {
		t.Errorf("%d were dropped while a resignation waited in the queue", f.count)
	}
	f.reads()
	f.goes(7, "a")
	f.expects(true, "after the reader has caught up")
}

// TestJustAfter checks that a packet that arrives after the socket was found empty counts as
// waiting, not as lost.
func TestJustAfter(t *testing.T) {
	f := newFilter(t, 3)
	for range 3 {
		f.set.Look()
		for _, image := range f.queue {
			f.read(image)
		}
		f.queue = nil
		f.now += interval
		f.arrives("a")
		f.set.Emptied()
	}
	if f.run.offset != 0 {
		t.Errorf("%d packets count as lost", f.run.offset)
	}
	f.reads()
	f.goes(7, "a")
	f.expects(true, "after more")
}

// TestInFlight checks a packet that the filter has passed and that reaches the queue only after
// the socket was found empty: it is noticed when it is read, before any advert is expected.
func TestInFlight(t *testing.T) {
	f := newFilter(t, 3)
	f.passed++ // it is not in the queue yet
	f.goes(5, "a")
	f.queue = append(f.queue, []byte("b"))
	f.goes(7, "a")
	f.expects(false, "after the packet that was in flight")
	f.goes(4, "a")
	f.expects(true, "after more")
	if f.run.offset != 0 {
		t.Errorf("%d packets count as lost", f.run.offset)
	}
}

// TestAssignedWithQueue checks that packets that were in the queue before the virtual router had
// a slot are read, but not counted.
func TestAssignedWithQueue(t *testing.T) {
	f := newFilter(t, 3)
	f.passed = 100
	f.queue = [][]byte{[]byte("a"), []byte("a")}
	f.reads()
	f.goes(7, "a")
	f.expects(true, "after the queue")
	f.goes(3, "a")
	if f.count != 3 {
		t.Errorf("%d of 3 were dropped", f.count)
	}
}

// TestNothingExpected checks that packets that a slot counts before the run expects an advert are
// not reported.
func TestNothingExpected(t *testing.T) {
	f := newFilter(t, 3)
	f.count, f.last = 2, interval
	f.now = 2 * interval
	if f.set.Take(f.clock(), f.report); len(f.reported) != 0 {
		t.Errorf("reported: %v", f.reported)
	}
	f.goes(10, "a")
	f.set.Take(f.clock(), f.report)
	if n, _ := f.heard(); n != 10 {
		t.Errorf("%d of 10 were reported", n)
	}
}

// TestLate checks that a late advert ends the run before the Active could count as gone.
func TestLate(t *testing.T) {
	for _, miss := range []int{2, 3, 10} {
		f := newFilter(t, miss)
		f.goes(8, "a")
		f.now += interval / 10 // the next ones are late, and are dropped
		f.goes(miss, "a")
		last := f.last
		for looks := 0; f.run.Expecting(); looks++ {
			if looks > miss {
				t.Fatalf("miss %d: the run does not end", miss)
			}
			next, _ := f.set.Next()
			f.now = max(f.now, next.Sub(start))
			f.set.Sweep(f.clock(), f.report)
		}
		if silent := f.now - last; silent > time.Duration(miss)*interval-interval/2 || silent < time.Duration(miss-1)*interval {
			t.Errorf("miss %d: the run ends %v after the last advert", miss, silent)
		}
		f.arrives("a")
		if len(f.queue) != 1 {
			t.Errorf("miss %d: dropped after the end", miss)
		}
	}
}

// TestRefused checks that adverts are read each time if the state machine or the advert itself
// requires it.
func TestRefused(t *testing.T) {
	for what, read := range map[string]func(*filter){
		"not allowed": func(f *filter) { f.run.Allow(false) },
		"no image":    func(f *filter) { f.goes(20, "") },
		"a slow Active": func(f *filter) {
			for range 20 {
				f.passed++
				f.set.Read(f.run, []byte("a"), &vrrp.Heard{Interval: LongestInterval + time.Millisecond})
			}
		},
		"alternating": func(f *filter) {
			for range 20 {
				f.goes(7, "a")
				f.goes(1, "b")
			}
		},
	} {
		f := newFilter(t, 3)
		read(f)
		if what == "not allowed" {
			f.goes(20, "a")
		}
		f.expects(false, what)
	}
	f := newFilter(t, 3)
	f.goes(10, "a")
	f.run.Allow(false)
	f.expects(false, "no longer allowed")
	f.set.Take(f.clock(), f.report)
	if n, _ := f.heard(); n != 10 {
		t.Errorf("%d of 10 were reported", n)
	}
}

// TestEligible checks for which instances adverts can be dropped.
func TestEligible(t *testing.T) {
	for _, tt := range []struct {
		in   vrrp.Instance
		want bool
	}{
		{vrrp.Instance{Miss: 3}, true}, {vrrp.Instance{Miss: 2}, true}, {vrrp.Instance{Miss: 1}, false}, {vrrp.Instance{Miss: 3, ReadsEach: true}, false},
	} {
		if got := Eligible(&tt.in); got != tt.want {
			t.Errorf("%s: %v", fmt.Sprint(tt.in.Miss, tt.in.ReadsEach), got)
		}
	}
}

// TestCandidates checks that an instance that shares its VRID with another has no run, even if
// adverts for the other are never dropped.
func TestCandidates(t *testing.T) {
	var here []*vrrp.Instance
	for _, in := range []struct {
		name      string
		vrid      uint8
		miss      int
		readsEach bool
	}{{"a", 1, 3, false}, {"b", 2, 3, false}, {"c", 2, 3, false}, {"d", 3, 3, false}, {"e", 3, 3, true}, {"f", 4, 1, false}, {"g", 5, 2, false}} {
		here = append(here, &vrrp.Instance{Virtual: event.Virtual{Name: in.name, VRID: in.vrid}, Miss: in.miss, ReadsEach: in.readsEach})
	}
	var names []string
	for _, in := range Candidates(here) {
		names = append(names, in.Name)
	}
	if got := strings.Join(names, " "); got != "a g" {
		t.Errorf("candidates: %s", got)
	}
	if len(here) != 7 || here[1].Name != "b" {
		t.Error("the list of instances was changed")
	}
}
