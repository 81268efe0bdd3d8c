package lab

import (
	"fmt"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// TestBlockedPort blocks a switch port by its spanning tree, so that it has carrier and forwards
// nothing. The router behind it does not take this for a silent Active: there is no second Active,
// and the router is Backup within 0.5 s of two adverts that pass.
func TestBlockedPort(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, tt := range []struct {
		name    string
		heard   bool // it has heard a peer before
		blocked time.Duration
	}{
		// Several Active_Down_Intervals, less than recovery.wait.
		{"heard a peer before", true, 6 * time.Second},
		{"Active from its start, never heard a peer", false, 6 * time.Second},
		{"as long as a spanning tree does by default", true, 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const interval = 500 * time.Millisecond
			blocked := tt.blocked
			s, a, b := pair(t, []segment{inside}, interval, "")
			if tt.heard {
				at := s.pull("a", inside)
				b.becomes("active", at, 5*time.Second)
				at = s.plug("a", inside)
				a.becomes("active", at, 5*time.Second)
				b.becomes("backup", at, 5*time.Second)
			}
			if err := s.Segment(inside.name).SpanningTree(blocked / 2); err != nil {
				t.Fatal(err)
			}
			sniffer := s.sniff(inside)
			at := s.pull("a", inside)
			b.becomes("active", at, 5*time.Second)
			back := s.plug("a", inside)
			holding := a.wait(back, patience, "that it recovers", func(l line) bool {
				return l.Event == "instance.holding" && l.Reason == "recovery"
			})
			backup := a.becomes("backup", back, blocked+3*time.Second)
			for _, l := range a.log(back) {
				if l.Event == "instance.transition" && l.To == "active" && l.TS.Before(backup.TS) {
					t.Errorf("a second Active %v after the carrier: %s", l.TS.Sub(back.Round(0)), l.Msg)
				}
			}
			for _, x := range sniffer.Adverts() {
				if x.Host == "a" && x.At.After(back) && x.At.Round(0).Before(backup.TS) {
					t.Errorf("a advertises %v after the carrier, from behind a blocked port", x.At.Sub(back))
				}
			}
			// The kernel's timer is some ms late: an advert at that moment may not pass.
			forwards := back.Add(blocked)
			first := nthAdvert(t, sniffer, "b", forwards.Add(-50*time.Millisecond), 1)
			second := nthAdvert(t, sniffer, "b", forwards.Add(300*time.Millisecond), 2)
			t.Logf("holding from %v, forwarding from %v, Backup at %v after the carrier, two adverts at most at %v",
				holding.TS.Sub(back.Round(0)), blocked, backup.TS.Sub(back.Round(0)), second.Sub(back))
			if backup.Reason != "recovered" || backup.TS.Before(first.Round(0)) || backup.TS.Sub(second.Round(0)) > 500*time.Millisecond+slack {
				t.Errorf("Backup for %s, %v after two adverts, want recovered and at most 0.5s and little more", backup.Reason, backup.TS.Sub(second.Round(0)))
			}
			a.becomes("active", back, blocked+8*time.Second) // it is better
		})
	}
}

// nthAdvert is when a host's n-th advert after an instant passed.
func nthAdvert(t *testing.T, s *lan.Sniffer, host string, since time.Time, n int) time.Time {
	t.Helper()
	count := 0
	x, err := s.WaitAdvert(5*time.Second, func(x lan.Advert) bool {
		if x.Host == host && x.At.After(since) {
			count++
		}
		return count == n
	})
	if err != nil {
		t.Fatal(err)
	}
	return x.At
}

// TestSwitchReboots reboots the switch of both routers and a host, with spanning tree: one router
// is Active within an Active_Down_Interval and a second after the first of their ports forwards.
func TestSwitchReboots(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		t.Run(fmt.Sprintf("%s forwards first", order[0]), func(t *testing.T) {
			t.Parallel()
			const (
				interval = 500 * time.Millisecond
				blocked  = 4 * time.Second
			)
			s, a, b := pair(t, []segment{inside}, interval, "")
			watch, sniffer := s.watch(inside, 5*time.Millisecond), s.sniff(inside)
			s.servedBy("a", inside, watch, time.Time{}, 5*time.Second)
			if err := s.Segment(inside.name).SpanningTree(blocked / 2); err != nil {
				t.Fatal(err)
			}
			for _, host := range []string{"a", "b", "client"} {
				s.pull(host, inside)
			}
			a.wait(time.Time{}, patience, "fault", inFault)
			b.wait(time.Time{}, patience, "fault", inFault)
			s.plug("client", inside)
			back := s.plug(order[0], inside)
			time.Sleep(700 * time.Millisecond)
			s.plug(order[1], inside)

			forwards := back.Add(blocked)
			limit := downInterval(100, interval) + time.Second
			first, err := sniffer.WaitAdvert(time.Until(forwards.Add(limit+patience)), func(x lan.Advert) bool { return x.At.After(back) })
			if err != nil {
				t.Fatal(err)
			}
			s.within("the first port forwards → an Active", forwards, first.At, 0, limit)
			if _, err := watch.WaitAnswer(patience, func(x lan.Answer) bool { return x.At.After(first.At) }); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * downInterval(100, interval)) // the better one may preempt
			if !s.holds("a", inside) || s.holds("b", inside) {
				t.Errorf("a holds the address: %v, b: %v; want a alone", s.holds("a", inside), s.holds("b", inside))
			}
		})
	}
}
