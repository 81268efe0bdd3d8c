package lab

import (
	"fmt"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// TestTiedBackups runs three routers. Both Backups have equal priority, and their addresses are
// ordered differently on the two segments of the group: when the Active stops, one of them serves
// both segments within 1.5 Active_Down_Intervals, in 30 of 30 cases.
func TestTiedBackups(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const (
		lans     = 6
		rounds   = 5
		interval = 300 * time.Millisecond
	)
	for i := range lans {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			s := newSiteOf(t, bothSegments, crossed()...)
			began := time.Now()
			a := s.start("a", router{150, interval, ""})
			a.becomes("active", began, 2*patience)
			b, c := s.start("b", router{100, interval, ""}), s.start("c", router{100, interval, ""})
			b.becomes("backup", began, 5*time.Second)
			c.becomes("backup", began, 5*time.Second)
			in, out := s.watch(inside, 5*time.Millisecond), s.watch(outside, 5*time.Millisecond)
			for round := range rounds {
				time.Sleep(3 * interval)
				at := a.kill()
				limit := at.Add(downInterval(100, interval) * 3 / 2)
				time.Sleep(time.Until(limit))
				one, other := s.answerer(inside, in, limit), s.answerer(outside, out, limit)
				for one != other && time.Since(limit) < patience { // who gives way may not be rid of its addresses
					now := time.Now()
					one, other = s.answerer(inside, in, now), s.answerer(outside, out, now)
				}
				if one != other {
					t.Errorf("round %d: %s serves inside and %s outside", round, one, other)
				}
				again := time.Now()
				a = s.start("a", router{150, interval, ""})
				a.becomes("active", again, 2*patience)
			}
		})
	}
}

// crossed is a LAN on which b's address is below c's inside and above it outside.
func crossed() []lan.Port {
	var ports []lan.Port
	for _, s := range bothSegments {
		for i, host := range []string{"a", "b", "c", "client"} {
			number := 11 + i
			if s == outside && (host == "b" || host == "c") {
				number = 11 + 3 - i
			}
			address := fmt.Sprintf("%s.%d/24", s.network, number)
			ports = append(ports, lan.Port{Host: host, Name: s.ifname, Segment: s.name, Options: lan.Options{Addresses: lan.Addresses(address)}})
		}
	}
	return ports
}

// answerer names the first host but a that answers after an instant: the kernel
// of a killed router keeps its addresses, and answers.
func (s *site) answerer(seg segment, w *lan.Watch, since time.Time) string {
	s.t.Helper()
	killed := s.Cable("a", seg.ifname).MAC()
	a, err := w.WaitAnswer(patience, func(a lan.Answer) bool { return a.At.After(since) && a.MAC != killed })
	if err != nil {
		s.t.Fatalf("no router serves %s: %v", seg.name, err)
	}
	for _, host := range []string{"b", "c"} {
		if s.Cable(host, seg.ifname).MAC() == a.MAC {
			return host
		}
	}
	return a.MAC.String()
}
