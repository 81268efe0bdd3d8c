package tracker

import (
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

var (
	now   = time.Unix(100, 0)
	a     = vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "a"}
	b     = vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "b"}
	heavy = vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "heavy", Weight: -20}
)

// group returns the configuration of a group with two members that tracks the given list, and
// whose second member tracks heavy.
func group(all bool, list ...vrrp.Tracker) *vrrp.Group {
	return &vrrp.Group{FaultAll: all, Track: list, Members: []vrrp.Instance{{}, {Track: []vrrp.Tracker{heavy}}}}
}

// TestFaults checks that a failed tracker is a fault at once, or with FaultAll when all trackers
// of the group's list have failed.
func TestFaults(t *testing.T) {
	for _, all := range []bool{false, true} {
		l := New(group(all, a, b, heavy), now)
		if !l.Waiting() || l.FirstFault() != nil {
			t.Errorf("FaultAll %v, at first: waiting %v, fault %+v", all, l.Waiting(), l.FirstFault())
		}
		for _, name := range []string{"a", "b", "heavy"} {
			if !l.Note(vrrp.TrackCheck, name, vrrp.TrackerUp, 0, "", now) {
				t.Errorf("%s has come up, but Note reports no change", name)
			}
		}
		if l.Note(vrrp.TrackCheck, "a", vrrp.TrackerUp, 0, "", now) || l.Note(vrrp.TrackInterface, "a", vrrp.TrackerDown, 0, "", now) {
			t.Error("Note reports a change for a known state, or for another kind of tracker")
		}
		l.Note(vrrp.TrackCheck, "a", vrrp.TrackerDown, 0, "no", now)
		l.Note(vrrp.TrackCheck, "heavy", vrrp.TrackerDown, 0, "no", now)
		if got := l.FirstFault() != nil; got == all || l.Waiting() {
			t.Errorf("FaultAll %v, one of two down: fault %v, waiting %v", all, got, l.Waiting())
		}
		l.Note(vrrp.TrackCheck, "b", vrrp.TrackerDown, 0, "no", now)
		if !l.Causes("b", event.CheckFailed) || l.Causes("b", event.InterfaceDown) || l.Causes("heavy", event.CheckFailed) {
			t.Errorf("FaultAll %v, both down: %+v", all, l)
		}
	}
}

// TestReversed checks that a reversed tracker has failed while it is up.
func TestReversed(t *testing.T) {
	spare := vrrp.Tracker{Kind: vrrp.TrackInterface, Name: "eth9", Reverse: true}
	l := New(group(false, spare), now)
	if l.FirstFault() != nil {
		t.Error("a fault while it is down")
	}
	l.Note(vrrp.TrackInterface, "eth9", vrrp.TrackerUp, 0, "", now)
	if f := l.FirstFault(); f == nil || f.Reason() != event.InterfaceDown || f.EndReason() != event.InterfaceUp || f.Member != OfGroup {
		t.Errorf("no fault of the group while it is up: %+v", f)
	}
}

// TestOfMember checks that a tracker of a member belongs to that member alone, even with
// FaultAll.
func TestOfMember(t *testing.T) {
	cfg := group(true, a)
	cfg.Members[1].Track = []vrrp.Tracker{b}
	l := New(cfg, now)
	l.Note(vrrp.TrackCheck, "b", vrrp.TrackerDown, 0, "no", now)
	if l.FailedOf(0) || !l.FailedOf(1) || !l.Causes("b", event.CheckFailed) {
		t.Errorf("members with a failed tracker: %v, %v; causes a fault: %v", l.FailedOf(0), l.FailedOf(1), l.Causes("b", event.CheckFailed))
	}
	if l.Concerns("b", event.CheckFailed, 0) || !l.Concerns("b", event.CheckFailed, 1) || !l.Concerns("a", event.CheckFailed, 0) {
		t.Error("a fault is shown for the wrong member")
	}
}

