package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// TestSourceOfTheSubnet checks that adverts are sent from the address in the subnet of the peer or
// of the virtual address, so that they are accepted, although an address of another subnet is the
// first on the interface.
func TestSourceOfTheSubnet(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, unicast := range []bool{true, false} {
		t.Run(fmt.Sprintf("unicast %v", unicast), func(t *testing.T) {
			t.Parallel()
			const interval = 100 * time.Millisecond
			s := newSite(t, []segment{inside}, "a", "b")
			s.ip("b", "addr", "flush", "dev", "eth0", "scope", "global")
			s.ip("b", "addr", "add", "10.9.9.9/32", "dev", "eth0")
			s.ip("b", "addr", "add", "192.0.2.12/24", "dev", "eth0")
			more := map[string]string{}
			if unicast {
				more = map[string]string{"a": "unicast: {peers: [192.0.2.12]}", "b": "unicast: {peers: [192.0.2.11]}"}
			}
			began := time.Now()
			sniffer := s.sniff(inside)
			a := s.start("a", router{100, interval, more["a"]})
			a.becomes("active", began, 5*time.Second)
			since := time.Now()
			b := s.start("b", router{150, interval, more["b"]})
			b.becomes("active", since, 5*time.Second)
			a.becomes("backup", since, patience)
			time.Sleep(2 * downInterval(100, interval))
			if a.state() != "backup" || b.state() != "active" {
				t.Errorf("a is %s, b is %s", a.state(), b.state())
			}
			for _, x := range sniffer.Adverts() {
				if x.Host == "b" && x.Source.String() != "192.0.2.12" {
					t.Errorf("b advertises from %v", x.Source)
				}
			}
			a.never(since, "advert.rejected")
		})
	}
}

// TestOwnAddressReplaced replaces the interface's own address, with the old one removed before or
// after, also if another instance has an address of that subnet there, which then becomes the
// primary one: no router changes state, and adverts are sent from the new address.
func TestOwnAddressReplaced(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for name, tt := range map[string]struct{ first, change string }{
		"make before break": {"", "addr add 192.0.2.31/24 dev eth0; addr del 192.0.2.11/24 dev eth0"},
		"break before make": {"", "addr del 192.0.2.11/24 dev eth0; addr add 192.0.2.31/24 dev eth0"},
		"beside a virtual address that was first": {
			"addr add 192.0.2.31/24 dev eth0; addr del 192.0.2.11/24 dev eth0; addr add 192.0.2.11/24 dev eth0; addr del 192.0.2.31/24 dev eth0",
			"addr add 192.0.2.31/24 dev eth0; addr del 192.0.2.11/24 dev eth0"},
		"another length": {"", "addr add 192.0.2.31/25 dev eth0; addr del 192.0.2.11/24 dev eth0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const interval = 200 * time.Millisecond
			s := newSite(t, []segment{inside}, "a", "b")
			two := func(priority int, host string) string {
				return fmt.Sprintf("log: {level: debug}\ncontrol: {socket: %s}\ndefaults: {interface: eth0, priority: %d, interval: %v}\n"+
					"instances:\n  - {name: inside, vrid: 51, addresses: [192.0.2.1/24]}\n  - {name: other, vrid: 52, addresses: [192.0.2.2/24]}\n",
					s.socket(host), priority, interval)
			}
			began := time.Now()
			a := s.startYAML("a", two(150, "a"))
			a.becomes("active", began, 5*time.Second)
			b := s.startYAML("b", two(100, "b"))
			b.becomes("backup", began, 5*time.Second)
			s.commands("a", tt.first)
			sniffer, at := s.sniff(inside), time.Now()
			s.batch("a", strings.ReplaceAll(tt.change, "; ", "\n")+"\n")
			if _, err := sniffer.WaitAdvert(patience, func(x lan.Advert) bool { return x.Source.String() == "192.0.2.31" }); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * downInterval(100, interval))
			for _, d := range []*daemon{a, b} {
				if moves := d.moves(at); len(moves) > 0 {
					t.Errorf("%s became %s: %s", d.name, moves[0].To, moves[0].Reason)
				}
			}
			if shown := s.ip("a", "-4", "-o", "addr", "show", "dev", "eth0"); !strings.Contains(shown, "192.0.2.1/24") || !strings.Contains(shown, "192.0.2.2/24") {
				t.Errorf("a holds\n%s", shown)
			}
		})
	}
}

