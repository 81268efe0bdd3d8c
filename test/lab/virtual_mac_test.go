package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// The virtual MACs of VRID 51, and the MAC of each virtual address on the segment inside.
var (
	virtual4 = lan.MAC{0x00, 0x00, 0x5e, 0x00, 0x01, 51}
	virtual6 = lan.MAC{0x00, 0x00, 0x5e, 0x00, 0x02, 51}

	virtualAddresses = map[netip.Addr]lan.MAC{
		netip.MustParseAddr("192.0.2.1"):       virtual4,
		netip.MustParseAddr("fe80::51:1"):      virtual6,
		netip.MustParseAddr("2001:db8:51::1"):  virtual6,
		netip.MustParseAddr("2001:db8:51::99"): virtual6,
	}
)

// startVirtual runs ripcord with a group of one virtual router of each family, both with VRID 51.
func (s *site) startVirtual(host string, priority int, interval time.Duration) *daemon {
	s.t.Helper()
	return s.startYAML(host, fmt.Sprintf(`log: {level: debug}
control: {socket: %s}
defaults: {priority: %d, interval: %v, virtual_mac: true}
instances:
  - {name: four, interface: eth0, vrid: 51, addresses: [192.0.2.1/24]}
  - name: six
    interface: eth0
    vrid: 51
    addresses: [fe80::51:1/64, 2001:db8:51::1/64]
    extra_addresses: [2001:db8:51::99/64]
groups:
  - {name: edge, members: [four, six]}
`, s.socket(host), priority, interval))
}

// virtualSite creates a site with routers and a client, which have addresses of both families.
func virtualSite(t *testing.T, hosts ...string) *site {
	t.Helper()
	var ports []lan.Port
	for i, h := range append(slices.Clone(hosts), "client") {
		ports = append(ports, lan.Port{Host: h, Name: "eth0", Segment: "inside", Options: lan.Options{
			Addresses: lan.Addresses(fmt.Sprintf("192.0.2.%d/24", 11+i), fmt.Sprintf("2001:db8:51::%d/64", 11+i)),
		}})
	}
	return newSiteOf(t, []segment{inside}, ports...)
}

func (s *site) tap(host string) *lan.Tap {
	s.t.Helper()
	tap, err := s.Cable(host, "eth0").Tap()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(tap.Close)
	return tap
}

// virtual reports whether a frame comes from a virtual MAC.
func virtual(f lan.Sent) bool { return f.Source == virtual4 || f.Source == virtual6 }

// kindOf returns the kind of a frame. If the frame announces an address, it returns the address and
// the MAC that the frame gives for it; otherwise the address is invalid.
func kindOf(f lan.Sent) (kind string, announced netip.Addr, at lan.MAC) {
	d := f.Data
	switch {
	case f.Type == 0x0806 && len(d) >= 42:
		sender := netip.AddrFrom4([4]byte(d[28:32]))
		switch op, target := d[21], netip.AddrFrom4([4]byte(d[38:42])); {
		case op == 1 && sender == target:
			kind = "gratuitous ARP"
		case op == 1:
			kind = "ARP request"
		default:
			kind = "ARP reply"
		}
		return kind, sender, lan.MAC(d[22:28])
	case f.Type == 0x0800 && len(d) >= 34 && d[23] == 112:
		return "advert", netip.Addr{}, f.Source
	case f.Type == 0x86dd && len(d) >= 54 && d[20] == 112:
		return "advert 6", netip.Addr{}, f.Source
	case f.Type == 0x86dd && len(d) >= 86 && d[20] == 58 && d[54] == 136 && d[78] == 2:
		return "NA", netip.AddrFrom16([16]byte(d[62:78])), lan.MAC(d[80:86])
	case f.Type == 0x86dd && len(d) >= 86 && d[20] == 58 && d[54] == 135 && d[78] == 1:
		return "NS", netip.AddrFrom16([16]byte(d[22:38])), lan.MAC(d[80:86])
	}
	return fmt.Sprintf("%#04x", f.Type), netip.Addr{}, f.Source
}

