package lab

import (
	"fmt"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// TestTapCarrier checks that the router follows the carrier of a tap, which its owner sets as a
// driver sets that of a NIC, and which is announced as late. If a loss is over before the daemon
// could read it, the kernel's counter shows it: at least a flap is logged.
func TestTapCarrier(t *testing.T) {
	t.Parallel()
	s, carrier := newTapSite(t, "a")
	r := router{150, 100 * time.Millisecond, ""}
	a := s.startYAML("a", "links: {default: {recovery: {wait: 0}}}\n"+r.yaml(s, s.socket("a")))
	a.becomes("active", time.Time{}, 5*time.Second)
	for range 3 {
		at := carrier(false)
		if l := a.becomes("fault", at, patience); l.Reason != "interface-down" {
			t.Errorf("in Fault for %s", l.Reason)
		}
		a.becomes("active", carrier(true), patience)
	}
	before := a.status().Links[0].CarrierDownCount
	at := carrier(false)
	carrier(true)
	logged := a.wait(at, patience, "the flap", func(l line) bool { return l.Event == "link.flapped" || l.Event == "link.down" })
	t.Logf("a loss of no time is logged as %s by %s", logged.Event, logged.Source)
	a.wait(at, patience, "that it is usable", func(line) bool { return a.state() == "active" })
	if after := a.status().Links[0].CarrierDownCount; after != before+1 {
		t.Errorf("carrier_down_count was %d and is %d, want one more", before, after)
	}
}

// newTapSite makes a host whose eth0 is a tap, and gives what sets its carrier.
func newTapSite(t *testing.T, host string) (s *site, carrier func(on bool) time.Time) {
	t.Helper()
	s = newSiteOf(t, []segment{inside}, lan.Port{Host: host, Name: "eth9", Segment: "elsewhere"})
	var tap *netns.Tap
	err := s.Host(host).Do(func() (err error) {
		tap, err = netns.NewTap("eth0")
		return err
	})
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = tap.Close() })
	s.commands(host, "address add 192.0.2.11/24 dev eth0; link set eth0 up")
	return s, func(on bool) time.Time {
		t.Helper()
		at := time.Now()
		if err := tap.SetCarrier(on); err != nil {
			t.Fatal(err)
		}
		return at
	}
}

// TestDebounceFromOutside checks that a loss shorter than down_delay causes no transition: it is
// logged as a flap when it is over, and the Active announces its addresses again, since the switch
// may have forgotten its port. A longer loss counts after down_delay, and the return after
// up_delay.
func TestDebounceFromOutside(t *testing.T) {
	t.Parallel()
	const downDelay, upDelay = 2 * time.Second, 400 * time.Millisecond
	s := newSite(t, []segment{inside}, "a")
	r := router{150, 100 * time.Millisecond, "announce: {count: 1, again_after: 1h}"}
	a := s.startYAML("a", fmt.Sprintf("links: {default: {down_delay: %v, up_delay: %v, recovery: {wait: 0}}}\n", downDelay, upDelay)+
		r.yaml(s, s.socket("a")))
	a.becomes("active", time.Time{}, 5*time.Second)
	s.standing(insideIPv4)
	before := a.status().Links[0]

	time.Sleep(300 * time.Millisecond) // the announcements are over
	s.lladdr("02:00:00:00:00:99")
	at := s.pull("a", inside)
	time.Sleep(150 * time.Millisecond)
	s.plug("a", inside)
	a.wait(at, patience, "a flap", func(l line) bool { return l.Event == "link.flapped" && l.Interface == "eth0" })
	s.knows(s.Cable("a", "eth0").MAC().String())
	time.Sleep(time.Until(at.Add(downDelay + upDelay + 200*time.Millisecond)))
	if moves := a.moves(at); len(moves) != 0 {
		t.Errorf("a loss of less than down_delay moves it to %s: %s", moves[0].To, moves[0].Msg)
	}
	if now := a.status().Links[0]; !now.Up || now.CarrierDownCount != before.CarrierDownCount+1 || now.CarrierUpCount != before.CarrierUpCount+1 {
		t.Errorf("the link was %+v, and is %+v after one flap", before, now)
	}

	at = s.pull("a", inside)
	fault := a.becomes("fault", at, 5*time.Second)
	s.within("cable out → Fault", at.Round(0), fault.TS, downDelay, downDelay+slack)
	back := s.plug("a", inside)
	backup := a.becomes("backup", back, 5*time.Second)
	s.within("cable in → Backup", back.Round(0), backup.TS, upDelay, upDelay+slack)
}
