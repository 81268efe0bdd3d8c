package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// instance runs ripcord on a host with one instance of these keys, as YAML flow.
func (s *site) instance(host string, priority int, keys string) *daemon {
	s.t.Helper()
	return s.startYAML(host, fmt.Sprintf("control: {socket: %s}\ninstances:\n  - {name: inside, interface: eth0, vrid: 51, priority: %d, interval: 200ms, %s}\n",
		s.socket(host), priority, keys))
}

// lacks reports whether the status names something that an instance lacks.
func (d *daemon) lacks(what string) bool {
	return slices.ContainsFunc(d.status().Instances[0].Missing, func(m string) bool { return strings.Contains(m, what) })
}

func (d *daemon) priority() int { return int(d.status().Instances[0].EffectivePriority) }

// bounded checks that no router moved more often than that.
func (s *site) bounded(since time.Time, most int) {
	s.t.Helper()
	for name, d := range s.daemons {
		if n := len(d.moves(since)); n > most {
			s.t.Errorf("%s moved %d times, want %d at most", name, n, most)
		}
	}
}

const onMissing = "198.51.100.1/24, interface: eth9"

// TestWhatNobodyCanPlace checks that an address that neither router can add causes one transition
// on each, and that then the router with the higher priority serves and stays Active.
func TestWhatNobodyCanPlace(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{
		"addresses: [192.0.2.1/24], extra_addresses: [{address: " + onMissing + "}]",
		"addresses: [192.0.2.1/24], routes: [{to: 203.0.113.0/24, via: 192.0.2.77, source: 192.0.2.78}]",
	} {
		s := newSite(t, []segment{inside}, "a", "b")
		began := time.Now()
		a, b := s.instance("a", 150, keys), s.instance("b", 100, keys)
		a.becomes("active", began, 5*time.Second)
		w := s.watch(inside, 20*time.Millisecond)
		served := time.Now()
		a.wait(began, 5*time.Second, "that it is impaired", is("instance.impaired"))
		b.becomes("active", served, 5*time.Second)
		b.wait(served, 5*time.Second, "that b is impaired too", is("instance.impaired"))
		again := time.Now()
		a.becomes("active", again, 20*time.Second)
		until(t, 5*time.Second, "a to know what it lacks", func() bool { return a.lacks("") })
		time.Sleep(2 * time.Second)
		if p := a.priority(); p != 150 || a.state() != "active" {
			t.Errorf("a is %s with priority %d, want active with its own: b lacks the same", a.state(), p)
		}
		s.bounded(began, 6)
		s.uninterrupted(w, served)
		s.unlogged(a, b)
	}
}

// TestWhatOneCannotPlace checks that a router that cannot add an address leaves the addresses to
// the other, which keeps them. When its link appears, it takes them again.
func TestWhatOneCannotPlace(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{
		"addresses: [192.0.2.1/24], extra_addresses: [{address: " + onMissing + "}]",
		"addresses: [192.0.2.1/24, {address: " + onMissing + "}]",
		"addresses: [192.0.2.1/24], routes: [{to: 203.0.113.0/24, interface: eth9}]",
	} {
		s := newSite(t, []segment{inside}, "a", "b")
		s.addEth9("b")
		began := time.Now()
		b := s.instance("b", 100, keys+", preempt: false")
		b.becomes("active", began, 5*time.Second)
		a := s.instance("a", 150, keys)
		at := a.becomes("active", began, 5*time.Second).TS
		w := s.watch(inside, 20*time.Millisecond)
		time.Sleep(100 * time.Millisecond)
		served := time.Now()
		b.becomes("active", at, 5*time.Second)
		if a.wait(at, time.Second, "a to be impaired", is("instance.impaired")); !a.lacks("eth9") || a.priority() != 1 {
			t.Errorf("a lacks %v, and has priority %d", a.status().Instances[0].Missing, a.priority())
		}
		time.Sleep(7 * time.Second) // longer than a fault that is tried again would need
		if b.state() != "active" || a.state() != "backup" {
			t.Errorf("a is %s, b %s", a.state(), b.state())
		}
		s.uninterrupted(w, served)
		at = time.Now()
		s.addEth9("a")
		a.becomes("active", at, 5*time.Second)
		time.Sleep(1500 * time.Millisecond)
		if a.state() != "active" || a.lacks("") || a.priority() != 150 {
			t.Errorf("with all in place a is %s with priority %d and lacks %v", a.state(), a.priority(), a.status().Instances[0].Missing)
		}
	}
}

