package machine

import (
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestTrackers: a failed tracker is a fault at once, or with FaultAll when all that the
// group lists have failed; weights are added once however often a tracker is listed.
func TestTrackers(t *testing.T) {
	a, b := vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "a"}, vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "b"}
	heavy := vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "heavy", Weight: -20}
	now := time.Unix(0, 0)
	for _, all := range []bool{false, true} {
		m := &member{Instance: &vrrp.Instance{Track: []vrrp.Tracker{heavy}}}
		l := newTrackers(&vrrp.Group{FaultAll: all, Track: []vrrp.Tracker{a, b, heavy}}, []*member{m}, now)
		if !l.awaitChecks() || l.firstFault() != nil {
			t.Errorf("FaultAll %v, at first: awaits %v, fault %+v", all, l.awaitChecks(), l.firstFault())
		}
		for _, name := range []string{"a", "b", "heavy"} {
			if !l.note(vrrp.TrackCheck, name, vrrp.TrackerUp, 0, "", now) {
				t.Errorf("%s up is no news", name)
			}
		}
		if l.note(vrrp.TrackCheck, "a", vrrp.TrackerUp, 0, "", now) || l.note(vrrp.TrackInterface, "a", vrrp.TrackerDown, 0, "", now) {
			t.Error("what is known, or is of another kind, is news")
		}
		l.note(vrrp.TrackCheck, "a", vrrp.TrackerDown, 0, "no", now)
		l.note(vrrp.TrackCheck, "heavy", vrrp.TrackerDown, 0, "no", now)
		if got := l.firstFault() != nil; got == all {
			t.Errorf("FaultAll %v, one of two down: fault %v", all, got)
		}
		if l.awaitChecks() || l.weights() != -20 {
			t.Errorf("awaits %v, weights %d, want -20", l.awaitChecks(), l.weights())
		}
		l.note(vrrp.TrackCheck, "b", vrrp.TrackerDown, 0, "no", now)
		if !l.cause(faultKey{"b", event.CheckFailed}) || l.cause(faultKey{"heavy", event.CheckFailed}) {
			t.Errorf("FaultAll %v, both down: %+v", all, l)
		}
	}
}
