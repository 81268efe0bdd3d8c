package receive

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

func TestReadMemberships(t *testing.T) {
	four := "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n" +
		"1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n" +
		"2\teth0      :     3      V3\n\t\t\t\t630000E0     1 0:00000000\t\t0\n\t\t\t\t120000E0     1 0:00000000\t\t0\n\t\t\t\t010000E0     1 0:00000000\t\t0\n" +
		"17\tvrrp.51   :     1      V2\n\t\t\t\t120000E0     2 0:00000000\t\t0\n"
	six := "1    lo              ff020000000000000000000000000001     1 0000000C 0\n" +
		"2    eth0            ff020000000000000000000000000012     1 00000004 0\n" +
		"3    eth1            ff020000000000000000000000000112     1 00000004 0\n"
	got4 := parseIGMP([]byte(four), []netip.Addr{wire.Group4, netip.MustParseAddr("224.0.0.99")})
	got6 := parseIGMP6([]byte(six), []netip.Addr{wire.Group6})
	var all []string
	for _, got := range []map[membership]bool{got4, got6} {
		for m := range got {
			all = append(all, fmt.Sprintf("%d %v", m.index, m.group))
		}
	}
	slices.Sort(all)
	if want := "17 224.0.0.18, 2 224.0.0.18, 2 224.0.0.99, 2 ff02::12"; strings.Join(all, ", ") != want {
		t.Errorf("members %v, want %s", all, want)
	}
}

// TestReceiverJoinsAgain checks losses of a membership that the kernel does not announce as a
// loss of the link: the IPv6 settings are removed if the MTU is too small for IPv6, and return
// without the membership; a link that leaves the namespace returns without any, and packet
// sockets are unbound from it. The verification of a takeover finds such a loss, and the
// instances restart their waits.
func TestReceiverJoinsAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		change []string
		deaf   string // the instances that were
	}{
		{"MTU too small for IPv6", []string{"link set here1 mtu 1200", "link set here1 mtu 1500"}, "here1/6"},
		{"moved to another namespace and back", []string{"link set here1 netns REMOTE", "-n REMOTE link set here1 netns LOCAL"}, "here1/4 here1/6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := adverttest.NewLAN(t)
			link := l.Cable(1, 0)
			bench := listen(t, on(link.Name)...)
			bench.publish(link)
			l.MoveLinks(c.change)
			l.IP("link set here1 up")
			l.IP("addr replace 198.51.1.1/24 dev here1")
			l.IP("addr replace fe80::1:1/64 dev here1 nodad")
			adverttest.Settle("here1")
			l.InRemote(func() { adverttest.Settle("there1") }) // before that it sends nothing

			time.Sleep(auditEvery / 4) // on a busy machine the last audit, which took long, delays the next
			bench.Verify(bench.ticket + 1)
			bench.ticket++
			found := bench.until(func(r vrrp.Result) bool { a, ok := r.(vrrp.Answered); return ok && a.Ticket == bench.ticket })
			rejoined := map[string]bool{}
			for _, r := range found {
				if r, ok := r.(vrrp.Rejoined); ok {
					rejoined[r.Instance] = true
				}
			}
			if got := strings.Join(slices.Sorted(maps.Keys(rejoined)), " "); got != c.deaf {
				t.Errorf("%q restarted their waits before the answer, want %q", got, c.deaf)
			}
			told := map[string]bool{}
			events, _ := bench.events.Take()
			for _, e := range events {
				if d, ok := e.(Deaf); ok && d.Mended && d.Level() == event.Error {
					told[d.Instance] = true
				}
			}
			if !maps.Equal(told, rejoined) {
				t.Errorf("events %+v", events)
			}
			index, four, six := l.RemoteEnd(1)
			l.Sender(openSender).Send([]advert.Message{adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six))})
			if heard := bench.takes(2); len(heard) != 2 {
				t.Errorf("heard %q", who(heard))
			}
		})
	}
}

