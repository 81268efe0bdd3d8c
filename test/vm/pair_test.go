package vm

import (
	"testing"
	"time"
)

// Two guests on one segment: the Active's cable is pulled and the other takes
// over, though nothing tells it; plugged, the first waits and has it back.
func TestTwoGuests(t *testing.T) {
	p := need(t)
	for _, n := range nics {
		if n.name == "" {
			t.Run(n.device, func(t *testing.T) { n.failOver(t, p) })
		}
	}
}

func (n nic) failOver(t *testing.T, p platform) {
	s := newSwitch(t)
	const left, right = 11, 12
	a := start(t, p, s, host{device: n.device, modules: n.modules, number: left, priority: 150})
	b := start(t, p, s, host{device: n.device, modules: n.modules, number: right, priority: 100, links: alone}) // whom left will hear
	a.reaches(time.Time{}, bootTime, "active")
	b.reaches(time.Time{}, bootTime, "backup")
	time.Sleep(2 * time.Second) // whoever was first, left has it now
	if begin := time.Now().Add(-time.Second); len(s.since(left, begin)) == 0 || len(s.since(right, begin)) > 0 {
		t.Fatalf("in a second left sent %d adverts and right %d, want left's alone", len(s.since(left, begin)), len(s.since(right, begin)))
	}

	// RFC 9568 §6.1: three intervals and Skew_Time.
	const activeDown = 3*interval + (256-100)*interval/256
	pulled := a.cable(false)
	down := a.wait(pulled, 5*time.Second, "link.down", func(l line) bool { return l.Event == "link.down" })
	a.reaches(pulled, 5*time.Second, "fault")
	taken := b.reaches(pulled, 5*time.Second, "active")
	t.Logf("pull to link.down %v (%s), to the other Active %v, of which Active_Down_Interval is at most %v",
		down.at.Sub(pulled).Round(time.Millisecond), down.Source, taken.at.Sub(pulled).Round(time.Millisecond), activeDown)
	if late := taken.at.Sub(pulled) - activeDown; late > time.Second {
		t.Errorf("right took over %v after Active_Down_Interval, want within a second", late)
	}
	time.Sleep(time.Second)
	if l, ok, _ := a.find(down.at, func(l line) bool { return l.Event == "group.transition" && l.To != "fault" }); ok {
		t.Errorf("left, its cable out: %s", l.Msg)
	}
	if len(s.since(right, taken.at.Add(-time.Second))) == 0 {
		t.Error("right sent no advert that passed the switch")
	}

	plugged := a.cable(true)
	back := a.reaches(plugged, 15*time.Second, "active")
	gone := b.reaches(plugged, 15*time.Second, "backup")
	t.Logf("plug to Active again %v, the other Backup %v", back.at.Sub(plugged).Round(time.Millisecond), gone.at.Sub(plugged).Round(time.Millisecond))
	settled := time.Now()
	time.Sleep(time.Second)
	if l, r := len(s.since(left, settled)), len(s.since(right, settled)); l == 0 || r > 1 {
		t.Errorf("in a second left sent %d adverts and right %d, want left's alone", l, r)
	}
}
