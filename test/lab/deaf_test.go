package lab

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// TestMTUTooSmallForIPv6 lowers the MTU of the Backup's link below the minimum of IPv6 for a
// moment: the kernel discards the link's IPv6 settings, and the membership with them. The Backup
// joins again, stays Backup, and still takes over when it should.
func TestMTUTooSmallForIPv6(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, tt := range []struct {
		name  string
		small time.Duration
	}{{"50 ms", 50 * time.Millisecond}, {"1 s", time.Second}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const interval = 200 * time.Millisecond
			s, a, b := startPair(t, interval, insideIPv6)
			began := time.Now()
			s.ip("b", "link", "set", "eth0", "mtu", "1200")
			time.Sleep(tt.small)
			s.ip("b", "link", "set", "eth0", "mtu", "1500")
			back := time.Now()
			time.Sleep(2*time.Second + 2*downInterval(100, interval)) // a link-local address comes, and what is silent counts
			for _, l := range b.log(began) {
				if l.Event == "instance.transition" && l.To == "active" {
					t.Errorf("a second Active %v after the MTU was back: %s", l.TS.Sub(back.Round(0)), l.Msg)
				}
			}
			if sa, sb := a.state(), b.state(); sa != "active" || sb != "backup" {
				t.Fatalf("a is %s, b is %s", sa, sb)
			}
			b.wait(began, patience, "that it was deaf", func(l line) bool {
				return l.Level == "error" && (l.Event == "advert.failed" || l.Event == "instance.fault" && l.Reason == "deaf")
			})
			at := s.pull("a", inside)
			b.becomes("active", at, 5*time.Second)
		})
	}
}

// TestReturnBehindSnoopingSwitch returns a port of a switch that snoops MLD, with a querier of
// version 1: for up to 10 s the port is in no group but all-nodes, so neighbor discovery works and
// no advert passes. The kernel's own report is lost, since the port does not forward yet. The
// Backup whose cable returns reports its membership itself, hears the Active, and never becomes a
// second one.
func TestReturnBehindSnoopingSwitch(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, tt := range []struct {
		name string
		on   []shared
		keys string
	}{
		{"IPv6", []shared{insideIPv6}, ""},
		{"IPv6 with a virtual MAC", []shared{insideIPv6}, "virtual_mac: true"},
		{"a group of two", []shared{insideIPv6, outsideIPv6}, ""},
		{"IPv4", []shared{insideIPv4}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const interval, blocked = 200 * time.Millisecond, 4 * time.Second
			for i := range tt.on {
				tt.on[i].keys = tt.keys
			}
			s, a, b := startPair(t, interval, tt.on...)
			for _, v := range tt.on {
				if err := errors.Join(s.Segment(v.name).Snooping(), s.Segment(v.name).SpanningTree(blocked/2)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(lan.QuerierDelay + 4*time.Second) // all have answered it
			for i := range 3 {
				at := s.pull("b", tt.on[0].segment)
				b.becomes("fault", at, 5*time.Second)
				time.Sleep(time.Second)
				at = s.plug("b", tt.on[0].segment)
				b.becomes("backup", at, blocked+5*time.Second)
				time.Sleep(3 * time.Second)
				for _, l := range b.log(at) {
					if l.Event == "instance.transition" && l.To == "active" {
						t.Errorf("return %d: a second Active %v after the cable: %s", i, l.TS.Sub(at.Round(0)), l.Msg)
					}
				}
			}
			if sa, sb := a.state(), b.state(); sa != "active" || sb != "backup" {
				t.Errorf("a is %s, b is %s", sa, sb)
			}
		})
	}
}

// TestStrictReversePathFilter gives the Backup an own address outside the subnet and a strict
// reverse path filter, from the start or later: its kernel drops the Active's adverts. The Backup
// hears them nevertheless, reports the filter, and takes over only when it should.
func TestStrictReversePathFilter(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, tt := range []struct {
		name, virtual, keys string
		later               bool
	}{
		{"a host address", "192.0.2.1/32", "", false},
		{"a subnet", "192.0.2.1/24", "", false},
		{"set later", "192.0.2.1/32", "", true},
		{"a subnet, a virtual MAC", "192.0.2.1/24", "virtual_mac: true", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const interval = 200 * time.Millisecond
			v := insideIPv4
			v.virtual, v.keys = []string{tt.virtual}, tt.keys
			s := newSharedSite(t, []shared{v}, "a", "b")
			s.ip("b", "addr", "flush", "dev", "eth0", "scope", "global")
			s.ip("b", "addr", "add", "192.0.2.12/32", "dev", "eth0")
			strict := func() {
				if err := s.Host("b").SetSysctl("net.ipv4.conf.all.rp_filter", "1"); err != nil {
					t.Fatal(err)
				}
			}
			if !tt.later {
				strict()
			}
			began := time.Now()
			a := s.startShared("a", 150, interval, v)
			a.becomes("active", began, 5*time.Second)
			b := s.startShared("b", 100, interval, v)
			b.becomes("backup", began, 5*time.Second)
			if tt.later {
				time.Sleep(4 * interval)
				strict()
			}
			time.Sleep(10 * downInterval(100, interval))
			for _, l := range b.log(began) {
				if l.Event == "instance.transition" && l.To == "active" {
					t.Errorf("a second Active: %s", l.Msg)
				}
			}
			b.wait(began, patience, "the warning", func(l line) bool {
				return l.Event == "instance.warning" && l.Reason == "reverse-path" && l.Level == "error"
			})
			at := time.Now()
			a.signal(syscall.SIGTERM)
			b.becomes("active", at, 5*time.Second)
			a = s.startShared("a", 150, interval, v)
			b.becomes("backup", at, 10*time.Second) // it has had a route back while it was Active
			back := time.Now()
			time.Sleep(10 * downInterval(100, interval))
			for _, l := range b.log(back) {
				if l.Event == "instance.transition" && l.To == "active" {
					t.Errorf("a second Active after it had been one: %s", l.Msg)
				}
			}
			if sa, sb := a.state(), b.state(); sa != "active" || sb != "backup" {
				t.Errorf("a is %s, b is %s", sa, sb)
			}
		})
	}
}