// TestReceiverReportsDeafness checks that if the socket cannot be opened again the instance is
// deaf until it can.
func TestReceiverReportsDeafness(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	bench := listen(t, on(link.Name)...)
	bench.publish(link)
	bench.results.Take()
	conditions := func() (all []vrrp.Condition) {
		bench.links.Publish(link)
		bench.Verify(bench.ticket + 1)
		bench.ticket++
		for _, r := range bench.until(func(r vrrp.Result) bool { a, ok := r.(vrrp.Answered); return ok && a.Ticket == bench.ticket }) {
			if c, ok := r.(vrrp.Condition); ok {
				all = append(all, c)
			}
		}
		return all
	}
	l.IP("link set here1 mtu 1200")
	if got := conditions(); len(got) != 1 || !got[0].On || got[0].Reason != event.Deaf || got[0].Instance != "here1/6" || !strings.Contains(got[0].Err, "1280") {
		t.Errorf("without IPv6: %+v", got)
	}
	l.IP("link set here1 mtu 1500")
	if got := conditions(); len(got) != 1 || got[0].On || got[0].Instance != "here1/6" {
		t.Errorf("with IPv6 again: %+v", got)
	}
}

// withheld makes the kernel of this namespace drop packets from the other end of the cable: this
// end's address is outside the subnet, and rp_filter is strict.
func withheld(l *adverttest.LAN, t *testing.T) {
	l.IP("addr flush dev here1 scope global")
	l.IP("addr add 198.51.1.1/32 dev here1")
	setSysctl(t, "net/ipv4/conf/here1/rp_filter", "1")
}