// TestWhoCanPlaceNothing checks that a router that can add none of the addresses leaves them to the
// other, and does not take them again after every hold-off.
func TestWhoCanPlaceNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	began := time.Now()
	a := s.instance("a", 150, "addresses: [{address: 192.0.2.1/24, interface: eth9}]")
	if l := a.becomes("fault", began, 5*time.Second); l.Reason != "address-lost" {
		t.Errorf("it is in Fault for %q", l.Reason)
	}
	b := s.instance("b", 100, "addresses: [192.0.2.1/24]")
	b.becomes("active", began, 5*time.Second)
	time.Sleep(500 * time.Millisecond)
	w := s.watch(inside, 20*time.Millisecond)
	time.Sleep(100 * time.Millisecond)
	served := time.Now()
	time.Sleep(14 * time.Second)
	if a.state() != "fault" || b.state() != "active" {
		t.Errorf("a is %s, b %s", a.state(), b.state())
	}
	s.uninterrupted(w, served)
	s.bounded(began, 7)
}

// TestIPv6OffByDefault checks that the macvlan with the virtual MAC has IPv6 on a machine where new
// links have none.
func TestIPv6OffByDefault(t *testing.T) {
	t.Parallel()
	s := virtualSite(t, "a", "b")
	began := time.Now()
	for _, h := range []string{"a", "b"} {
		s.command(h, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
		s.startVirtual(h, map[string]int{"a": 150, "b": 100}[h], often)
		s.daemons["a"].becomes("active", began, 5*time.Second) // before b starts, which would be first on a busy machine
	}
	time.Sleep(3 * time.Second)
	if s.daemons["a"].lacks("") || s.daemons["a"].state() != "active" {
		t.Errorf("a is %s and lacks %v", s.daemons["a"].state(), s.daemons["a"].status().Instances[0].Missing)
	}
	s.askVirtual(s.prober(inside))
	s.bounded(began, 2)
}

// TestAnotherPair checks that status shows another virtual router with this VRID for as long as it
// exists.
func TestAnotherPair(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	began := time.Now()
	b := s.instance("b", 200, "addresses: [192.0.2.200/24]")
	b.becomes("active", began, 5*time.Second)
	a := s.instance("a", 150, "addresses: [192.0.2.1/24]")
	l := a.wait(began, 5*time.Second, "a warning", is("instance.warning"))
	if l.Level != "error" || l.Reason != "other-addresses" || !strings.Contains(l.Msg, "192.0.2.200") {
		t.Errorf("it logs %+v", l)
	}
	if st := a.status().Instances[0]; st.State != "backup" || len(st.Warnings) != 1 || st.Warnings[0].Reason != "other-addresses" {
		t.Errorf("status %+v", st)
	}
	if a.scrape()[`ripcord_instance_warning{family="ipv4",instance="inside",interface="eth0",vrid="51",reason="other-addresses",subject=""}`] != 1 {
		t.Error("it is not in the metrics")
	}
}

// addEth9 makes the interface that is missing.
func (s *site) addEth9(host string) {
	s.ip(host, "link", "add", "eth9", "type", "veth", "peer", "name", "far9")
	s.ip(host, "link", "set", "far9", "up")
	s.ip(host, "link", "set", "eth9", "up")
}

// uninterrupted checks that the client was without an answer for no longer than a
// move takes.
func (s *site) uninterrupted(w *lan.Watch, since time.Time) {
	s.t.Helper()
	if g := w.Timeline().LongestGap(since); g.Length() > 700*time.Millisecond {
		s.t.Errorf("no router answered for %v", g.Length())
	}
}

// count returns how often such a line was logged since an instant.
func (d *daemon) count(since time.Time, match func(line) bool) (n int) {
	for _, l := range d.log(since) {
		if match(l) {
			n++
		}
	}
	return n
}

// until waits until something is so.
func until(t *testing.T, within time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s for %v", what, within)
		}
	}
}

// unlogged checks that no router repeats a message again and again.
func (s *site) unlogged(all ...*daemon) {
	s.t.Helper()
	for _, d := range all {
		if n := d.count(time.Time{}, is("instance.impaired")); n > 6 {
			s.t.Errorf("%s logs %d times that it is impaired", d.name, n)
		}
	}
}
