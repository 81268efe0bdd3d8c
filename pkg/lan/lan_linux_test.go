package lan

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"testing"
	"time"

	"ripcord/test/netns"
)

var (
	addressA  = netip.MustParseAddr("192.0.2.1")
	addressB  = netip.MustParseAddr("192.0.2.2")
	addressB6 = netip.MustParseAddr("2001:db8::2")
	nobody    = netip.MustParseAddr("192.0.2.77")
	nobody6   = netip.MustParseAddr("2001:db8::77")
)

// soon is how long a test waits for an answer that should not come.
const soon = 200 * time.Millisecond

// twoHosts returns hosts a and b on one segment; the options are those of b.
func twoHosts(t *testing.T, b Options) *LAN {
	t.Helper()
	netns.NeedRoot(t)
	b.Addresses = Addresses("192.0.2.2/24", "2001:db8::2/64")
	l, err := Build(
		Port{Host: "a", Name: "eth0", Segment: "inside", Options: Options{
			Addresses: Addresses("192.0.2.1/24", "2001:db8::1/64"),
		}},
		Port{Host: "b", Name: "eth0", Segment: "inside", Options: b},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func prober(t *testing.T, l *LAN, host string) *Prober {
	t.Helper()
	p, err := l.Host(host).Prober("eth0")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantAnswer asks once for an address. The zero MAC means that no answer is expected.
func wantAnswer(t *testing.T, p *Prober, address netip.Addr, want MAC) {
	t.Helper()
	limit := within
	if want == (MAC{}) {
		limit = soon
	}
	got, ok, err := p.Ask(address, limit)
	if err != nil {
		t.Errorf("ask for %s: %v", address, err)
	} else if got != want || ok != (want != MAC{}) {
		t.Errorf("%s is at %s, %t, want %s", address, got, ok, want)
	}
}

func TestHostsResolveEachOther(t *testing.T) {
	l := twoHosts(t, Options{})
	a, b := prober(t, l, "a"), prober(t, l, "b")
	wantAnswer(t, a, addressB, l.Cable("b", "eth0").MAC())
	wantAnswer(t, b, addressA, l.Cable("a", "eth0").MAC())
	wantAnswer(t, a, addressB6, l.Cable("b", "eth0").MAC())
	wantAnswer(t, a, nobody, MAC{})
	wantAnswer(t, a, nobody6, MAC{})
	linkLocal, err := l.Cable("b", "eth0").LinkLocal()
	if err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, a, linkLocal, l.Cable("b", "eth0").MAC())
}

func TestSegmentsAreApart(t *testing.T) {
	l := twoHosts(t, Options{})
	other, err := l.AddSegment("outside")
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.AddHost("c")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Connect(c, "eth0", other, Options{Addresses: Addresses("192.0.2.3/24")}); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, prober(t, l, "c"), addressB, MAC{})
}

// TestBothEndsBearOneIndex checks that the ends of a cable have one ifindex, which makes the kernel
// treat the cable as a NIC.
func TestBothEndsBearOneIndex(t *testing.T) {
	for _, ordinary := range []bool{false, true} {
		l := twoHosts(t, Options{Ordinary: ordinary})
		c := l.Cable("b", "eth0")
		host, err := l.Host("b").Link("eth0")
		if err != nil {
			t.Fatal(err)
		}
		links, err := l.sw.Links()
		if err != nil {
			t.Fatal(err)
		}
		indexes := make(map[int]MAC)
		for _, link := range links {
			if _, twice := indexes[link.Index]; twice {
				t.Errorf("two devices of the switch have ifindex %d", link.Index)
			}
			indexes[link.Index] = link.MAC
		}
		if host.Index != c.Index() || host.MAC != c.MAC() || host.Index < firstIndex {
			t.Errorf("ordinary=%t: the host's end is %+v, want index %d, MAC %s", ordinary, host, c.Index(), c.MAC())
		}
		if far, ok := indexes[host.Index]; ok == ordinary || (ok && far != farMAC(c.far)) {
			t.Errorf("ordinary=%t: in the switch %d is %s, %t", ordinary, host.Index, far, ok)
		}
	}
}

func TestPullAndPlug(t *testing.T) {
	l := twoHosts(t, Options{})
	c, b, a := l.Cable("b", "eth0"), l.Host("b"), prober(t, l, "a")
	for range 3 {
		before, err := b.Link("eth0")
		if err != nil {
			t.Fatal(err)
		}
		pulled, err := c.Pull()
		if err != nil {
			t.Fatal(err)
		}
		seen, err := b.WaitCarrier("eth0", false, within)
		if err != nil {
			t.Fatal(err)
		}
		after, err := b.Link("eth0")
		if err != nil {
			t.Fatal(err)
		}
		if !after.AdminUp || after.Carrier || after.DownCount != before.DownCount+1 || seen.Before(pulled) {
			t.Errorf("after the pull: %+v, was %+v", after, before)
		}
		wantAnswer(t, a, addressB, MAC{})
		if _, err := c.Plug(); err != nil {
			t.Fatal(err)
		}
		// Ask as a host does, which does not make the kernel announce the link.
		for _, address := range []netip.Addr{addressB, addressB6} {
			w, err := a.Watch(address, 5*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.WaitAnswer(within, func(a Answer) bool { return a.MAC == c.MAC() }); err != nil {
				t.Fatal(err)
			}
			w.Stop()
		}
	}
}

// farLink returns the switch's end of a cable.
func farLink(t *testing.T, c *Cable) Link {
	t.Helper()
	link, err := c.lan.sw.Link(fmt.Sprintf("p%d", c.far))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func TestAdminDownAndUp(t *testing.T) {
	l := twoHosts(t, Options{LinkLocal: netip.MustParseAddr("fe80::99")})
	c, b, a := l.Cable("b", "eth0"), l.Host("b"), prober(t, l, "a")
	if _, err := c.AdminDown(); err != nil {
		t.Fatal(err)
	}
	if link, err := b.Link("eth0"); err != nil || link.AdminUp {
		t.Errorf("after AdminDown: %+v, %v", link, err)
	}
	wantAnswer(t, a, addressB, MAC{})
	if far := farLink(t, c); far.Carrier || far.OperState == 6 {
		t.Errorf("the switch has not noticed: %+v", far)
	}
	// An address that is added while the link is down is there later.
	later := netip.MustParsePrefix("2001:db8::200/64")
	if err := b.AddAddress("eth0", later); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AdminUp(); err != nil {
		t.Fatal(err)
	}
	if err := c.Settle(); err != nil {
		t.Fatal(err)
	}
	for _, address := range []netip.Addr{addressB6, later.Addr(), netip.MustParseAddr("fe80::99"), addressB} {
		wantAnswer(t, a, address, c.MAC())
	}
}

func TestChosenAddresses(t *testing.T) {
	mac, linkLocal := MAC{2, 0, 0x5e, 1, 2, 3}, netip.MustParseAddr("fe80::b")
	l := twoHosts(t, Options{MAC: mac, LinkLocal: linkLocal})
	link, err := l.Host("b").Link("eth0")
	if err != nil || link.MAC != mac {
		t.Errorf("the MAC is %s, %v, want %s", link.MAC, err, mac)
	}
	if got, err := l.Cable("b", "eth0").LinkLocal(); err != nil || got != linkLocal {
		t.Errorf("the link-local address is %s, %v, want %s and no other", got, err, linkLocal)
	}
	later := netip.MustParsePrefix("192.0.2.200/24")
	if err := l.Host("b").AddAddress("eth0", later); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, prober(t, l, "a"), later.Addr(), mac)
}

func TestLinkLocalsAscend(t *testing.T) {
	l := twoHosts(t, Options{})
	a, err := l.Cable("a", "eth0").LinkLocal()
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Cable("b", "eth0").LinkLocal()
	if err != nil {
		t.Fatal(err)
	}
	if !a.Less(b) {
		t.Errorf("%s of a is not below %s of b", a, b)
	}
}

func TestUnplugged(t *testing.T) {
	l := twoHosts(t, Options{Unplugged: true})
	link, err := l.Host("b").Link("eth0")
	if err != nil || !link.AdminUp || link.Carrier {
		t.Errorf("unplugged: %+v, %v", link, err)
	}
	if _, err := l.Cable("b", "eth0").Plug(); err != nil {
		t.Fatal(err)
	}
	if err := l.Cable("b", "eth0").Settle(); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, prober(t, l, "a"), addressB, l.Cable("b", "eth0").MAC())
}

// TestPowerFailure closes one host while the others run.
func TestPowerFailure(t *testing.T) {
	l := twoHosts(t, Options{})
	if err := l.Host("b").Close(); err != nil {
		t.Fatal(err)
	}
	a := prober(t, l, "a")
	eventually(t, "b is gone", func() bool {
		_, ok, err := a.Ask(addressB, 20*time.Millisecond)
		return !ok && err == nil
	})
	if _, err := l.Cable("b", "eth0").AdminUp(); err == nil {
		t.Error("the cable of a host without power can be set up")
	}
}

func TestWrongNames(t *testing.T) {
	l := twoHosts(t, Options{})
	if _, err := l.AddHost("a"); err == nil {
		t.Error("two hosts of one name")
	}
	if _, err := l.AddSegment("inside"); err == nil {
		t.Error("two segments of one name")
	}
	if _, err := l.Connect(l.Host("a"), "eth0", l.Segment("inside"), Options{}); err == nil {
		t.Error("two cables in one interface")
	}
	if _, err := l.Host("a").Prober("eth7"); err == nil {
		t.Error("a prober without a cable")
	}
	if _, err := l.Host("a").Link("eth7"); err == nil {
		t.Error("a link that does not exist")
	}
}

// TestSettledHostReachesLinkLocal checks that a host can reach link-local addresses as soon as
// Connect returns. Without the route the kernel would report that the network is unreachable.
func TestSettledHostReachesLinkLocal(t *testing.T) {
	netns.Need(t)
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	s, err := l.AddSegment("inside")
	if err != nil {
		t.Fatal(err)
	}
	h, err := l.AddHost("a")
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Connect(h, "eth0", s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.reaches(c.near); !ok || err != nil {
		t.Errorf("just connected: reaches %v, %v", ok, err)
	}
	if err := h.SetSysctl("net/ipv6/conf/eth0/disable_ipv6", "1"); err != nil {
		t.Fatal(err)
	}
	if ok, err := c.settled(); ok || err != nil {
		t.Errorf("without a route: settled %v, %v", ok, err)
	}
	if ok, err := h.reaches(c.near); ok || err != nil {
		t.Errorf("without a route: reaches %v, %v", ok, err)
	}
}

// TestSwitchSettings checks that the bridges pass nothing through the firewall of the host, and
// have no address of their own.
func TestSwitchSettings(t *testing.T) {
	l := twoHosts(t, Options{})
	for _, s := range switchSettings {
		got, err := l.sw.Sysctl(s.key)
		if errors.Is(err, fs.ErrNotExist) {
			t.Logf("this kernel has no %s", s.key)
		} else if err != nil || got != s.value {
			t.Errorf("%s is %q, want %q (%v)", s.key, got, s.value, err)
		}
	}
}
