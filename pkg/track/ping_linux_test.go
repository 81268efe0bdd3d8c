package track

import (
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// station makes a LAN of two hosts, "us" and "them".
func station(t *testing.T) *lan.LAN {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot make network namespaces")
	}
	l, err := lan.Build(
		lan.Port{Host: "us", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses("192.0.2.1/24", "2001:db8::1/64")}},
		lan.Port{Host: "them", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses("192.0.2.2/24", "2001:db8::2/64")}},
	)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func pingFrom(t *testing.T, h *lan.Host, timeout time.Duration, p Ping) (r Report) {
	t.Helper()
	must(t, h.Do(func() error {
		r = RunOnce(t.Context(), Spec{Name: "x", Interval: timeout, Probe: p})
		return nil
	}))
	return r
}

func TestPing(t *testing.T) {
	l := station(t)
	us, them := l.Host("us"), l.Host("them")
	addr := netip.MustParseAddr
	linkLocal, err := l.Cable("them", "eth0").LinkLocal()
	must(t, err)
	const enough, short = 10 * time.Second, 300 * time.Millisecond
	good := []Ping{
		{addr("192.0.2.2"), "", ICMP},
		{addr("192.0.2.2"), "eth0", ICMP},
		{addr("2001:db8::2"), "", ICMP},
		{linkLocal, "eth0", ICMP},
		{addr("127.0.0.1"), "lo", ICMP},
		{addr("192.0.2.2"), "eth0", Neighbor},
		{addr("2001:db8::2"), "eth0", Neighbor},
		{linkLocal, "eth0", Neighbor},
	}
	for _, p := range good {
		expect(t, p.String(), pingFrom(t, us, enough, p), Up, "")
	}
	for _, c := range []struct {
		p    Ping
		want string
	}{
		{Ping{addr("192.0.2.3"), "", ICMP}, "no answer within 300ms"},
		{Ping{addr("2001:db8::3"), "", ICMP}, "no answer within 300ms"},
		{Ping{addr("192.0.2.3"), "eth0", Neighbor}, "no answer within 300ms"},
		{Ping{addr("2001:db8::3"), "eth0", Neighbor}, "no answer within 300ms"},
		{Ping{addr("192.0.2.2"), "eth9", Neighbor}, "there is no interface eth9"},
		{Ping{addr("192.0.2.2"), "lo", Neighbor}, "interface lo has no MAC"},
		{Ping{addr("198.51.100.1"), "", ICMP}, "198.51.100.1 cannot be asked: network is unreachable"},
		{Ping{addr("2001:db8:1::1"), "", ICMP}, "2001:db8:1::1 cannot be asked: network is unreachable"},
	} {
		expect(t, c.p.String(), pingFrom(t, us, short, c.p), Down, c.want)
	}

	// A station that drops ICMP echo still answers with its MAC.
	must(t, them.SetSysctl("net.ipv4.icmp_echo_ignore_all", "1"))
	expect(t, "echo is dropped", pingFrom(t, us, short, Ping{addr("192.0.2.2"), "eth0", ICMP}), Down, "no answer")
	expect(t, "ARP is not", pingFrom(t, us, enough, Ping{addr("192.0.2.2"), "eth0", Neighbor}), Up, "")

	_, err = l.Cable("them", "eth0").Pull()
	must(t, err)
	for _, p := range good[5:] {
		expect(t, p.String()+" after the cable was pulled", pingFrom(t, us, short, p), Down, "no answer")
	}
	_, err = l.Cable("us", "eth0").AdminDown()
	must(t, err)
	expect(t, "the interface is down", pingFrom(t, us, short, good[5]), Down, "interface eth0 is down: ip link set eth0 up")
}

// TestPingWithoutAddress requires that a host without an address asks with an ARP probe.
func TestPingWithoutAddress(t *testing.T) {
	l := station(t)
	h := l.Host("us")
	must(t, h.Do(func() error { return exec.Command("ip", "-4", "addr", "flush", "dev", "eth0").Run() }))
	expect(t, "ARP", pingFrom(t, h, 10*time.Second, Ping{netip.MustParseAddr("192.0.2.2"), "eth0", Neighbor}), Up, "")
}

// TestPingAsksAgain requires that a lost question is repeated within the timeout.
func TestPingAsksAgain(t *testing.T) {
	l := station(t)
	_, err := l.Cable("them", "eth0").Pull()
	must(t, err)
	time.AfterFunc(300*time.Millisecond, func() { _, _ = l.Cable("them", "eth0").Plug() })
	r := pingFrom(t, l.Host("us"), 10*time.Second, Ping{netip.MustParseAddr("192.0.2.2"), "eth0", Neighbor})
	expect(t, "the cable is plugged in during the check", r, Up, "")
	if r.Took < 300*time.Millisecond {
		t.Errorf("it took %v", r.Took)
	}
}

func TestPingValidate(t *testing.T) {
	addr := netip.MustParseAddr
	for _, c := range []struct {
		p    Ping
		want string
	}{
		{Ping{addr("224.0.0.18"), "", ICMP}, "give the address of one station"},
		{Ping{addr("fe80::1%eth0"), "", ICMP}, "give the interface apart from the address"},
		{Ping{addr("fe80::1"), "", ICMP}, "a link-local address needs an interface"},
		{Ping{addr("192.0.2.2"), "", Neighbor}, "method arp needs an interface"},
		{Ping{addr("192.0.2.2"), "eth0", 7}, "the method is icmp or arp"},
	} {
		if err := c.p.validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.p, err, c.want)
		}
	}
}