// checkAnnounced fails the test if a frame announces a virtual address with another MAC than its
// virtual one, or if an advert comes from another MAC. It counts the frames from virtual MACs by
// kind.
func (s *site) checkAnnounced(host string, frames []lan.Sent) map[string]int {
	s.t.Helper()
	count := make(map[string]int)
	for _, f := range frames {
		kind, address, at := kindOf(f)
		want, ours := virtualAddresses[address]
		switch {
		case ours && (at != want || f.Source != want):
			s.t.Errorf("%s sends a %s from %v that announces %v at %v", host, kind, f.Source, address, at)
		case strings.HasPrefix(kind, "advert") && !virtual(f):
			s.t.Errorf("%s sends an advert from %v", host, f.Source)
		case virtual(f):
			count[kind]++
		}
	}
	return count
}

// silent fails the test if a host sent a frame from a virtual MAC between two instants.
func (s *site) silent(host string, frames []lan.Sent, from, to time.Time) {
	s.t.Helper()
	for _, f := range frames {
		if virtual(f) && f.At.After(from) && f.At.Before(to) {
			kind, _, _ := kindOf(f)
			s.t.Errorf("%s is not Active and sends %s from %v: % x", host, kind, f.Source, f.Data[:min(len(f.Data), 90)])
		}
	}
}

// askVirtual asks for the MAC of every virtual address, and checks that it is the virtual one.
func (s *site) askVirtual(p *lan.Prober) {
	s.t.Helper()
	for address, want := range virtualAddresses {
		mac, ok, err := lan.MAC{}, false, error(nil)
		for end := time.Now().Add(patience); !ok && err == nil && time.Now().Before(end); { // the address may not be there yet
			mac, ok, err = p.Ask(address, 500*time.Millisecond)
		}
		if err != nil || !ok || mac != want {
			s.t.Errorf("%v is at %v (%t, %v), want %v", address, mac, ok, err, want)
		}
	}
}