// TestLinkLeavesNamespaceAndReturns pauses the Backup while its link leaves the namespace and
// returns with the same index: its memberships and packet sockets are gone, and no counter shows
// this. It joins again, and does not become a second Active.
func TestLinkLeavesNamespaceAndReturns(t *testing.T) {
	netns.NeedRoot(t)
	for _, v := range []shared{insideIPv4, insideIPv6} {
		t.Run(v.hosts, func(t *testing.T) {
			t.Parallel()
			const interval = 200 * time.Millisecond
			s, a, b := startPair(t, interval, v)
			index := s.Cable("b", "eth0").Index()
			at := b.signal(syscall.SIGSTOP)
			s.command("b", "sh", "-ec", "n=away$$; ip netns add $n; ip link set eth0 netns $n; ip -n $n link set eth0 netns $$; "+
				"ip netns del $n; ip link set eth0 up; ip addr add "+fmt.Sprintf(v.hosts, 12)+" dev eth0")
			if got := s.ip("b", "-o", "link", "show", "eth0"); !strings.HasPrefix(got, fmt.Sprint(index)+":") {
				t.Skip("skipped: the link has another index: ", got)
			}
			time.Sleep(time.Second)
			b.signal(syscall.SIGCONT)
			time.Sleep(4*time.Second + 5*downInterval(100, interval))
			for _, l := range b.log(at) {
				if l.Event == "instance.transition" && l.To == "active" {
					t.Errorf("a second Active: %s", l.Msg)
				}
			}
			if sa, sb := a.state(), b.state(); sa != "active" || sb != "backup" {
				t.Errorf("a is %s, b is %s", sa, sb)
			}
			at = s.pull("a", inside)
			b.becomes("active", at, 5*time.Second)
		})
	}
}