func setSysctl(t *testing.T, key, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/"+key, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// TestReceiverHearsInSpiteOfReversePathFilter checks that packets that the reverse path filter
// drops are received through the packet socket, once, from the first advert on. It is the same if
// the filter is only set while the router runs: then the silence before a takeover is verified
// does not count. This holds for multicast and unicast.
func TestReceiverHearsInSpiteOfReversePathFilter(t *testing.T) {
	for _, c := range []struct {
		name   string
		peers  []netip.Addr
		before bool // it is set before anything is heard
	}{
		{"from the first on", nil, true},
		{"set later", nil, false},
		{"unicast, from the first on", []netip.Addr{netip.MustParseAddr("198.51.1.2")}, true},
		{"unicast, set later", []netip.Addr{netip.MustParseAddr("198.51.1.2")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := adverttest.NewLAN(t)
			link := l.Cable(1, 0)
			link.Primary4 = netip.MustParseAddr("198.51.1.1")
			instances := on(link.Name)[:1]
			instances[0].Unicast = vrrp.Unicast{Peers: c.peers, TTL: 255, MinTTL: 255}
			bench := listen(t, instances...)
			index, four, _ := l.RemoteEnd(1)
			f := adverttest.Frames(index, four)
			if c.peers != nil {
				a := wire.Advert{VRID: 51, Priority: 200, Interval: time.Second, Addresses: []netip.Addr{adverttest.VIP4}}
				f.Copies[0] = advert.Copy{To: link.Primary4, Advert: a.Append(nil, four, link.Primary4)}
			}
			s := l.Sender(openSender)
			// A strict filter also drops ARP requests.
			here, err := net.InterfaceByName("here1")
			if err != nil {
				t.Fatal(err)
			}
			l.InRemote(func() { l.IP(fmt.Sprintf("neigh replace 198.51.1.1 lladdr %s dev there1", here.HardwareAddr)) })
			hears := func(when string) {
				t.Helper()
				for range 3 {
					s.Send([]advert.Message{adverttest.Message(f)})
					if heard := bench.takes(1); len(heard) != 1 {
						t.Errorf("%s: heard %q, want it once", when, who(heard))
					}
				}
			}
			if c.before {
				withheld(l, t)
			}
			bench.publish(link)
			hears("at first")
			if !c.before {
				withheld(l, t)
				bench.results.Take()
				bench.Verify(bench.ticket + 1)
				bench.ticket++
				anew := false
				for _, r := range bench.until(func(r vrrp.Result) bool { a, ok := r.(vrrp.Answered); return ok && a.Ticket == bench.ticket }) {
					_, ok := r.(vrrp.Rejoined)
					anew = anew || ok
				}
				if !anew {
					t.Error("a takeover was verified although nothing could be received")
				}
				hears("with the filter")
			}
			setSysctl(t, "net/ipv4/conf/here1/rp_filter", "0")
			bench.take() // verifies
			hears("without the filter")
			events, _ := bench.events.Take()
			if len(events) > 0 {
				t.Errorf("events %+v", events)
			}
		})
	}
}

// TestFiltersDoNotGrow checks that however many addresses are shared, the filters fit into the
// memory that older kernels give a socket: 20 KiB, of which an instruction of a program takes 8
// bytes, and more when translated.
func TestFiltersDoNotGrow(t *testing.T) {
	a := &adverts{deliveries: newDeliveries()}
	four := adverttest.Virtual4()
	four.Addresses = nil
	for i := range 1000 {
		four.Addresses = append(four.Addresses, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	a.add(&four)
	for range maxSources {
		a.reach.deliver(adverttest.VIP4)
	}
	both := families{event.IPv4: a, event.IPv6: {filterSpec: filterSpec{family: event.IPv6, groups: []netip.Addr{wire.Group6}}}}
	if n := len(packetProgram(both, false)); n > 120 {
		t.Errorf("%d instructions for a packet socket", n)
	}
	for vrid := range 255 {
		four.VRID = uint8(vrid + 1)
		a.add(&four)
		a.watched.add(four.VRID)
		both[event.IPv6].watched.add(four.VRID)
	}
	if n := len(packetProgram(both, true)); n > 740 {
		t.Errorf("%d instructions in a flood", n)
	}
}

// TestReachIsBounded checks that the number of remembered sources is bounded, even if they are
// forged.
func TestReachIsBounded(t *testing.T) {
	var s reach
	now := time.Unix(100, 0)
	a := netip.MustParseAddr("10.0.0.0")
	for range 100 {
		a = a.Next()
		s.deliver(a)
		s.withhold(a, wire.Group4, now)
	}
	if len(s.delivered) != maxSources || len(s.withheld) != maxSources || !s.known(netip.MustParseAddr("10.0.0.1"), now) {
		t.Errorf("remembers %d and %d", len(s.delivered), len(s.withheld))
	}
	s.withhold(netip.MustParseAddr("10.9.9.9"), wire.Group4, now.Add(2*time.Minute))
	if len(s.withheld) != maxSources || s.withheld[maxSources-1].source != netip.MustParseAddr("10.9.9.9") {
		t.Errorf("after a later source: %+v", s.withheld)
	}
}

// TestReceiverHearsTheOwnerAmongMany checks that an owner is heard among a thousand shared
// addresses, with the memory for options of a socket on kernels before 6.9.
func TestReceiverHearsTheOwnerAmongMany(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	was, err := os.ReadFile("/proc/sys/net/core/optmem_max")
	if err != nil {
		t.Skip("skipped: this kernel has no limit of a namespace's own: ", err)
	}
	t.Cleanup(func() { setSysctl(t, "net/core/optmem_max", strings.TrimSpace(string(was))) })
	setSysctl(t, "net/core/optmem_max", "20480")
	var instances []vrrp.Instance
	for i := range 4 {
		four := on(link.Name)[0]
		four.Name, four.VRID, four.Addresses = fmt.Sprint("four", i), uint8(51+i), nil
		for j := range 250 {
			four.Addresses = append(four.Addresses, netip.AddrFrom4([4]byte{198, 51, byte(1 + i), byte(3 + j)}))
		}
		instances = append(instances, four)
	}
	bench := listen(t, instances...)
	bench.publish(link)
	owned := instances[0].Addresses[100]
	l.InRemote(func() { l.IP("addr add " + owned.String() + "/24 dev there1") })
	l.IP("addr add " + owned.String() + "/24 dev here1")
	index, _, _ := l.RemoteEnd(1)
	l.Sender(openSender).Send([]advert.Message{adverttest.Message(adverttest.Frames(index, owned))})
	if heard := bench.takes(1); who(heard) != "four0<"+owned.String() {
		t.Errorf("heard %q", who(heard))
	}
}
