package interop

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/stage"
)

const (
	ifname = "eth0"
	vrid   = 51
)

// scene is the LAN of one cell: ripcord, the peer, and a client that asks for the virtual address
// all the time.
type scene struct {
	*stage.Stage
	cell
	t       *testing.T
	sniffer *lan.Sniffer
	watch   *lan.Watch
	ours    router // of ripcord
	theirs  router
	taps    map[router]*lan.Tap
	stale   router // not Active, but its kernel still answers
}

// router is a make of router on its host.
type router interface {
	host() string
	name() string
	priority() int
	// start returns when the router has become Backup. It may be called again after the router
	// ended.
	start() time.Time
	// stop ends it as its service manager does, kill as a power failure does. Both return the time
	// at which that began, after the router has ended.
	stop() time.Time
	kill() time.Time
	// mac is the MAC that answers for the virtual address, and sources are the possible source
	// addresses of its adverts.
	mac() lan.MAC
	sources() []netip.Addr
	// blind reports whether the router does not notice that its cable is out, and as Backup answers
	// for the virtual address when it is in again.
	blind() bool
	// late is how much longer than specified the router takes to become Active.
	late() time.Duration
}

// virtual lists the virtual addresses. The client asks for the last one.
func (c cell) virtual() []string {
	if c.mode == noLinkLocal {
		return []string{"2001:db8:51::1/64"}
	}
	if c.ipv6 {
		return []string{"fe80::51:1/64", "2001:db8:51::1/64"}
	}
	return []string{"192.0.2.1/24"}
}

func (c cell) asked() netip.Addr {
	list := c.virtual()
	return netip.MustParsePrefix(list[len(list)-1]).Addr()
}

// own returns the address of ripcord (0), the peer (1) or the client (2).
func (c cell) own(host int) netip.Addr {
	if c.ipv6 {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:51::%d", 11+host))
	}
	return netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", 11+host))
}

// group returns the multicast group of otherGroup.
func (c cell) group() netip.Addr {
	if c.ipv6 {
		return netip.MustParseAddr("ff02::99")
	}
	return netip.MustParseAddr("224.0.0.99")
}

// newScene builds the LAN without routers. It lives as long as t, but another test may play on it
// (see as): making and removing a LAN delays the kernel in giving other LANs their addresses, by up
// to a second.
func newScene(t *testing.T, c cell) *scene {
	t.Helper()
	s := newBareScene(t, c)
	s.ours = newRipcord(s)
	switch c.peer {
	case "keepalived":
		s.theirs = newKeepalived(s)
	case "frr":
		s.theirs = newFRR(s)
	default:
		t.Fatalf("no such peer: %s", c.peer)
	}
	s.taps = make(map[router]*lan.Tap)
	for _, r := range []router{s.ours, s.theirs} {
		tap, err := s.cable(r).Tap()
		if err != nil {
			t.Fatal(err)
		}
		s.taps[r] = tap
	}
	return s
}

func newBareScene(t *testing.T, c cell) *scene {
	t.Helper()
	var ports []lan.Port
	for i, host := range []string{"ripcord", "peer", "client"} {
		bits := 24
		if c.ipv6 {
			bits = 64
		}
		ports = append(ports, lan.Port{Host: host, Name: ifname, Segment: "inside", Options: lan.Options{
			Addresses: []netip.Prefix{netip.PrefixFrom(c.own(i), bits)},
		}})
	}
	s := &scene{Stage: stage.New(t, ports...), cell: c, t: t}
	err := os.Chmod(s.Dir, 0o755) // FRR's daemons are no root
	if err != nil {
		t.Fatal(err)
	}
	if s.sniffer, err = s.Segment("inside").Sniff(); err != nil {
		t.Fatal(err)
	}
	prober, err := s.Host("client").Prober(ifname)
	if err != nil {
		t.Fatal(err)
	}
	if s.watch, err = prober.Watch(c.asked(), 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	return s
}

// showLogs prints which router sent adverts when, and the logs of the daemons.
func (s *scene) showLogs() {
	s.t.Logf("adverts:\n%s", s.story())
	s.ShowLogs(s.t, 80, repetitive)
}

// repetitive reports whether a line is one that FRR logs for each advert.
func repetitive(line string) bool {
	return slices.ContainsFunc([]string{"Adver_Timer expired", "Received VRRP Adv", "Discarding adv", "Refusing to start"}, func(s string) bool {
		return strings.Contains(line, s)
	})
}

// as makes another test play on the LAN.
func (s *scene) as(t *testing.T) {
	s.t = t
	t.Cleanup(func() {
		if t.Failed() {
			s.showLogs()
		}
		for _, r := range []router{s.ours, s.theirs} {
			r.kill()
		}
	})
}

// cable returns the cable of a router.
func (s *scene) cable(r router) *lan.Cable { return s.Cable(r.host(), ifname) }

// macOf is the MAC that answers for the virtual address on a router that has a
// choice.
func (s *scene) macOf(r router) lan.MAC {
	if s.mode == virtualMAC || s.mode == macOfAddresses {
		return s.virtualMAC()
	}
	return s.cable(r).MAC()
}

// virtualMAC returns the MAC of the virtual router (RFC 9568 §7.3).
func (c cell) virtualMAC() lan.MAC {
	if c.ipv6 {
		return lan.MAC{0x00, 0x00, 0x5e, 0x00, 0x02, vrid}
	}
	return lan.MAC{0x00, 0x00, 0x5e, 0x00, 0x01, vrid}
}

// linkLocal returns the source address of a host's IPv6 adverts.
func (s *scene) linkLocal(host string) netip.Addr {
	s.t.Helper()
	a, err := s.Cable(host, ifname).LinkLocal()
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// run runs a command on the host to its end.
func (s *scene) run(host string, args ...string) {
	s.t.Helper()
	if _, err := s.Run(host, program(s.t, args[0]), args[1:]...); err != nil {
		s.t.Fatal(err)
	}
}