// TestResignsThoughItsSourceIsGone removes the Active's own address for good: the Active resigns
// from it nevertheless, so that the Backup need not wait for silence.
func TestResignsThoughItsSourceIsGone(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for name, tt := range map[string]struct {
		on      shared
		change  string
		unicast bool
	}{
		"IPv4":               {on: insideIPv4, change: "addr del 192.0.2.11/24 dev eth0"},
		"IPv4 to a peer":     {on: insideIPv4, change: "addr del 192.0.2.11/24 dev eth0", unicast: true},
		"IPv6":               {on: insideIPv6, change: "addr del LINKLOCAL dev eth0"},
		"IPv6 is turned off": {on: insideIPv6, change: "SYSCTL disable_ipv6 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const interval = time.Second
			more := map[string]string{}
			s := newSiteOf(t, []segment{inside},
				lan.Port{Host: "a", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses(fmt.Sprintf(tt.on.hosts, 11))}},
				lan.Port{Host: "b", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses(fmt.Sprintf(tt.on.hosts, 12))}})
			if tt.unicast {
				more = map[string]string{"a": ", unicast: {peers: [192.0.2.12]}", "b": ", unicast: {peers: [192.0.2.11]}"}
			}
			start := func(host string, priority int) *daemon {
				return s.startYAML(host, fmt.Sprintf("log: {level: debug}\ncontrol: {socket: %s}\ninstances:\n"+
					"  - {name: inside, interface: eth0, vrid: 51, priority: %d, interval: %v, addresses: [%s]%s}\n",
					s.socket(host), priority, interval, strings.Join(quoted(tt.on.virtual), ", "), more[host]))
			}
			began := time.Now()
			a := start("a", 200)
			a.becomes("active", began, 8*time.Second)
			b := start("b", 100)
			b.becomes("backup", began, 8*time.Second)
			time.Sleep(2 * interval)
			at := time.Now()
			s.commands("a", tt.change)
			a.wait(at, patience, "its resignation", func(l line) bool { return l.Event == "advert.sent" && l.Kind == "resign" })
			if l := b.becomes("active", at, 2*interval); l.Reason != "peer-resigned" {
				t.Errorf("b is Active for %s", l.Reason)
			}
			a.wait(at, patience, "what is wrong", func(l line) bool {
				return l.Level == "error" && l.Event == "instance.fault" && l.Reason == "no-primary-ip-address"
			})
		})
	}
}

// TestSourceOnTheLoopback checks that an address on the loopback interface can be the source, and
// that its loss is a fault that names it.
func TestSourceOnTheLoopback(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 100 * time.Millisecond
	s := newSite(t, []segment{inside}, "a", "b")
	s.ip("a", "addr", "add", "10.255.0.1/32", "dev", "lo")
	s.ip("b", "route", "add", "10.255.0.1/32", "via", "192.0.2.11")
	began := time.Now()
	a := s.start("a", router{150, interval, "source: 10.255.0.1, unicast: {peers: [192.0.2.12]}"})
	a.becomes("active", began, 5*time.Second)
	b := s.start("b", router{100, interval, "unicast: {peers: [10.255.0.1]}"})
	b.becomes("backup", began, 5*time.Second)
	time.Sleep(2 * downInterval(100, interval))
	if b.state() != "backup" {
		t.Errorf("b is %s", b.state())
	}
	gone := time.Now()
	s.ip("a", "addr", "del", "10.255.0.1/32", "dev", "lo")
	a.becomes("fault", gone, patience)
	f := a.status().Instances[0].Faults
	if len(f) != 1 || !strings.Contains(f[0].Error, "10.255.0.1") {
		t.Errorf("faults %+v", f)
	}
	b.becomes("active", gone, patience)
	back := time.Now()
	s.ip("a", "addr", "add", "10.255.0.1/32", "dev", "lo")
	a.becomes("active", back, 5*time.Second)
}

// TestDuplicateLinkLocal checks that the fault names the link-local source address of the adverts
// if another station has it.
func TestDuplicateLinkLocal(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	s := newSiteOf(t, []segment{inside},
		lan.Port{Host: "a", Name: "eth0", Segment: "inside"},
		lan.Port{Host: "b", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses("fe80::99/64")}})
	for _, key := range []string{"accept_dad", "dad_transmits"} {
		s.commands("a", "SYSCTL "+key+" 1")
	}
	s.ip("a", "addr", "flush", "dev", "eth0", "scope", "link")
	began := time.Now()
	a := s.startYAML("a", fmt.Sprintf("control: {socket: %s}\ninstances:\n"+
		"  - {name: inside, interface: eth0, vrid: 51, interval: 100ms, source: 'fe80::99', addresses: ['fe80::1/64']}\n", s.socket("a")))
	s.ip("a", "addr", "add", "fe80::99/64", "dev", "eth0")
	l := a.wait(began, 10*time.Second, "the duplicate", func(l line) bool {
		return l.Level == "error" && l.Event == "instance.fault" && l.Reason == "duplicate-address"
	})
	if !strings.Contains(l.Msg, "fe80::99") {
		t.Errorf("it logs %q", l.Msg)
	}
}