// TestPriority checks that a weight counts once however often it is listed, that the sum stays
// between least and 254, and that the owner's priority does not change.
func TestPriority(t *testing.T) {
	plus := vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "a", Weight: 30}
	file := vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "b", Reported: true}
	for _, c := range []struct {
		name       string
		configured uint8
		least      int
		states     map[string]vrrp.TrackerState
		change     int
		want       uint8
	}{
		{"nothing is known", 100, 1, nil, 0, 100},
		{"a positive weight while up", 100, 1, map[string]vrrp.TrackerState{"a": vrrp.TrackerUp}, 0, 130},
		{"none while down", 100, 1, map[string]vrrp.TrackerState{"a": vrrp.TrackerDown}, 0, 100},
		{"a negative weight while down, once", 100, 1, map[string]vrrp.TrackerState{"heavy": vrrp.TrackerDown}, 0, 80},
		{"none while up", 100, 1, map[string]vrrp.TrackerState{"heavy": vrrp.TrackerUp}, 0, 100},
		{"a reported change", 100, 1, map[string]vrrp.TrackerState{"b": vrrp.TrackerUp}, -7, 93},
		{"no reported change while down", 100, 1, map[string]vrrp.TrackerState{"b": vrrp.TrackerDown}, -7, 100},
		{"at least 1", 100, 1, map[string]vrrp.TrackerState{"b": vrrp.TrackerUp}, -250, 1},
		{"at least 3 with last_standing", 100, 3, map[string]vrrp.TrackerState{"b": vrrp.TrackerUp}, -250, 3},
		{"at most 254", 250, 1, map[string]vrrp.TrackerState{"a": vrrp.TrackerUp}, 0, 254},
		{"the owner", vrrp.Owner, 1, map[string]vrrp.TrackerState{"heavy": vrrp.TrackerDown}, 0, vrrp.Owner},
	} {
		l := New(group(false, plus, file, heavy), now)
		for name, state := range c.states {
			l.Note(vrrp.TrackCheck, name, state, c.change, "", now)
		}
		if got := l.Priority(c.configured, c.least); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestWaiting checks that the group waits for the first result of each check except the neutral ones,
// which add nothing until then.
func TestWaiting(t *testing.T) {
	neutral := vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "n", Weight: -30, Neutral: true}
	l := New(group(false, a, neutral), now)
	if !l.Waiting() {
		t.Error("it does not wait for a")
	}
	l.Note(vrrp.TrackCheck, "heavy", vrrp.TrackerUp, 0, "", now)
	l.Note(vrrp.TrackCheck, "a", vrrp.TrackerUp, 0, "", now)
	if got := l.Priority(100, 1); l.Waiting() || got != 100 {
		t.Errorf("waiting: %v, priority %d, before the neutral check has a result", l.Waiting(), got)
	}
	l.Note(vrrp.TrackCheck, "n", vrrp.TrackerDown, 0, "", now)
	if got := l.Priority(100, 1); got != 70 {
		t.Errorf("priority %d once the neutral check has failed", got)
	}
}

// TestKeep checks that a reload keeps the known states, and uses the state of a link that is
// newly tracked.
func TestKeep(t *testing.T) {
	before := New(group(false, a), now)
	before.Note(vrrp.TrackCheck, "a", vrrp.TrackerDown, 0, "no", now)
	link := vrrp.Tracker{Kind: vrrp.TrackInterface, Name: "eth9"}
	l := New(group(false, link, a, b), now.Add(time.Hour))
	l.Keep(before, []event.Link{{Name: "eth9", Usable: true}})
	st := l.Status()[2]
	if st[0].State != vrrp.TrackerUp || st[1].State != vrrp.TrackerDown || !st[1].Since.Equal(now) || st[1].Err != "no" || st[2].State != vrrp.TrackerWaiting {
		t.Errorf("after the reload: %+v", st)
	}
}

// TestStatus checks that the snapshot stays the same until an entry changes.
func TestStatus(t *testing.T) {
	l := New(group(false, a), now)
	if !l.Changed() {
		t.Error("there is a snapshot before the first call of Status")
	}
	first := l.Status()
	if len(first) != 3 || len(first[1]) != 1 || len(first[2]) != 1 || l.Changed() {
		t.Errorf("%+v, changed: %v", first, l.Changed())
	}
	l.Note(vrrp.TrackCheck, "a", vrrp.TrackerUp, 0, "", now)
	if !l.Changed() || l.Status()[2][0].State != vrrp.TrackerUp || first[2][0].State != vrrp.TrackerWaiting {
		t.Error("the change is missing in the new snapshot, or appears in the old one")
	}
}