// refused sends to an address that a router holds, at a closed port, and requires a refusal.
func (s *site) refused(host, address string) {
	s.t.Helper()
	port := s.port(host, address)
	call := func() error {
		conn, err := net.DialTimeout("tcp", port, 2*time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := s.Host(host).Do(call); !errors.Is(err, syscall.ECONNREFUSED) {
		s.t.Errorf("%s calls %s: %v", host, address, err)
	}
}

// devices returns the links of a host, and those of their settings that ripcord changes.
func (s *site) devices(host string) string {
	s.t.Helper()
	text := s.ip(host, "-o", "link", "show")
	for _, key := range []string{"arp_ignore", "arp_announce", "arp_filter", "rp_filter", "accept_local"} {
		for _, link := range []string{"all", "default", "eth0"} {
			value, err := s.Host(host).Sysctl("net/ipv4/conf/" + link + "/" + key)
			if err != nil {
				s.t.Fatal(err)
			}
			text += fmt.Sprintf("%s.%s=%s\n", link, key, value)
		}
	}
	return text
}

// TestVirtualMAC checks that adverts, gratuitous ARP and unsolicited NA are sent from the virtual
// MAC, and that questions are answered with it (RFC 9568 §7.2, §8.1.2, §8.2.2). A router that is
// not Active sends nothing from it; and at the end the machine is as it was before.
func TestVirtualMAC(t *testing.T) {
	t.Parallel()
	s := virtualSite(t, "a", "b")
	taps := map[string]*lan.Tap{"a": s.tap("a"), "b": s.tap("b")}
	before := map[string]string{"a": s.devices("a"), "b": s.devices("b")}
	began := time.Now()
	a := s.startVirtual("a", 150, often)
	active := a.becomes("active", began, 5*time.Second)
	b := s.startVirtual("b", 100, often)
	b.becomes("backup", began, 5*time.Second)
	a.wait(began, 5*time.Second, "its addresses", is("address.added"))
	p := s.prober(inside)
	s.askVirtual(p)
	for _, address := range []string{"192.0.2.1", "2001:db8:51::1", "fe80::51:1%eth0"} {
		s.refused("client", address)
	}
	if st := a.status().Instances[0]; st.VirtualMAC == nil || *st.VirtualMAC != virtual4.String() {
		t.Errorf("the status has %v", st.VirtualMAC)
	}
	// RFC 9568 §7.4: no address is made of the virtual MAC.
	if text := s.ip("a", "-o", "-6", "address", "show", "dev", "vrrp6.51"); strings.Count(text, "\n") != 3 {
		t.Errorf("other addresses than the three that are held:\n%s", text)
	}
	time.Sleep(5 * often)
	frames := taps["a"].Frames()
	count := s.checkAnnounced("a", frames)
	for _, kind := range []string{"advert", "advert 6", "gratuitous ARP", "NA", "ARP reply"} {
		if count[kind] == 0 {
			t.Errorf("no %s came from a virtual MAC: %v", kind, count)
		}
	}
	s.silent("a", frames, began, active.caused().Add(-5*time.Millisecond))
	s.silent("b", taps["b"].Frames(), began, time.Now())

	at := a.signal(syscall.SIGTERM)
	b.becomes("active", at, patience)
	<-a.Exited
	b.wait(at, patience, "its addresses", is("address.added"))
	s.askVirtual(p)
	last := resigned(taps["a"].Frames(), virtual4)
	if last.IsZero() || resigned(taps["a"].Frames(), virtual6).IsZero() {
		t.Error("no priority 0 came from the virtual MACs")
	}
	s.checkAnnounced("b", taps["b"].Frames())
	s.silent("a", taps["a"].Frames(), a.last(at, "address.removed"), time.Now())
	if after := s.devices("a"); after != before["a"] {
		t.Errorf("before:\n%s\nafter:\n%s", before["a"], after)
	}
	b.signal(syscall.SIGTERM)
	<-b.Exited
	if after := s.devices("b"); after != before["b"] {
		t.Errorf("before:\n%s\nafter:\n%s", before["b"], after)
	}
}

// last is when it logged an event for the last time since an instant.
func (d *daemon) last(since time.Time, event string) (at time.Time) {
	d.t.Helper()
	for _, l := range d.log(since) {
		if l.Event == event {
			at = l.TS
		}
	}
	if at.IsZero() {
		d.t.Fatalf("%s did not log %s", d.name, event)
	}
	return at
}

// resigned is when the last priority 0 left from a MAC.
func resigned(frames []lan.Sent, mac lan.MAC) (at time.Time) {
	for _, f := range frames {
		kind, _, _ := kindOf(f)
		message := 14 + 20
		if kind == "advert 6" {
			message = 14 + 40
		}
		if strings.HasPrefix(kind, "advert") && f.Source == mac && f.Data[message+2] == 0 {
			at = f.At
		}
	}
	return at
}

// TestAdvertTooLong: 80 IPv6 addresses on a virtual MAC do not fit an MTU of 1280. Both
// routers were Active for ever; now both say what is wrong, and one serves as soon as the
// MTU allows it.
func TestAdvertTooLong(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 200 * time.Millisecond
	on := insideIPv6
	on.keys, on.virtual = "virtual_mac: true", []string{"fe80::51:1/64"}
	for i := range 79 {
		on.virtual = append(on.virtual, fmt.Sprintf("2001:db8:51::1:%x/64", i))
	}
	s := newSharedSite(t, []shared{on}, "a", "b")
	mtu := func(value string) time.Time {
		at := time.Now()
		for _, host := range []string{"a", "b"} {
			s.ip(host, "link", "set", on.ifname, "mtu", value)
		}
		return at
	}
	began := mtu("1280")
	a, b := s.startShared("a", 150, interval, on), s.startShared("b", 100, interval, on)
	for _, d := range []*daemon{a, b} {
		d.wait(began, 5*time.Second, "advert-too-long", func(l line) bool {
			return l.Event == "instance.fault" && l.Reason == "advert-too-long" && l.Level == "error"
		})
	}
	time.Sleep(2 * downInterval(100, interval))
	for _, d := range []*daemon{a, b} {
		if in := d.status().Instances[0]; in.State != "fault" || len(in.Faults) != 1 || in.Faults[0].Reason != "advert-too-long" {
			t.Errorf("%s is %s with the faults %+v", d.name, in.State, in.Faults)
		}
	}
	raised := mtu("1500")
	a.becomes("active", raised, 10*time.Second)
	b.becomes("backup", raised, 5*time.Second)
	lowered := mtu("1280")
	a.becomes("fault", lowered, 5*time.Second)
	b.becomes("fault", lowered, 5*time.Second)
}
