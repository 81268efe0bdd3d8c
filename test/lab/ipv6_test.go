package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// shared is a segment of either family, and the addresses that its routers
// share.
type shared struct {
	segment
	hosts   string // the address of host n on it, as a format
	virtual []string
	version int    // of VRRP; 0: 3
	pass    string // of version 2; "": none
	keys    string // further keys of the instance, as YAML flow: "checksum: rfc9568"
}

var (
	insideIPv4  = shared{segment: inside, hosts: "192.0.2.%d/24", virtual: []string{"192.0.2.1/24"}}
	insideIPv6  = shared{segment: inside, hosts: "2001:db8:51::%d/64", virtual: []string{"fe80::51:1/64", "2001:db8:51::1/64"}}
	outsideIPv6 = shared{segment: outside, hosts: "2001:db8:52::%d/64", virtual: []string{"fe80::52:1/64", "2001:db8:52::1/64"}}
)

// asked is the address that the client asks for: the last, which is no
// link-local one.
func (v shared) asked() netip.Addr {
	return netip.MustParsePrefix(v.virtual[len(v.virtual)-1]).Addr()
}

// newSharedSite is newSite for segments of either family.
func newSharedSite(t *testing.T, on []shared, hosts ...string) *site {
	t.Helper()
	var ports []lan.Port
	var segments []segment
	for _, v := range on {
		segments = append(segments, v.segment)
		for i, h := range append(slices.Clone(hosts), "client") {
			ports = append(ports, lan.Port{Host: h, Name: v.ifname, Segment: v.name, Options: lan.Options{
				Addresses: lan.Addresses(fmt.Sprintf(v.hosts, 11+i)),
			}})
		}
	}
	return newSiteOf(t, segments, ports...)
}

// startShared runs ripcord with an instance for each of these, in a group if
// there are several.
func (s *site) startShared(host string, priority int, interval time.Duration, on ...shared) *daemon {
	s.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "log: {level: debug}\ncontrol: {socket: %s}\ndefaults: {priority: %d, interval: %v}\ninstances:\n",
		s.socket(host), priority, interval)
	var names []string
	for _, v := range on {
		fmt.Fprintf(&b, "  - {name: %s, interface: %s, vrid: %d, addresses: [%s]%s}\n",
			v.name, v.ifname, v.vrid, strings.Join(quoted(v.virtual), ", "), v.speech())
		names = append(names, v.name)
	}
	if len(names) > 1 {
		fmt.Fprintf(&b, "groups:\n  - {name: edge, members: [%s]}\n", strings.Join(names, ", "))
	}
	return s.startYAML(host, b.String())
}

// speech is the keys of an instance that say how it speaks, as YAML flow.
func (v shared) speech() (keys string) {
	if v.version != 0 {
		keys = fmt.Sprintf(", version: %d", v.version)
	}
	if v.pass != "" {
		keys += fmt.Sprintf(", auth: {pass: %q}", v.pass)
	}
	if v.keys != "" {
		keys += ", " + v.keys
	}
	return keys
}

func quoted(list []string) []string {
	var q []string
	for _, x := range list {
		q = append(q, fmt.Sprintf("%q", x))
	}
	return q
}

// startPair is pair for segments of either family.
func startPair(t *testing.T, interval time.Duration, on ...shared) (*site, *daemon, *daemon) {
	t.Helper()
	s := newSharedSite(t, on, "a", "b")
	began := time.Now()
	a := s.startShared("a", 150, interval, on...)
	a.becomes("active", began, 4*interval+5*time.Second)
	b := s.startShared("b", 100, interval, on...)
	b.becomes("backup", began, 5*time.Second)
	return s, a, b
}

// watchShared asks for the shared address, by ARP or neighbor solicitation.
func (s *site) watchShared(v shared) *lan.Watch {
	s.t.Helper()
	w, err := s.prober(v.segment).Watch(v.asked(), 5*time.Millisecond)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { w.Stop() })
	return w
}

// within fails the test if from - to is not in the bounds.
func (s *site) within(what string, from, to time.Time, least, most time.Duration) {
	s.t.Helper()
	d := to.Sub(from)
	s.t.Logf("%s: %v (from %v to %v)", what, d, least, most)
	if d < least || d > most {
		s.t.Errorf("%s took %v, want %v to %v", what, d, least, most)
	}
}

// TestIPv6Failover runs two routers with a link-local and a global IPv6 address. The Active's cable
// is pulled, so it cannot resign, and the other serves after the Active_Down_Interval. When the
// cable is back, the Active is back. After its SIGTERM the other serves after Skew_Time. Only one
// router answers neighbor solicitations at any time.
func TestIPv6Failover(t *testing.T) {
	t.Parallel()
	const interval = 600 * time.Millisecond
	s, a, b := startPair(t, interval, insideIPv6)
	watch := s.watchShared(insideIPv6)
	s.servedBy("a", inside, watch, time.Now(), patience)

	at := s.pull("a", inside)
	a.becomes("fault", at, patience)
	took := b.becomes("active", at, patience)
	down := downInterval(100, interval)
	s.within("cable out → b is Active", at.Round(0), took.TS, down-interval-10*time.Millisecond, down+slack)
	s.servedBy("b", inside, watch, at, patience)

	back := s.plug("a", inside)
	a.becomes("active", back, 2*patience)
	b.becomes("backup", back, patience)
	again := s.servedBy("a", inside, watch, back, 5*time.Second)

	time.Sleep(3 * interval)
	at = a.signal(syscall.SIGTERM)
	took = b.becomes("active", at, patience)
	s.within("SIGTERM → b is Active", at.Round(0), took.TS, 0, skew(100, interval)+slack)
	s.servedBy("b", inside, watch, at, patience)
	b.wait(at, patience, "its addresses", is("address.added"))
	for _, both := range watch.Timeline().Both() {
		if both.Before(back) || both.After(again.Add(interval)) {
			t.Errorf("both answered %v after the Active was back", both.Sub(again))
		}
	}
	for _, address := range insideIPv6.virtual {
		if shown := s.ip("b", "-6", "-o", "address", "show", "dev", "eth0"); !strings.Contains(shown, " "+address+" ") {
			t.Errorf("b serves, without %s:\n%s", address, shown)
		}
	}
}

// TestMixedGroup runs a group of an IPv4 and an IPv6 instance on two segments: the cable of either
// is pulled, and the other router serves both after Skew_Time, since the other member resigns.
func TestMixedGroup(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 600 * time.Millisecond
	for _, lost := range []segment{inside, outside} {
		t.Run(lost.name, func(t *testing.T) {
			t.Parallel()
			s, a, b := startPair(t, interval, insideIPv4, outsideIPv6)
			in, out := s.watchShared(insideIPv4), s.watchShared(outsideIPv6)
			time.Sleep(2 * interval)

			at := s.pull("a", lost)
			for v, w := range map[segment]*lan.Watch{inside: in, outside: out} {
				took := b.wait(at, patience, "that it is Active "+v.name, func(l line) bool {
					return l.Event == "instance.transition" && l.To == "active" && l.Instance == v.name
				})
				s.within("cable out → b is Active "+v.name, at.Round(0), took.TS, 0, skew(100, interval)+slack)
				s.servedBy("b", v, w, at, patience)
			}
			back := s.plug("a", lost)
			a.becomes("active", back, 2*patience)
			s.servedBy("a", inside, in, back, patience)
			s.servedBy("a", outside, out, back, patience)
		})
	}
}
