package lab

import (
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// dropVRRP makes the firewall of a host drop adverts at a hook, of both
// families; the function takes the rule away.
func (s *site) dropVRRP(host, hook string) (since time.Time, allow func() time.Time) {
	s.t.Helper()
	nft := program(s.t, "nft")
	s.command(host, nft, "add table inet lab; "+
		"add chain inet lab vrrp { type filter hook "+hook+" priority 0; }; "+
		"add rule inet lab vrrp meta l4proto 112 drop")
	return time.Now(), func() time.Time {
		at := time.Now()
		s.command(host, nft, "delete table inet lab")
		return at
	}
}

// reigns lists when a host was Active by its adverts on the segment: from one of
// a priority above 0 to the last of a run without a gap or a resignation.
func reigns(adverts []lan.Advert, host string, gap time.Duration) (spans [][2]time.Time) {
	on := false
	for _, x := range adverts {
		switch {
		case x.Host != host:
		case x.Priority == 0:
			on = false
		case on && x.At.Sub(spans[len(spans)-1][1]) < gap:
			spans[len(spans)-1][1] = x.At
		default:
			spans = append(spans, [2]time.Time{x.At, x.At})
			on = true
		}
	}
	return spans
}

// rivalry is how long a and b advertised side by side, at most.
func rivalry(adverts []lan.Advert, interval time.Duration) (longest time.Duration) {
	for _, one := range reigns(adverts, "a", 3*interval) {
		for _, other := range reigns(adverts, "b", 3*interval) {
			end := one[1]
			if other[1].Before(end) {
				end = other[1]
			}
			longest = max(longest, end.Sub(later(one[0], other[0])))
		}
	}
	return longest
}

// A firewall on the Active drops the adverts that it sends. The other takes
// over, the Active hears it, knows that its own sends fail, and gives its
// address up: there is one router from an interval after the takeover on. Ten
// seconds later it tries again, finds the firewall gone, and is Active as
// before.
func TestFirewallDropsSends(t *testing.T) {
	t.Parallel()
	const interval = 200 * time.Millisecond
	s, a, b := pair(t, []segment{inside}, interval, "")
	watch, sniffer := s.watch(inside, 5*time.Millisecond), s.sniff(inside)
	s.servedBy("a", inside, watch, time.Now(), 2*time.Second)

	at, allow := s.dropVRRP("a", "output")
	first, err := sniffer.WaitAdvert(5*time.Second, func(x lan.Advert) bool { return x.Host == "b" && x.At.After(at) })
	if err != nil {
		t.Fatal(err)
	}
	fault := a.becomes("fault", at, 5*time.Second)
	if fault.Reason != "send-failed" {
		t.Errorf("a is in Fault for %q, want send-failed", fault.Reason)
	}
	t.Logf("a gave up %v after b's first advert", fault.TS.Sub(first.At.Round(0)))
	a.wait(at, time.Second, "advert.failed", func(l line) bool { return l.Event == "advert.failed" })
	b.becomes("active", at, time.Second)

	time.Sleep(time.Until(at.Add(9 * time.Second)))
	s.onlyOne(watch, first.At.Add(interval))
	if st := a.state(); st != "fault" || s.holds("a", inside) {
		t.Errorf("the firewall drops, and a is %s, holds the address: %v", st, s.holds("a", inside))
	}
	gone := allow()
	a.becomes("active", gone, 5*time.Second+downInterval(150, interval))
	b.becomes("backup", gone, 2*interval)
	served := s.servedBy("a", inside, watch, gone, time.Second)
	time.Sleep(4 * interval)
	s.onlyOne(watch, served.Add(interval))
}

// A firewall on the Backup drops what it receives. Nobody can tell it that there
// is an Active: both serve for as long as that lasts, and the Active says in its
// log that its adverts do not reach the other. When the firewall is gone there
// is one Active within an interval.
func TestFirewallDropsReceipts(t *testing.T) {
	t.Parallel()
	const interval = 200 * time.Millisecond
	s, a, b := pair(t, []segment{inside}, interval, "")
	watch, sniffer := s.watch(inside, 5*time.Millisecond), s.sniff(inside)

	at, allow := s.dropVRRP("b", "input")
	b.becomes("active", at, 5*time.Second)
	rival := a.wait(at, 5*time.Second, "advert.rival", func(l line) bool { return l.Event == "advert.rival" })
	if rival.Unheard {
		t.Error("a calls itself unheard at the first advert of b")
	}
	a.wait(at, 5*time.Second, "advert.rival, unheard", func(l line) bool { return l.Event == "advert.rival" && l.Unheard })
	time.Sleep(5 * interval)
	if !s.holds("a", inside) || !s.holds("b", inside) {
		t.Errorf("a holds the address: %v, b: %v; want both", s.holds("a", inside), s.holds("b", inside))
	}
	if moves := a.moves(at); len(moves) > 0 {
		t.Errorf("a moved: %s", moves[0].Msg)
	}

	gone := allow()
	moved := b.becomes("backup", gone, interval+slack)
	if moved.Reason != "higher-priority-backup" {
		t.Errorf("b went to Backup for %q", moved.Reason)
	}
	if d := rivalry(sniffer.Adverts(), interval); d < 5*interval {
		t.Errorf("two routers advertised side by side for %v only, want all the time of the firewall", d)
	}
	if len(watch.Timeline().Both()) == 0 {
		t.Error("the client was never answered by both")
	}
	time.Sleep(4 * interval)
	s.onlyOne(watch, gone.Add(interval+slack))
	s.servedBy("a", inside, watch, gone.Add(interval+slack), time.Second)
	if s.holds("b", inside) {
		t.Error("b still holds the address")
	}
}

// onlyOne fails the test if two routers answered one question since an instant.
func (s *site) onlyOne(w *lan.Watch, since time.Time) {
	s.t.Helper()
	for _, at := range w.Timeline().Both() {
		if at.After(since) {
			s.t.Errorf("both routers answered %v after there should have been one", at.Sub(since))
			return
		}
	}
}
