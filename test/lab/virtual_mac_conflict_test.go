package lab

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// answeredAt waits until a station answers for the address with that MAC.
func (s *site) answeredAt(p *lan.Prober, address string, want lan.MAC) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		mac, ok, err := p.Ask(netip.MustParseAddr(address), 100*time.Millisecond)
		if err != nil {
			s.t.Fatal(err)
		}
		if ok && mac == want {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s is answered by %v (%v), want %v", address, mac, ok, want)
		}
	}
}

// addVirtualMACLink adds a macvlan with the virtual MAC of VRID 51 and sets it up, as keepalived does.
func (s *site) addVirtualMACLink(host, name, mode string) {
	s.t.Helper()
	s.ip(host, "link", "add", name, "link", "eth0", "address", virtual4.String(), "type", "macvlan", "mode", mode)
	s.ip(host, "link", "set", name, "up")
}

// TestLinkWithTheVirtualMAC checks that the start removes the macvlan of a killed keepalived, and
// that the router serves. Another link with the virtual MAC, or one that another daemon may use, is
// a fault that names it, and the Backup takes over.
func TestLinkWithTheVirtualMAC(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	p := s.prober(inside)
	s.addVirtualMACLink("a", "vrrp.51", "private")
	s.ip("a", "address", "add", "192.0.2.1/32", "dev", "vrrp.51")
	began := time.Now()
	a := s.start("a", router{150, often, "virtual_mac: true"})
	a.wait(began, patience, "the removal of the leftover", is("device.replaced"))
	a.becomes("active", began, patience)
	s.answeredAt(p, "192.0.2.1", virtual4)
	b := s.start("b", router{100, often, "virtual_mac: true"})
	b.becomes("backup", began, patience)

	at := time.Now()
	s.addVirtualMACLink("b", "mv0", "bridge") // the kernel refuses it while ours is up
	fault := b.wait(at, 10*time.Second, "the fault", is("instance.fault"))
	if !strings.Contains(fault.Msg, "ip link del mv0") {
		t.Errorf("the fault does not say what to do: %s", fault.Msg)
	}
	b.becomes("fault", at, patience)
	faults := b.status().Instances[0].Faults
	if len(faults) == 0 || faults[0].Reason != "mac-conflict" {
		t.Errorf("status has the faults %v", faults)
	}
	at = time.Now()
	s.ip("b", "link", "del", "mv0")
	b.becomes("backup", at, 20*time.Second)
	at = s.pull("a", inside)
	b.becomes("active", at, patience)
	s.answeredAt(p, "192.0.2.1", virtual4)
	b.signal(syscall.SIGTERM)
	<-b.Exited
	s.plug("a", inside)

	// The macvlan looks like a leftover, but another daemon that uses VRRP runs.
	a.signal(syscall.SIGTERM)
	<-a.Exited
	var raw int
	err := s.Host("a").Do(func() (err error) {
		raw, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, 112)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.addVirtualMACLink("a", "vrrp.51", "private")
	at = time.Now()
	a = s.start("a", router{150, often, "virtual_mac: true"})
	a.becomes("fault", at, patience)
	if err := syscall.Close(raw); err != nil {
		t.Fatal(err)
	}
	a.wait(at, 10*time.Second, "the removal of the leftover", is("device.replaced"))
	a.becomes("active", at, 20*time.Second)
	s.answeredAt(p, "192.0.2.1", virtual4)
}

// TestVirtualMACOnMacvlan uses a macvlan as the interface, with virtual MACs of both families: the
// kernel puts their macvlans on the lowest link. They are created once, serve, and are gone at the
// end.
func TestVirtualMACOnMacvlan(t *testing.T) {
	t.Parallel()
	s := newSiteOf(t, []segment{inside},
		lan.Port{Host: "a", Name: "low0", Segment: "inside"},
		lan.Port{Host: "client", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses("192.0.2.13/24", "2001:db8:51::13/64")}})
	s.ip("a", "link", "add", "eth0", "link", "low0", "type", "macvlan", "mode", "bridge")
	s.ip("a", "address", "add", "192.0.2.11/24", "dev", "eth0")
	s.ip("a", "address", "add", "2001:db8:51::11/64", "dev", "eth0", "nodad")
	s.ip("a", "link", "set", "eth0", "up")
	before := s.devices("a")
	began := time.Now()
	a := s.startVirtual("a", 150, often)
	a.becomes("active", began, 10*time.Second)
	s.askVirtual(s.prober(inside))
	a.never(began, "device.removed")
	a.signal(syscall.SIGTERM)
	<-a.Exited
	if after := s.devices("a"); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// TestVirtualMACWithoutIPv6ByDefault checks that the macvlan with the virtual MAC has IPv6 although
// new links have none by default (net.ipv6.conf.default.disable_ipv6).
func TestVirtualMACWithoutIPv6ByDefault(t *testing.T) {
	t.Parallel()
	s := virtualSite(t, "a", "b")
	for _, host := range []string{"a", "b"} {
		s.command(host, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
	}
	began := time.Now()
	a := s.startVirtual("a", 150, often)
	a.becomes("active", began, patience)
	s.askVirtual(s.prober(inside))
	b := s.startVirtual("b", 100, often)
	b.becomes("backup", began, patience)
	a.never(began, "address.failed")
}

// TestVirtualMACIsRestored lets another program change the macvlan with the virtual MAC: the daemon
// restores it, and removes it at its end.
func TestVirtualMACIsRestored(t *testing.T) {
	t.Parallel()
	s := virtualSite(t, "a", "b")
	before := s.devices("b")
	began := time.Now()
	a := s.startVirtual("a", 150, often)
	a.becomes("active", began, patience)
	b := s.startVirtual("b", 100, often)
	b.becomes("backup", began, patience)
	p := s.prober(inside)
	for _, change := range [][]string{
		{"link", "set", "vrrp.51", "alias", "uplink"}, {"link", "set", "vrrp6.51", "alias", ""},
		{"link", "set", "vrrp.51", "mtu", "1400"}, {"link", "set", "vrrp6.51", "mtu", "1200"},
	} {
		for host, d := range map[string]*daemon{"a": a, "b": b} {
			at := time.Now()
			s.ip(host, change...)
			d.wait(at, 10*time.Second, "device "+strings.Join(change, " "), func(l line) bool {
				return l.Event == "device.mended" || l.Event == "device.added"
			})
			if text := s.ip(host, "link", "show"); strings.Contains(text, "mtu 1400") || strings.Contains(text, "mtu 1200") || strings.Contains(text, "uplink") {
				t.Errorf("%v: %s", change, text)
			}
		}
	}
	s.askVirtual(p)
	s.ip("b", "link", "set", "vrrp.51", "up") // it is a Backup
	s.awaitLink("b", "vrrp.51", true, false)
	b.signal(syscall.SIGTERM)
	<-b.Exited
	if after := s.devices("b"); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}
